import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'

/** Where `npm run engines:install` puts one release of one thing for this platform: below the user's cache. */
export function cacheFolder(name: string): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  return join(cache, 'outlast', `${name}-${process.platform}-${process.arch}`)
}

export async function areExecutable(paths: readonly string[]): Promise<boolean> {
  return Promise.all(paths.map((path) => access(path, constants.X_OK))).then(
    () => true,
    () => false,
  )
}
