import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { sleep } from '../../patterns/contract/types/timer.ts'
import { killGroup, spawnChild } from '../os/child.ts'
import { entryPath } from '../os/entry.ts'
import { beginLabel, closeRun, endLabel, newRunName, reaperMark } from '../os/label.ts'
import { leftBehindBy, listLeftovers } from './audit.ts'
import { removeRun } from './sweep.ts'
import type { Sweeper } from './sweep.ts'
import { claimTemp } from './temp-folder.ts'

/** Something that starts processes and leaves none of them. */
export interface Supervised {
  readonly run: string
  /** Everything temporary is in here. */
  readonly temp: string
  /** End all of it but these processes. Resolves with what is still there. From then on nothing can be started. */
  end(spared?: readonly number[]): Promise<readonly string[]>
}

/** By then it has nothing to do any more. */
const reaperLeavesMs = 2_000

/**
 * Do something that starts processes, and leave none of them. `act` gets the folder for what is temporary. Resolves
 * with what is still there afterwards. The reaper's log is in that folder, unless it is to be kept elsewhere.
 */
export async function supervise(
  sweepers: readonly Sweeper[],
  act: (temp: string) => Promise<void>,
  reaperLog?: string,
): Promise<readonly string[]> {
  // Short: it is part of the path of Unix sockets, which may have no more than about a hundred bytes.
  const run = newRunName()
  const before = await listLeftovers(run, sweepers)
  const supervised = await beginSupervised(sweepers, run, reaperLog)
  const leftBehind: string[] = []
  try {
    await act(supervised.temp)
  } finally {
    const standing = await supervised.end()
    const found = leftBehindBy(run, before, await listLeftovers(run, sweepers))
    const untold = found.filter((one) => !standing.some((told) => told === one || told.startsWith(`${one}:`)))
    leftBehind.push(...standing, ...untold)
  }
  return leftBehind
}

/**
 * From now on what this process starts carries the run's label, and temporary files have a folder of their own. A
 * reaper removes both when this process dies.
 */
export async function beginSupervised(
  sweepers: readonly Sweeper[],
  run = newRunName(),
  reaperLog?: string,
): Promise<Supervised> {
  const temp = claimTemp(run)
  beginLabel(run)
  const reaper = await startReaper(run, temp, reaperLog ?? join(temp, 'reaper.log'))
  return {
    run,
    temp,
    async end(spared = []) {
      closeRun()
      const standing = await removeRun(run, temp, sweepers, [reaper.pid!, ...spared])
      await dismiss(reaper)
      endLabel()
      return standing
    },
  }
}

/** It finds the engines that we find: unlike a node it gets what says where they are. */
async function startReaper(run: string, temp: string, logFile: string): Promise<ChildProcess> {
  const names = Object.keys(process.env).filter((name) => name === 'HOME' || name.startsWith('DOCKER_'))
  return spawnChild({
    command: process.execPath,
    args: [entryPath('./reaper', import.meta.url), run, temp],
    env: { ...Object.fromEntries(names.map((name) => [name, process.env[name]!])), ...reaperMark },
    logFile,
  })
}

async function dismiss(reaper: ChildProcess): Promise<void> {
  if (reaper.exitCode !== null || reaper.signalCode !== null) return
  const gone = once(reaper, 'exit')
  reaper.stdin!.end('done')
  const over = new AbortController()
  await Promise.race([gone, sleep(reaperLeavesMs, over.signal).catch(() => {})])
  over.abort()
  await killGroup(reaper)
}
