import { join } from 'node:path'
import { HarnessError } from '../../core/errors.ts'
import type { ProgramCommand, ProgramRequest } from './program.ts'
import { findDevServer } from './temporal-binaries.ts'
import { keepAliveSettings, namespace, readyPath } from './temporal.ts'

/**
 * How to start the CLI's dev server: the server's services in one process with one history shard over one connection to
 * SQLite. Its file is synced at every commit, which it is not by itself; without a file a crash would lose everything.
 */
export async function programCommand(request: ProgramRequest): Promise<ProgramCommand> {
  const { dataDir, host, port, controlPort, timeouts = {} } = request
  if (controlPort === undefined) throw new HarnessError('the Temporal dev server needs a control port')
  const settings = keepAliveSettings(timeouts).flatMap(([name, text]) => [
    '--dynamic-config-value',
    `${name}="${text}"`,
  ])
  const place = ['--ip', host, '--port', String(port), '--http-port', String(controlPort)]
  const file = ['--db-filename', join(dataDir, 'temporal.db')]
  const pragmas = ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=2']
  return {
    command: await findDevServer(),
    args: ['server', 'start-dev', '--headless', '--namespace', namespace, ...place, ...file, ...pragmas, ...settings],
    // Else it reads and writes a configuration below the user's home.
    env: { HOME: dataDir },
    cwd: dataDir,
    ready: { http: readyPath, control: true },
    endSignal: 'SIGKILL',
  }
}
