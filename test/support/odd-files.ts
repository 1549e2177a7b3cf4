import { mkdirSync, renameSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { execFileSync } from './programs.ts'

/** What can stand where a regular file is expected: how to put it there, and what is said of it. */
export interface OddFile {
  readonly name: string
  readonly make: (path: string) => void | Promise<void>
  readonly says: RegExp
}

/** None of them may be waited for, followed, or read to its end. */
export const oddFiles: readonly OddFile[] = [
  { name: 'a FIFO', make: (path) => void execFileSync('mkfifo', [path]), says: /is a FIFO/ },
  { name: 'a folder', make: (path) => void mkdirSync(path), says: /is a folder/ },
  {
    name: 'a link to /dev/zero',
    make: (path) => symlinkSync('/dev/zero', path),
    says: /is a symbolic link|is a device/,
  },
  { name: 'a link to a file', make: linkToFile, says: /is a symbolic link/ },
  { name: 'a link to itself', make: (path) => symlinkSync(path, path), says: /is a symbolic link/ },
  { name: 'a socket', make: leaveSocket, says: /is a socket/ },
  { name: '10 GB', make: tenGigabytes, says: /has 10000000000 bytes; at most \d+ are read/ },
]

/** Sparse: it takes no room. */
export function tenGigabytes(path: string): void {
  writeFileSync(path, '{')
  truncateSync(path, 10_000_000_000)
}

function linkToFile(path: string): void {
  writeFileSync(`${path}.target`, '{}')
  symlinkSync(`${path}.target`, path)
}

/** Its server would remove it when it closes in order. Made elsewhere: its path may have no more than about a hundred bytes. */
async function leaveSocket(path: string): Promise<void> {
  const made = join(tmpdir(), `s${process.pid}`)
  const server = createServer().listen(made)
  await once(server, 'listening')
  renameSync(made, path)
  server.unref()
}
