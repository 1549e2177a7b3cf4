import type { FaultState, History, Op, OpOf, Phase, TaskEnd, TaskIntent } from '../model/history.ts'
import type { ControlProbe } from '../model/control.ts'
import type { Place } from '../model/place.ts'
import type { CellPlan, Impact } from '../model/plan.ts'
import { type Execution, listExecutions } from './executions.ts'
import { anybody, nodeOf } from './places.ts'

/** Everything that a history says about one intended task, each list in the order of recording. */
export interface TaskTrace {
  readonly task: string
  readonly intent: TaskIntent
  readonly invoke: OpOf<'task'>
  /** The first completion; a second one is listed in `CellTrace.extraEnds`. */
  readonly end?: OpOf<'task'>
  readonly submits: readonly OpOf<'submit'>[]
  readonly polls: readonly OpOf<'poll'>[]
  readonly streams: readonly OpOf<'stream'>[]
  readonly events: readonly OpOf<'event'>[]
  /** What the system itself posted and the receiver read. */
  readonly callbacks: readonly OpOf<'callback'>[]
  /** Callbacks that a fault made, of another one or in the system's name: no doing of the system's. */
  readonly imposed: readonly OpOf<'callback'>[]
  readonly effects: readonly OpOf<'effect'>[]
  /** What the effects say was done, in the order in which it started. */
  readonly executions: readonly Execution[]
  readonly finals: readonly OpOf<'final'>[]
}

/** A task beside the load whose control was put to the test. */
export interface ControlTrace {
  readonly key: string
  readonly probe: ControlProbe
  /** In the order of recording. */
  readonly seen: readonly OpOf<'control'>[]
  /** Those of its sub-tasks among them. */
  readonly effects: readonly OpOf<'effect'>[]
}

/** The life of one planned firing of a fault. */
export interface FaultTrace {
  readonly id: string
  readonly fault: string
  /** The nodes or links that it acted on. */
  readonly target: readonly Place[]
  /** Those of them that it was proven to have reached; of a fault that is not proven, all. */
  readonly places: readonly Place[]
  /** What ended it badly if anything did, else the last state recorded. */
  readonly state: FaultState
  /** In whole or in part: `state` is `partly` where some places did not feel it. */
  readonly proven: boolean
  /** When it took effect. */
  readonly armedAt?: number
  readonly healedAt?: number
  /** From armed to heal, as planned. */
  readonly plannedMs?: number
  /** From when it took effect until it was healed: of a node that was ended, until it was ready again. */
  readonly lastedMs?: number
  readonly firings?: number
  readonly reason?: string
  /** Parameters as planned; empty when the plan does not know this fault. */
  readonly params: Readonly<Record<string, unknown>>
  /** As the plan says; absent where it does not. */
  readonly impact?: Impact
  /** Indexes of the ops that say so. */
  readonly ops: readonly number[]
}

/** A history, sorted out once for all who judge it. */
export interface CellTrace {
  readonly cell?: CellPlan
  /** The history reaches the phase `end`: nothing is missing at its tail. */
  readonly complete: boolean
  readonly phases: ReadonlyMap<Phase, number>
  /** What interrupted the run, where it was interrupted before the cell's end; empty where nobody said. */
  readonly cut?: string
  /** Time of the latest op. */
  readonly endAt: number
  /** By ordinal. */
  readonly tasks: readonly TaskTrace[]
  readonly byTask: ReadonlyMap<string, TaskTrace>
  /** By key, as planned. */
  readonly controls: ReadonlyMap<string, ControlTrace>
  /** Ops about work that nobody intended: their task was never invoked. */
  readonly strays: readonly Op[]
  /** Completions of tasks that were complete already. */
  readonly extraEnds: readonly OpOf<'task'>[]
  readonly faults: readonly FaultTrace[]
  readonly nodes: readonly OpOf<'node'>[]
  /** What was sent to the tool server and is no effect. */
  readonly refusals: readonly OpOf<'refusal'>[]
  /** Callbacks for the work of another cell, which were refused. */
  readonly foreign: readonly OpOf<'foreign'>[]
  readonly strangers: readonly OpOf<'stranger'>[]
  /** Callbacks for which the receiver had no room. */
  readonly dropped: readonly OpOf<'dropped'>[]
  readonly health?: OpOf<'health'>
  readonly disk?: OpOf<'disk'>
}

