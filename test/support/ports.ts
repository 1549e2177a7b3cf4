import { holdPort } from '../../harness/os/ports.ts'

/** A loopback port for a server of this test, which nobody else gets while this process lives. */
export async function keepPort(): Promise<number> {
  return (await holdPort()).port
}
