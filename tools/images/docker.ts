import { run } from '../../servers/_kit/command.ts'

/** Run a command of Docker's to its end; its stdout. Throws HarnessError. */
export async function docker(...args: readonly string[]): Promise<string> {
  return run('docker', args, 'install Docker (Debian: apt-get install docker.io) and start its daemon')
}
