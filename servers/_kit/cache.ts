import { existsSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { sharedFolderFlaw, UntrustedFile } from '../../harness/core/own-file.ts'

/**
 * Where `npm run engines:install` puts one release of one thing for this platform: below the user's cache. Throws UntrustedFile
 * where others could have put it there: it is run.
 */
export function cacheFolder(name: string): string {
  const cache = process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache')
  const ours = join(cache, 'outlast')
  for (const folder of existsSync(ours) ? [cache, ours] : []) {
    const flaw = sharedFolderFlaw(folder)
    if (flaw !== undefined) throw new UntrustedFile(folder, `${flaw}: no program there is run`)
  }
  return join(ours, `${name}-${process.platform}-${process.arch}`)
}

export async function areExecutable(paths: readonly string[]): Promise<boolean> {
  return Promise.all(paths.map((path) => access(path, constants.X_OK))).then(
    () => true,
    () => false,
  )
}
