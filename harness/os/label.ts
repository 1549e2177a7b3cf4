import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { HarnessError } from '../core/errors.ts'
import type { Owner } from '../model/runtime.ts'

/**
 * Every process of a run carries the run's name in its environment, so that cleanup finds them all. That includes those
 * whose start was never written down, because the harness died in that moment. Beside it is the run's owner: where
 * nothing else of the run is left, that says whether it lives.
 */
const names = {
  run: 'OUTLAST_RUN',
  /** The runs that this one is part of, outermost first: a test suite has runs inside it. */
  within: 'OUTLAST_WITHIN',
  owner: 'OUTLAST_OWNER',
  reaper: 'OUTLAST_REAPER',
} as const

/** Everything temporary of a run (databases, sockets, caches) lives in one folder with this prefix, followed by the run's name. */
export const tempPrefix = 'outlast-'

export interface Label {
  readonly run: string
  readonly within: readonly string[]
  /** Undefined where it names none, or none that can be read. */
  readonly owner?: Owner
  readonly isReaper: boolean
}

/** A name that no other run has: the pid and the time of its beginning. */
export function newRunName(): string {
  return `${process.pid}-${Date.now().toString(36)}`
}

/** Of a name as `newRunName` makes it: the pid, and the milliseconds since 1970. Undefined for any other text. */
export function readRunName(text: string): { readonly pid: number; readonly startedAtMs: number } | undefined {
  const [, pid, time] = /^(\d{1,10})-([0-9a-z]{8,9})$/.exec(text) ?? []
  return pid === undefined ? undefined : { pid: Number(pid), startedAtMs: Number.parseInt(time!, 36) }
}

/** Of this process itself, where its starter has a run. */
const outer = labelIn(Object.entries(process.env).map(([name, value]) => `${name}=${value}`))
/** For what is started before a run begins, or without one: a program that is asked for its version. */
const unclaimed = newRunName()
const owner = JSON.stringify(thisProcess())

/** The runs of this process that are under way, one inside the other. */
let runs: readonly string[] = []
let isOver = false

/** From now on children carry this label, inside that which they carried before. */
export function beginLabel(run: string): void {
  runs = [...runs, run]
  isOver = false
}

/** From now on children carry this label alone, or none of a run. */
export function labelRun(run: string | undefined): void {
  runs = run === undefined ? [] : [run]
  isOver = false
}

/** From now on nothing can be started that would stay, because cleanup counts what there is. */
export function closeRun(): void {
  isOver = true
}

/** The innermost is gone; what is around it goes on. */
export function endLabel(): void {
  runs = runs.slice(0, -1)
  isOver = runs.length === 0
}

/** Throws HarnessError after the end of a run: what starts then, nobody would end. */
export function mustNotBeOver(): void {
  if (isOver) throw new HarnessError('the run has ended: nothing more is started')
}

export function runLabel(): Record<string, string> {
  const within = [...(outer ? [...outer.within, outer.run] : []), ...runs.slice(0, -1)]
  return {
    [names.run]: runs.at(-1) ?? unclaimed,
    [names.owner]: owner,
    ...(within.length > 0 && { [names.within]: within.join(',') }),
  }
}

/** The environment of what is started on nobody's account but the user's. */
export function withoutLabel(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const ours: readonly string[] = Object.values(names)
  return Object.fromEntries(Object.entries(env).filter(([name]) => !ours.includes(name)))
}

/** Beside the label: marks the process that cleans up. */
export const reaperMark: Readonly<Record<string, string>> = { [names.reaper]: '1' }

/** The label among these `NAME=value` entries. */
export function labelIn(entries: readonly string[]): Label | undefined {
  const valueOf = (name: string): string | undefined =>
    entries.find((entry) => entry.startsWith(`${name}=`))?.slice(name.length + 1)
  const run = valueOf(names.run)
  if (!run) return undefined
  const named = readOwner(valueOf(names.owner))
  const within = valueOf(names.within)?.split(',').filter(Boolean) ?? []
  return { run, within, isReaper: valueOf(names.reaper) === '1', ...(named && { owner: named }) }
}

function readOwner(text = ''): Owner | undefined {
  try {
    const { pid, startTicks, place } = JSON.parse(text) as Partial<Record<keyof Owner, unknown>>
    if (typeof pid !== 'number' || typeof startTicks !== 'string' || typeof place !== 'string') return undefined
    return { pid, startTicks, place }
  } catch {
    return undefined
  }
}

/** The innermost run of this process that is under way, if any. */
export function innermostRun(): string | undefined {
  return runs.at(-1)
}

/** The run whose label children carry. Throws where there is none: what has no label would be left behind. */
export function currentRun(): string {
  const run = runs.at(-1)
  if (run === undefined) throw new Error('no run is under way')
  return run
}

/** This process, as something that it leaves behind should name it. */
export function thisProcess(): Owner {
  return processAt(process.pid)
}

/** The process that has this pid now. */
export function processAt(pid: number): Owner {
  return { pid, startTicks: readStat(pid)?.startTicks ?? '', place: here() }
}

/** Whether its pid means anything here: on this machine, since its boot, in this namespace. */
export function isHere({ place }: Owner): boolean {
  return place === here()
}

/** Whether the owner still runs; undefined when its pid means nothing here: another machine, boot or pid namespace. */
export function isAlive(owner: Owner): boolean | undefined {
  if (!isHere(owner)) return undefined
  const stat = readStat(owner.pid)
  if (stat === undefined) return owner.startTicks === '' && isTaken(owner.pid)
  // A zombie is dead and only waits for its parent to notice.
  return stat.startTicks === owner.startTicks && !'ZX'.includes(stat.state)
}

/** Whom servers run as that refuse to be root: nobody, who exists everywhere. */
export const nobody = 65534

/** Whether what has this owner may be ours: this very user's, or, where we are root, that of a server which we start as nobody. */
export function isOurUid(uid: number): boolean {
  const own = process.getuid?.()
  return uid === own || (own === 0 && uid === nobody)
}

/** A boot has an id of its own, which its containers share. Below it, namespaces of pids differ. */
function here(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

interface Stat {
  readonly state: string
  /** Pid of the process that began it. */
  readonly session: number
  readonly startTicks: string
}

/** proc_pid_stat(5). The command's name, in parentheses, may hold anything: fields count from the last one on. */
export function readStat(pid: number): Stat | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0]!, session: Number(fields[3]), startTicks: fields[19]! }
  } catch {
    return undefined
  }
}

/** Whether any process has this pid. Taken for an owner, a recycled one errs on the side of leaving things alone. */
export function isTaken(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
