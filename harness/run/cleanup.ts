import { rmSync } from 'node:fs'
import { describeError, UsageError } from '../core/errors.ts'
import { mustBeOwnFolder } from '../core/own-file.ts'
import { sleep } from '../core/timer.ts'
import { kept, type JournalEntry, readJournal, unhealed } from '../os/journal.ts'
import { findLabelled } from '../os/leftovers.ts'
import { type Found, findRuns } from './leftovers.ts'
import type { Sweeper } from './sweepers.ts'

export interface Cleaned {
  readonly removed: readonly Found[]
  /** Left alone: it could not be told whether they live. */
  readonly unclear: readonly Found[]
  /** What still stands, and what could not be looked at: a sentence each. */
  readonly standing: readonly string[]
  /** What has a name like ours and is not believed: a sentence each. */
  readonly passedOver: readonly string[]
}

/** End and remove what dead runs left. What may belong to a living one is not touched. */
export async function cleanUp(sweepers: readonly Sweeper[]): Promise<Cleaned> {
  const { runs, troubles, passedOver } = await findRuns(sweepers)
  const removed = runs.filter(({ state }) => state === 'dead')
  const standing = [...troubles]
  for (const { run, folder } of removed) standing.push(...(await removeRun(run, folder, sweepers)))
  return { removed, unclear: runs.filter(({ state }) => state === 'unclear'), standing, passedOver }
}

/**
 * `cleanUp` of one run, on the word of somebody who knows that it is dead. Throws UsageError when it is alive, or when
 * nothing of it is here.
 */
export async function cleanUpRun(run: string, sweepers: readonly Sweeper[]): Promise<Cleaned> {
  const { runs, troubles, passedOver } = await findRuns(sweepers)
  const found = runs.find((one) => one.run === run)
  if (!found) throw new UsageError([`there is nothing here of a run ${run}`, ...troubles, ...passedOver])
  if (found.state === 'alive') throw new UsageError(`the run ${run} is alive: interrupt it instead`)
  return { removed: [found], unclear: [], standing: await removeRun(run, found.folder, sweepers), passedOver }
}

/**
 * End every process that carries the run's label, have every runtime remove what it kept for it, and delete its temporary
 * folder. Resolves with what still stands, a sentence each: nothing, if all is well. Otherwise the folder stays: it holds
 * the journal that the next one who cleans up needs.
 */
export async function removeRun(
  run: string,
  folder: string | undefined,
  sweepers: readonly Sweeper[],
): Promise<readonly string[]> {
  const processes = await endProcesses(run)
  const { entries: journal, flaws } = folder === undefined ? nothing : openedJournal(folder)
  const swept = await Promise.all(sweepers.map((sweeper) => sweepWith(sweeper, run, journal)))
  const standing = [...processes, ...flaws, ...swept.flat()]
  if (standing.length > 0) return [...standing, ...unhealed(journal).map(describeFault)]
  return folder === undefined ? [] : removeFolder(folder)
}

const nothing = { entries: [], flaws: [] }

/** One that is not believed says nothing, and is named. */
function openedJournal(folder: string): {
  readonly entries: readonly JournalEntry[]
  readonly flaws: readonly string[]
} {
  try {
    return { entries: readJournal(folder), flaws: [] }
  } catch (error) {
    return { entries: [], flaws: [`what it announced: ${describeError(error)}`] }
  }
}

/** Looks again until none was found twice: a process may be starting another in this moment. */
async function endProcesses(run: string): Promise<readonly string[]> {
  const rounds = 80
  for (let round = 0, quiet = 0; round < rounds && quiet < 2; round++) {
    const alive = findLabelled(run)
    quiet = alive.length === 0 ? quiet + 1 : 0
    for (const { pid, command } of alive) end(pid, command, round)
    await sleep(100)
  }
  return findLabelled(run).map(({ pid, command }) => `process ${pid}: ${command}`)
}

/** PostgreSQL gets half a second to remove its shared memory, which no SIGKILL would; everything else goes at once. */
function end(pid: number, command: string, round: number): void {
  try {
    process.kill(pid, round < 5 && command.includes('postgres') ? 'SIGQUIT' : 'SIGKILL')
  } catch {
    // Gone already.
  }
}

function sweepWith(sweeper: Sweeper, run: string, journal: readonly JournalEntry[]): Promise<readonly string[]> {
  return sweeper
    .sweep(run, kept(journal))
    .catch((error: unknown) => [`what runtime ${sweeper.name} made: it cannot be asked: ${describeError(error)}`])
}

/** Faults live in what runs: they are gone with it, and doubtful only while something of it still stands. */
function describeFault({ cell, name, target, until }: ReturnType<typeof unhealed>[number]): string {
  return `fault ${name} on ${target} in ${cell}: no healing of it is on record; it was planned until ${until}`
}

function removeFolder(folder: string): readonly string[] {
  try {
    mustBeOwnFolder(folder)
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
    return []
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    return [`temporary folder ${folder}: ${describeError(error)}`]
  }
}
