import type { ChildProcess } from 'node:child_process'
import { join } from 'node:path'
import { spawnChild } from '../os/child.ts'
import { entryPath } from '../os/entry.ts'
import { labelRun } from '../os/label.ts'
import { leftBy, takeStock } from './audit.ts'
import { removeRun } from './cleanup.ts'
import type { Sweeper } from './sweepers.ts'
import { claimTemp } from './temp-folder.ts'

/**
 * Do something that starts processes, and leave none of them: they carry a label, what is temporary is in one folder, and
 * a reaper sees to both when this process dies. `act` gets the folder. Resolves with what still stands afterwards. The
 * reaper's log is in that folder, unless it is to be kept elsewhere.
 */
export async function supervise(
  sweepers: readonly Sweeper[],
  act: (temp: string) => Promise<void>,
  reaperLog?: string,
): Promise<readonly string[]> {
  // Short: it is part of the path of Unix sockets, which may have no more than about a hundred bytes.
  const run = `${process.pid}-${Date.now().toString(36)}`
  const before = await takeStock(run, sweepers)
  const temp = claimTemp(run)
  const reaper = await startReaper(run, temp, reaperLog ?? join(temp, 'reaper.log'))
  labelRun(run)
  const leftBehind: string[] = []
  try {
    await act(temp)
  } finally {
    labelRun(undefined)
    const standing = await removeRun(run, temp, sweepers)
    const found = leftBy(run, before, await takeStock(run, sweepers))
    const untold = found.filter((one) => !standing.some((told) => told === one || told.startsWith(`${one}:`)))
    leftBehind.push(...standing, ...untold)
    reaper.stdin!.end('done')
  }
  return leftBehind
}

/** It finds the engines that we find: unlike a node it gets what says where they are. */
async function startReaper(run: string, temp: string, logFile: string): Promise<ChildProcess> {
  const names = Object.keys(process.env).filter((name) => name === 'HOME' || name.startsWith('DOCKER_'))
  return spawnChild({
    command: process.execPath,
    args: [entryPath('./reaper', import.meta.url), run, temp],
    env: Object.fromEntries(names.map((name) => [name, process.env[name]!])),
    logFile,
  })
}