const known = new WeakMap<History, CellTrace>()

/** The trace of a history: linear in its length, made once per history object. */
export function traceOf(history: History): CellTrace {
  const made = known.get(history) ?? buildTrace(history)
  known.set(history, made)
  return made
}

/** The end that the client recorded, if it did. */
export function taskEnd(task: TaskTrace): TaskEnd | undefined {
  return task.end?.value as TaskEnd | undefined
}

/** When its client knew the end, or was to give up. */
export function lifeEndOf({ end, intent }: TaskTrace): number {
  return end?.at ?? intent.giveUpAt
}

type Growing = { -readonly [K in keyof TaskTrace]: TaskTrace[K] extends readonly (infer T)[] ? T[] : TaskTrace[K] }

function buildTrace(history: History): CellTrace {
  const byTask = collectTasks(history)
  const controls = collectControls(history)
  const rest = {
    strays: [] as Op[],
    extraEnds: [] as OpOf<'task'>[],
    nodes: [] as OpOf<'node'>[],
    refusals: [] as OpOf<'refusal'>[],
    foreign: [] as OpOf<'foreign'>[],
    strangers: [] as OpOf<'stranger'>[],
    dropped: [] as OpOf<'dropped'>[],
  }
  const phases = new Map<Phase, number>()
  const faultOps: OpOf<'fault'>[] = []
  let cell: CellPlan | undefined
  let health: OpOf<'health'> | undefined
  let disk: OpOf<'disk'> | undefined
  let cut: string | undefined
  let endAt = 0
  for (const op of history) {
    endAt = Math.max(endAt, op.at)
    if (op.f === 'cell') cell ??= op.value
    else if (op.f === 'phase') {
      phases.set(op.value.phase, op.at)
      if (op.value.phase === 'cut') cut = op.error ?? ''
    } else if (op.f === 'fault') faultOps.push(op)
    else if (op.f === 'node') rest.nodes.push(op)
    else if (op.f === 'refusal') rest.refusals.push(op)
    else if (op.f === 'foreign') rest.foreign.push(op)
    else if (op.f === 'stranger') rest.strangers.push(op)
    else if (op.f === 'dropped') rest.dropped.push(op)
    else if (op.f === 'health') health = op
    else if (op.f === 'disk') disk = op
    else if (op.f === 'control') controls.get(op.task!)?.seen.push(op)
    else if (op.f === 'effect' && controls.has(headOf(op.task!))) controls.get(headOf(op.task!))!.effects.push(op)
    else fileOp(op, byTask, rest)
  }
  if (cell?.ownWork) forgetNames(byTask.values(), rest.nodes)
  for (const task of byTask.values()) task.executions = listExecutions(task.effects)
  const tasks = [...byTask.values()].sort((a, b) => a.intent.ordinal - b.intent.ordinal)
  const faults = traceFaults(cell, faultOps)
  const found = {
    ...(cell && { cell }),
    ...(health && { health }),
    ...(disk && { disk }),
    ...(cut !== undefined && { cut }),
  }
  return {
    ...found,
    complete: phases.has('end') && !phases.has('cut'),
    phases,
    endAt,
    tasks,
    byTask,
    controls,
    faults,
    ...rest,
  }
}

/** A service of somebody else's says who it is in its own words, or not at all: no such name is that of a node. */
function forgetNames(tasks: Iterable<Growing>, nodes: readonly OpOf<'node'>[]): void {
  const names = new Set(nodes.map(({ value }) => value.node))
  for (const task of tasks)
    task.effects = task.effects.map((op) => {
      return names.has(nodeOf(op.value.executor)) ? op : { ...op, value: { ...op.value, executor: anybody } }
    })
}

/** The work of a sub-task is named after that of the task which has started it: `c-rogue-1/2-1`. */
function headOf(task: string): string {
  const end = task.indexOf('/')
  return end === -1 ? task : task.slice(0, end)
}

function collectControls(history: History): Map<string, GrowingControl> {
  const [first] = history
  const planned = first?.f === 'cell' ? (first.value.control ?? []) : []
  return new Map(planned.map((probe) => [probe.key, { key: probe.key, probe, seen: [], effects: [] }]))
}

type GrowingControl = Pick<ControlTrace, 'key' | 'probe'> & {
  readonly seen: OpOf<'control'>[]
  readonly effects: OpOf<'effect'>[]
}

