import { once } from 'node:events'
import { lstatSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { root, temporaryFolders } from '../support/outlast.ts'
import { spawn } from '../support/programs.ts'

/** As root the database runs as nobody, who must reach its files; whoever starts it, nobody else may write there. */
it.each(['000', '077'])('under the umask %s a database starts, and nobody else may write its files', async (umask) => {
  await using folders = await temporaryFolders()
  const command = ['bin/outlast.js', 'conform', 'durable-postgres', '--cases', 'idempotency/concurrent']
  const child = spawn('sh', ['-c', `umask ${umask}; exec "$0" "$@"`, process.execPath, ...command], {
    cwd: root,
    env: { ...process.env, NO_COLOR: '1', TMPDIR: folders.tmp },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text))
  const open = new Set<string>()
  const closed = once(child, 'close')
  let isOver = false
  void closed.then(() => (isOver = true))
  while (!isOver) {
    for (const path of writableIn(folders.tmp)) open.add(path)
    await sleep(100)
  }
  expect([(await closed)[0], said]).toEqual([0, expect.stringContaining(': 1 pass, 0 fail')])
  expect([...open]).toEqual([])
})

/** What others may write, as far as it stays where it is while we look. */
function writableIn(folder: string): readonly string[] {
  const names = attempt(() => readdirSync(folder)) ?? []
  return names.flatMap((name) => {
    const path = join(folder, name)
    const stats = attempt(() => lstatSync(path))
    if (!stats || stats.isSymbolicLink()) return []
    return [...((stats.mode & 0o022) !== 0 ? [path] : []), ...(stats.isDirectory() ? writableIn(path) : [])]
  })
}

function attempt<T>(look: () => T): T | undefined {
  try {
    return look()
  } catch {
    return undefined
  }
}
