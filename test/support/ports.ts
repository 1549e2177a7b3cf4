import { holdLowPort, holdPort } from '../../harness/os/ports.ts'

/** A loopback port for a server of this test, which nobody else gets while this process lives. */
export async function keepPort(): Promise<number> {
  return (await holdPort()).port
}

/** One of 15 bits: Temporal's server keeps no more of one. */
export async function keepLowPort(): Promise<number> {
  return (await holdLowPort()).port
}
