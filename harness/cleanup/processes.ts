import { sleep } from '../../patterns/contract/types/timer.ts'
import { findLabelled, type LabelledProcess } from './labelled.ts'
import { sharedFilesOf } from './shared-files.ts'

/** What became of the processes of a run. */
export interface Ended {
  /** A sentence on each that still runs. */
  readonly standing: readonly string[]
  /** All that were seen, by their pids. */
  readonly seen: ReadonlyMap<number, LabelledProcess>
  /** POSIX shared memory that they used. */
  readonly sharedFiles: readonly string[]
}

const roundMs = 100
/** Who works for a run is ended until none was found twice; who cleans up after it may finish first. */
const rounds = { work: 80, reaper: 120 } as const
/** A server that has kernel objects to remove gets half a second, as no SIGKILL would let it; everything else goes at once. */
const politeRounds = 5
/** Removing containers takes a while. */
const reaperPatienceMs = 5_000

/**
 * End every process that carries the run's label, and those of runs inside it, but not this one and not `spared`. Looks again
 * until none was found twice: a process may be starting another in this moment. A reaper among them has `patienceMs` to finish.
 * `endSignalOf`: what to send first to a process of this command line.
 */
export async function endProcesses(
  run: string,
  spared: ReadonlySet<number>,
  {
    endSignalOf = () => 'SIGKILL',
    patienceMs = reaperPatienceMs,
  }: { readonly endSignalOf?: (command: string) => NodeJS.Signals; readonly patienceMs?: number } = {},
): Promise<Ended> {
  const seen = new Map<number, LabelledProcess>()
  const sharedFiles = new Set<string>()
  const look = (isReaper: boolean): readonly LabelledProcess[] => {
    const alive = findLabelled(run).filter((one) => !spared.has(one.pid))
    for (const one of alive) {
      if (!seen.has(one.pid)) for (const file of sharedFilesOf(one.pid)) sharedFiles.add(file)
      seen.set(one.pid, one)
    }
    return alive.filter((one) => one.isReaper === isReaper)
  }
  await repeat(
    rounds.work,
    2,
    () => look(false),
    (one, round) => signal(one, round < politeRounds ? endSignalOf(one.command) : 'SIGKILL'),
  )
  await repeat(
    rounds.reaper,
    1,
    () => look(true),
    (one, round) => round * roundMs >= patienceMs && signal(one, 'SIGKILL'),
  )
  const standing = [...look(false), ...look(true)].map(({ pid, command }) => `process ${pid}: ${command}`)
  return { standing, seen, sharedFiles: [...sharedFiles] }
}

async function repeat(
  most: number,
  quietRounds: number,
  look: () => readonly LabelledProcess[],
  act: (one: LabelledProcess, round: number) => void,
): Promise<void> {
  for (let round = 0, quiet = 0; round < most; round++) {
    const alive = look()
    quiet = alive.length === 0 ? quiet + 1 : 0
    if (quiet === quietRounds) return
    for (const one of alive) act(one, round)
    await sleep(roundMs)
  }
}

function signal({ pid }: LabelledProcess, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Gone already.
  }
}
