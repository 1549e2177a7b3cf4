import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { sleep } from '../../patterns/contract/types/timer.ts'
import { sharedFilesOf } from './kernel-memory.ts'
import type { Owner } from '../model/runtime.ts'
import { type Label, labelIn, readRunName, readStat, runLabel, tempPrefix, isOurUid } from '../os/label.ts'

/** What became of the processes of a run. */
export interface Ended {
  /** A sentence on each that still runs. */
  readonly remaining: readonly string[]
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

interface EndOptions {
  /** What to send first to a process of this command line. */
  readonly endSignalOf?: (command: string) => NodeJS.Signals
  /** How long a reaper among them may take to finish. */
  readonly patienceMs?: number
  /** Processes that led sessions of the run. */
  readonly sessions?: readonly Owner[]
}

/**
 * End every process that carries the run's label, those of runs inside it, and those without a label in its sessions, but not
 * this one and not `spared`. Looks again until none was found twice: a process may be starting another in this moment.
 */
export async function endProcesses(
  run: string,
  spared: ReadonlySet<number>,
  { endSignalOf = () => 'SIGKILL', patienceMs = reaperPatienceMs, sessions = [] }: EndOptions = {},
): Promise<Ended> {
  const seen = new Map<number, LabelledProcess>()
  const sharedFiles = new Set<string>()
  const look = (isReaper: boolean): readonly LabelledProcess[] => {
    const alive = [...findLabelled(run), ...findUnlabelled(run, sessions)].filter((one) => !spared.has(one.pid))
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
  const remaining = [...look(false), ...look(true)].map(({ pid, command }) => `process ${pid}: ${command}`)
  return { remaining, seen, sharedFiles: [...sharedFiles] }
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

export interface LabelledProcess extends Label {
  readonly pid: number
  readonly command: string
}

/**
 * Processes of this user that carry a label, except the asking one. Reads /proc where there is one, else `ps`. What
 * another user's processes say of themselves counts for nothing. A server that has overwritten its label is recognised
 * by where it is. Zombies do not count: they are dead and only wait for their parent to notice.
 */
export function listLabelled(): readonly LabelledProcess[] {
  const found = hasProc() ? scanProc() : scanPs()
  return found.filter(({ pid }) => pid !== process.pid)
}

/**
 * Processes of this user without a label in sessions that these began. While a session has a process, no other one gets its
 * leader's pid: so a leader of that pid that began at another time is that of another session.
 */
function findUnlabelled(run: string, sessions: readonly Owner[]): readonly LabelledProcess[] {
  if (sessions.length === 0 || !hasProc()) return []
  const began = new Map(sessions.map(({ pid, startTicks }) => [pid, startTicks]))
  const isInOne = (pid: number): boolean => {
    const { session = 0, state = 'X' } = readStat(pid) ?? {}
    const wanted = began.get(session)
    const leader = wanted === undefined ? undefined : readStat(session)
    return wanted !== undefined && !'ZX'.includes(state) && (!leader || leader.startTicks === wanted)
  }
  return listPids()
    .filter(
      (pid) => Number(pid) !== process.pid && isInOne(Number(pid)) && isOurs(pid) && labelSaidBy(pid) === undefined,
    )
    .map((pid) => ({ run, within: [], isReaper: false, pid: Number(pid), command: commandOf(pid) }))
}

/** Those of a run, and of runs inside it. */
export function findLabelled(run: string): readonly LabelledProcess[] {
  return listLabelled().filter((one) => one.run === run || one.within.includes(run))
}

function hasProc(): boolean {
  try {
    return readlinkSync('/proc/self') !== ''
  } catch {
    return false
  }
}

function scanProc(): LabelledProcess[] {
  return listPids().flatMap((pid) => {
    const label = isOurs(pid) ? labelOf(pid) : undefined
    return label ? [{ ...label, pid: Number(pid), command: commandOf(pid) }] : []
  })
}

function listPids(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
}

function labelOf(pid: string): Label | undefined {
  return labelSaidBy(pid) ?? (isOverwritten(environmentOf(pid)) ? labelOfPlace(pid) : undefined)
}

/** Where it is says less than whose session it is in: a run inside another one lies in that one's folder. */
function labelSaidBy(pid: string): Label | undefined {
  return labelIn(environmentOf(pid))
}

function environmentOf(pid: string): readonly string[] {
  return readProc(pid, 'environ')?.split('\0') ?? []
}

function commandOf(pid: string): string {
  return readProc(pid, 'cmdline')?.replaceAll('\0', ' ').trim() ?? ''
}

/** PostgreSQL and Redis write their titles over it: nothing of what they were given can be read there. */
function isOverwritten(environment: readonly string[]): boolean {
  return !environment.some((entry) => /^\w+=/.test(entry))
}

/** Such a server works in its data folder, below those of the runs to which it belongs. */
function labelOfPlace(pid: string): Label | undefined {
  try {
    const runs = readlinkSync(`/proc/${pid}/cwd`)
      .split('/')
      .flatMap((name) => (name.startsWith(tempPrefix) ? [name.slice(tempPrefix.length)] : []))
      .filter((name) => readRunName(name))
    const run = runs.at(-1)
    return run === undefined ? undefined : { run, within: runs.slice(0, -1), isReaper: false }
  } catch {
    return undefined
  }
}

/** By the real user, too: what another user started is theirs, also where it may act as root. */
function isOurs(pid: string): boolean {
  try {
    if (!isOurUid(statSync(`/proc/${pid}`).uid)) return false
    const [, real, effective] = readProc(pid, 'status')?.match(/^Uid:\s+(\d+)\s+(\d+)/m) ?? []
    return real !== undefined && isOurUid(Number(real)) && isOurUid(Number(effective))
  } catch {
    return false
  }
}

function readProc(pid: string, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    // Ended in between.
    return undefined
  }
}

/** The listing shows no end of a value with blanks, such as an owner's: then the run is known by its name only. */
function scanPs(): LabelledProcess[] {
  const env = { ...process.env, ...runLabel() }
  const { stdout, pid } = spawnSync('ps', ['-Eww', '-x', '-o', 'pid=,command='], { encoding: 'utf8', env })
  return stdout.split('\n').flatMap((line) => {
    const label = labelIn(line.split(' '))
    const one = Number.parseInt(line, 10)
    return label && one !== pid ? [{ ...label, pid: one, command: line.trim() }] : []
  })
}
