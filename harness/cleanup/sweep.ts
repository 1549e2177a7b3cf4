import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { describeError, UsageError } from '../core/errors.ts'
import { mustBeOwnFolder } from '../core/own-file.ts'
import type { Runtime } from '../model/runtime.ts'
import { announcedResources, type JournalEntry, readJournal, takenDown, unhealed } from './journal.ts'
import { bringBack } from './owners-services.ts'
import { findObjects, removeObjects, removeSharedFiles } from './kernel-memory.ts'
import { readRunName } from '../os/label.ts'
import { type Ended, endProcesses } from './processes.ts'
import { readSessions } from './sessions.ts'
import { findRuns, type RunLeftovers, type Survey } from './leftovers.ts'
import { ownerFile } from './temp-folder.ts'
import { runProgram } from '../os/program.ts'

/** What finding and removing needs of a runtime. */
export type Sweeper = Pick<Runtime, 'name' | 'resources' | 'sweep' | 'endSignalOf'>

interface Cleaned {
  readonly removed: readonly RunLeftovers[]
  /** Left alone: it could not be told whether they live. */
  readonly unclear: readonly RunLeftovers[]
  /** What still stands, and what could not be looked at: a sentence each. */
  readonly remaining: readonly string[]
  /** What has a name like ours and is not believed: a sentence each. */
  readonly passedOver: readonly string[]
}

/** End and remove what dead runs left, nothing that a living one may have. `survey`: by default of all runs here. */
export async function cleanUp(sweepers: readonly Sweeper[], survey?: Survey): Promise<Cleaned> {
  const { runs, troubles, passedOver } = survey ?? (await findRuns(sweepers))
  const removed = runs.filter(({ state }) => state === 'dead')
  const remaining = [...troubles]
  for (const { run, folder } of removed) remaining.push(...(await removeRun(run, folder, sweepers)))
  return { removed, unclear: runs.filter(({ state }) => state === 'unclear'), remaining, passedOver }
}

/** `cleanUp` of one run that the user knows to be dead. Throws UsageError when it is alive, or not here. */
export async function cleanUpRun(run: string, sweepers: readonly Sweeper[]): Promise<Cleaned> {
  const { runs, troubles, passedOver } = await findRuns(sweepers)
  const found = runs.find((one) => one.run === run)
  if (!found) throw new UsageError([`there is nothing here of a run ${run}`, ...troubles, ...passedOver])
  if (found.state === 'alive') throw new UsageError(`the run ${run} is alive: interrupt it instead`)
  return { removed: [found], unclear: [], remaining: await removeRun(run, found.folder, sweepers), passedOver }
}

/**
 * End every process that carries the run's label, have every runtime remove what it kept for it, remove what the operating
 * system keeps beyond processes, and delete its temporary folder last, when nobody writes there any more. Runs inside it go with it. Resolves with what still
 * stands, a sentence each: nothing, if all is well. Otherwise the folder stays: it holds the journal that the next one who
 * cleans up needs. Services of the user's that it took down are brought back first.
 */
export async function removeRun(
  run: string,
  folder: string | undefined,
  sweepers: readonly Sweeper[],
  { spared = [], env = process.env }: RemoveOptions = {},
): Promise<readonly string[]> {
  const endSignalOf = (command: string): NodeJS.Signals =>
    sweepers.map((sweeper) => sweeper.endSignalOf?.(command)).find(Boolean) ?? 'SIGKILL'
  const sessions = folder === undefined ? [] : readSessions(folder)
  const ended = await endProcesses(run, new Set(spared), { endSignalOf, sessions })
  const { entries: journal, flaws } = folder === undefined ? nothing : openedJournal(folder)
  const down = await bringBack(takenDown(journal), { env })
  const inside = new Set([...ended.seen.values()].map((one) => one.run).filter((one) => one !== run))
  const swept = await Promise.all([
    ...sweepers.map((sweeper) => sweepWith(sweeper, run, journal)),
    ...[...inside].flatMap((one) => sweepers.map((sweeper) => sweepWith(sweeper, one, []))),
  ])
  const memory = await removeMemory(run, folder, ended)
  const mounts = folder === undefined ? [] : await unmountBelow(folder)
  const remaining = [...ended.remaining, ...flaws, ...down, ...swept.flat(), ...memory, ...mounts]
  if (remaining.length > 0) return [...remaining, ...unhealed(journal).map(describeFault)]
  return folder === undefined ? [] : removeFolder(folder)
}

interface RemoveOptions {
  /** Processes that are to go on. */
  readonly spared?: readonly number[]
  /** What commands of the user's find around them. */
  readonly env?: NodeJS.ProcessEnv
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

async function removeMemory(
  run: string,
  folder: string | undefined,
  { seen, sharedFiles }: Ended,
): Promise<readonly string[]> {
  const sinceMs = readRunName(run)?.startedAtMs ?? Infinity
  const objects = findObjects({ folder, pids: new Set(seen.keys()), sinceMs })
  return [...(await removeObjects(objects)), ...removeSharedFiles(sharedFiles)]
}

function sweepWith(sweeper: Sweeper, run: string, journal: readonly JournalEntry[]): Promise<readonly string[]> {
  return sweeper
    .sweep(run, announcedResources(journal))
    .catch((error: unknown) => [`what runtime ${sweeper.name} made: it cannot be asked: ${describeError(error)}`])
}

/** Faults live in what runs: they are gone with it, and doubtful only while something of it still stands. */
function describeFault({ cell, name, target, until }: ReturnType<typeof unhealed>[number]): string {
  return `fault ${name} on ${target} in ${cell}: no healing of it is on record; it was planned until ${until}`
}

/** Its claim goes last: until then the next one who cleans up finds it. */
function removeFolder(folder: string): readonly string[] {
  const options = { recursive: true, force: true, maxRetries: 5 } as const
  try {
    mustBeOwnFolder(folder)
    for (const name of readdirSync(folder)) if (name !== ownerFile) rmSync(join(folder, name), options)
    rmSync(folder, options)
    return []
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    return [`temporary folder ${folder}: ${describeError(error)}`]
  }
}

/** Unmount what is mounted below a folder that is to be deleted. Resolves with a sentence on each that stays. */
async function unmountBelow(folder: string): Promise<readonly string[]> {
  const refusals: string[] = []
  for (const point of mountsBelow(folder).toReversed())
    await runProgram('umount', ['-l', point], { timeoutMs: 5_000 }).catch((error: unknown) =>
      refusals.push(`what is mounted on ${point}: ${describeError(error)}`),
    )
  return refusals
}

/** proc_pid_mountinfo(5): the fifth column, in which blanks are written as numbers. Empty where there is no /proc. */
function mountsBelow(folder: string): readonly string[] {
  try {
    return readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) =>
        (line.split(' ')[4] ?? '').replaceAll(/\\([0-7]{3})/g, (_, code: string) =>
          String.fromCharCode(Number.parseInt(code, 8)),
        ),
      )
      .filter((point) => point.startsWith(`${folder}/`))
  } catch {
    return []
  }
}
