import { join } from 'node:path'
import type { ProcessCommand, ProcessPlace } from '../server.ts'
import { namespace } from '../temporal/namespace.ts'
import { keepAliveSettings } from '../temporal/settings.ts'
import { findDevServer } from './releases.ts'

/** How to start the CLI's dev server: the server's services in one process with one history shard. */
export async function command(request: ProcessPlace): Promise<ProcessCommand> {
  return {
    command: (await findDevServer()).program,
    args: devServerArgs(request),
    env: devServerEnvironment(request),
    cwd: request.dataDir,
  }
}

/**
 * Its arguments. It has one connection to SQLite. Its file is synced at every commit, which it is not by itself;
 * without a file a crash would lose everything.
 */
export function devServerArgs(request: ProcessPlace): readonly string[] {
  const { dataDir, host, port, controlPort, timeouts = {} } = request
  const settings = keepAliveSettings(timeouts).flatMap(([name, text]) => [
    '--dynamic-config-value',
    `${name}="${text}"`,
  ])
  const place = ['--ip', host, '--port', String(port), '--http-port', String(controlPort)]
  const file = ['--db-filename', join(dataDir, 'temporal.db')]
  const pragmas = ['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=2']
  return ['server', 'start-dev', '--headless', '--namespace', namespace, ...place, ...file, ...pragmas, ...settings]
}

/** Else it reads and writes a configuration below the user's home. */
export function devServerEnvironment({ dataDir }: Pick<ProcessPlace, 'dataDir'>): Readonly<Record<string, string>> {
  return { HOME: dataDir }
}