function collectTasks(history: History): Map<string, Growing> {
  const byTask = new Map<string, Growing>()
  for (const op of history) {
    if (op.f !== 'task' || op.type !== 'invoke' || !op.task || byTask.has(op.task)) continue
    const lists = {
      submits: [],
      polls: [],
      streams: [],
      events: [],
      callbacks: [],
      imposed: [],
      effects: [],
      executions: [],
      finals: [],
    }
    byTask.set(op.task, { task: op.task, intent: op.value as TaskIntent, invoke: op, ...lists })
  }
  return byTask
}

type NoTaskOp =
  | 'cell'
  | 'phase'
  | 'fault'
  | 'node'
  | 'refusal'
  | 'foreign'
  | 'stranger'
  | 'dropped'
  | 'health'
  | 'disk'
  | 'control'
type TaskOp = Exclude<Op, { f: NoTaskOp }>

function fileOp(
  op: TaskOp,
  byTask: ReadonlyMap<string, Growing>,
  rest: { strays: Op[]; extraEnds: OpOf<'task'>[] },
): void {
  const task = op.task === undefined ? undefined : byTask.get(op.task)
  if (!task) rest.strays.push(op)
  else if (op.f === 'task') fileEnd(op, task, rest.extraEnds)
  else if (op.f === 'submit') task.submits.push(op)
  else if (op.f === 'poll') task.polls.push(op)
  else if (op.f === 'stream') task.streams.push(op)
  else if (op.f === 'event') task.events.push(op)
  else if (op.f === 'callback') (op.value.by === undefined ? task.callbacks : task.imposed).push(op)
  else if (op.f === 'effect') task.effects.push(op)
  else task.finals.push(op)
}

function fileEnd(op: OpOf<'task'>, task: Growing, extraEnds: OpOf<'task'>[]): void {
  if (op === task.invoke) return
  if (op.type === 'invoke' || task.end) extraEnds.push(op)
  else task.end = op
}

/** In the order of the plan; faults that only the history knows come last. */
function traceFaults(cell: CellPlan | undefined, ops: readonly OpOf<'fault'>[]): readonly FaultTrace[] {
  const planned = new Map((cell?.faults ?? []).map((fault) => [fault.id, fault]))
  const byId = Map.groupBy(ops, ({ value }) => value.id)
  const ids = new Set([...planned.keys(), ...byId.keys()])
  return [...ids].map((id) => {
    const fault = planned.get(id)
    const changes = byId.get(id) ?? []
    const name = changes[0]?.value.fault ?? fault!.fault
    const { params = {}, impact, durationMs: plannedMs } = fault ?? {}
    const facts = { params, ...(impact && { impact }), ...(plannedMs !== undefined && { plannedMs }) }
    return { id, fault: name, ...facts, ...summarizeFault(changes) }
  })
}

const badEnds: readonly FaultState[] = ['leaked', 'lost', 'partly', 'not-applied', 'unexercised', 'skipped']

const unmentioned = {
  target: [],
  places: [],
  state: 'skipped',
  proven: false,
  reason: 'the history does not mention it',
  ops: [],
} as const

function summarizeFault(changes: readonly OpOf<'fault'>[]): Omit<FaultTrace, 'id' | 'fault' | 'params'> {
  const last = changes.at(-1)
  if (!last) return unmentioned
  const at = (state: FaultState): OpOf<'fault'> | undefined => changes.find(({ value }) => value.state === state)
  const bad = badEnds.map(at).find((op) => op !== undefined)
  const [armed, proven, healed] = [at('armed'), at('proven') ?? at('partly'), at('healed')]
  const firings = changes.findLast(({ value }) => value.firings !== undefined)?.value.firings
  const reason = bad?.value.reason
  return {
    target: last.value.target,
    places: proven?.value.reached ?? last.value.target,
    state: (bad ?? last).value.state,
    proven: proven !== undefined,
    ...(armed && { armedAt: armed.value.onsetAt ?? armed.at }),
    ...(healed && { healedAt: healed.at }),
    ...(armed && healed && { lastedMs: healed.at - (armed.value.onsetAt ?? armed.at) }),
    ...(firings !== undefined && { firings }),
    ...(reason !== undefined && { reason }),
    ops: changes.map(({ index }) => index),
  }
}
