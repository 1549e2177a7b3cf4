import { chmod, readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'

/** Let everybody read what is in a folder of ours, whatever the umask under which it came there. Links stay as they are. */
export async function letAllRead(folder: string): Promise<void> {
  await chmod(folder, 0o755)
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) await letAllRead(path)
    if (!entry.isFile()) continue
    const { mode } = await stat(path)
    await chmod(path, mode & 0o100 ? 0o755 : 0o644)
  }
}
