import {
  controlsOf,
  effectsBelow,
  type LoggedEvent,
  logOf,
  momentsOf,
  uncoveredEffects,
  wasAtWork,
} from '../analysis/control.ts'
import { bookOf } from '../analysis/balance.ts'
import { forbiddenEffects, isAtWork, refusalIn, wasTurnedAway } from '../analysis/permission.ts'
import { type BucketUse, bucketsOf, callsBeyond, isFelt } from '../analysis/tool-rate.ts'
import type { CellTrace, ControlTrace } from '../analysis/trace.ts'
import type { OpOf } from '../model/history.ts'
import type { ControlFigures } from '../model/results.ts'
import type { Interval } from './intervals.ts'
import { quantileInterval } from './quantiles.ts'

/** Undefined where the cell's plan has no controlled tasks. */
export function measureControl(trace: CellTrace): ControlFigures | undefined {
  if (trace.controls.size === 0) return undefined
  // Who share a fault are not independent: no interval of times is shown then.
  const isCalm = (trace.cell?.faults ?? []).length === 0
  const tried = controlsOf(trace, 'permission')
  const rogue = controlsOf(trace, 'rogue')
  return {
    cancel: measureCancels(controlsOf(trace, 'cancel', 'rogue'), isCalm),
    commands: measureCommands(controlsOf(trace, 'steer', 'budget'), isCalm),
    budget: measureBudgets(controlsOf(trace, 'budget')),
    context: measureContexts(controlsOf(trace, 'steer')),
    ...(tried.length > 0 && { permission: measurePermission(tried) }),
    ...measureBalance(trace),
    ...measureRate(trace),
    ...(rogue.length > 0 && { rogue: measureFamilies(rogue) }),
  }
}

function measureBalance(trace: CellTrace): Pick<ControlFigures, 'balance'> {
  const book = bookOf(trace)
  if (!book) return {}
  const { tasks, refused, given, spent } = book
  return { balance: { tasks: tasks.length, refused: refused.length, given, spent } }
}

function measureRate(trace: CellTrace): Pick<ControlFigures, 'rate'> {
  const tasks = controlsOf(trace, 'rate').length
  if (tasks === 0) return {}
  const buckets = bucketsOf(trace)
  const ofTasks = buckets.filter(({ of }) => of === 'task')
  const sum = (of: (bucket: BucketUse) => number, all = buckets): number => all.reduce((n, one) => n + of(one), 0)
  const felt = ofTasks.filter(isFelt).length
  return { rate: { tasks, felt, calls: sum(({ calls }) => calls.length, ofTasks), beyond: sum(callsBeyond) } }
}

function measurePermission(tried: readonly ControlTrace[]): NonNullable<ControlFigures['permission']> {
  const tasks = tried.filter(isAtWork)
  const attempts = tried.filter((one) => !isAtWork(one))
  return {
    tasks: tasks.length,
    refused: tasks.filter((one) => refusalIn(one) === 'rightly').length,
    attempts: attempts.length,
    turnedAway: attempts.filter(wasTurnedAway).length,
    beyond: tried.flatMap(forbiddenEffects).length,
  }
}

function measureCancels(controls: readonly ControlTrace[], isCalm = false): ControlFigures['cancel'] {
  const acknowledged = controls.flatMap((one) => momentsOf(one, 'acknowledged').map((op) => ({ one, op })))
  const after = acknowledged.flatMap(({ one, op }) =>
    one.effects.filter(({ value }) => value.endedAt > op.at).map((effect) => ({ effect, op })),
  )
  const begun = after.filter(({ effect, op }) => effect.value.startedAt > op.at)
  const sent = controls.flatMap((one) => momentsOf(one, 'ordered'))
  const waits = withNever(
    acknowledged.flatMap(({ one, op }) => waitOf(one, op)),
    sent.length,
  )
  return {
    sent: sent.length,
    acknowledged: acknowledged.length,
    atWork: controls.filter(wasAtWork).length,
    ...medianAs('acknowledgedMs', waits),
    ...(isCalm && rangeAs('acknowledgedIn', waits)),
    begunAfter: begun.length,
    endedAfter: after.length - begun.length,
    tasksBegunAfter: new Set(begun.map(({ op }) => op)).size,
  }
}

function measureFamilies(rogue: readonly ControlTrace[]): NonNullable<ControlFigures['rogue']> {
  const atWork = rogue.map((one) => new Set(effectsBelow(one).map(({ value }) => value.taskId)).size)
  return {
    tasks: rogue.length,
    subTasks: atWork.reduce((all, some) => all + some, 0),
    begunAfter: measureCancels(rogue).begunAfter,
  }
}

function measureCommands(controls: readonly ControlTrace[], isCalm: boolean): ControlFigures['commands'] {
  const acknowledged = controls.flatMap((one) => momentsOf(one, 'acknowledged').map((op) => ({ one, op })))
  const answers = acknowledged.flatMap(({ one, op }) => {
    const log = logOf(one)
    return log ? [log.events.filter(({ data }) => data['command'] === op.value.command).length] : []
  })
  const stops = controls.flatMap(stopOf)
  const stopWaits = withNever(stops, controls.filter(wasToStop).length)
  return {
    sent: controls.flatMap((one) => momentsOf(one, 'ordered')).length,
    acknowledged: acknowledged.length,
    lost: answers.filter((times) => times === 0).length,
    doubled: answers.filter((times) => times > 1).length,
    judged: answers.length,
    ...medianAs(
      'acknowledgedMs',
      acknowledged.flatMap(({ one, op }) => waitOf(one, op)),
    ),
    ...medianAs('stoppedMs', stopWaits),
    ...(isCalm && rangeAs('stoppedIn', stopWaits)),
    tasksStopped: stops.length,
  }
}

function measureBudgets(capped: readonly ControlTrace[]): ControlFigures['budget'] {
  const stopped = capped.filter((one) => momentsOf(one, 'seen').some(({ value }) => value.status === 'input_required'))
  const beyond = capped.map((one) => uncoveredEffects(one).length).filter((many) => many > 0)
  const many = beyond.reduce((all, one) => all + one, 0)
  return { tasks: capped.length, stopped: stopped.length, beyond: many, tasksBeyond: beyond.length }
}

function measureContexts(controls: readonly ControlTrace[]): ControlFigures['context'] {
  const patches = controls.map((one) => (logOf(one)?.events ?? []).filter(({ type }) => type === 'context.patch'))
  const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)
  return {
    memories: controls.length,
    patches: sum(patches.map(({ length }) => length)),
    patchBytes: sum(patches.flat().map(({ data }) => bytesOf(data['patch']))),
    wholeBytes: sum(patches.map(wholeBytesOf)),
  }
}

/** What the same changes cost as whole documents: each patch adds what it holds to all before it. */
function wholeBytesOf(patches: readonly LoggedEvent[]): number {
  let [document, all] = [0, 0]
  for (const { data } of patches) all += document += bytesOf(data['patch'])
  return all
}

function bytesOf(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value) ?? '')
}

/** From the first time that it was sent. */
function waitOf(one: ControlTrace, { at, value }: OpOf<'control'>): readonly number[] {
  const ordered = momentsOf(one, 'ordered').find((op) => op.value.command === value.command)
  return ordered ? [at - ordered.at] : []
}

function stopOf(one: ControlTrace): readonly number[] {
  const ordered = momentsOf(one, 'ordered').find(({ value }) => value.type === 'interrupt')
  const stopped = momentsOf(one, 'seen').find(({ value }) => value.status === 'input_required')
  return ordered && stopped ? [stopped.at - ordered.at] : []
}

/** What was refused was not to be done. */
function wasToStop(one: ControlTrace): boolean {
  const isInterrupt = ({ value }: OpOf<'control'>): boolean => value.type === 'interrupt'
  return momentsOf(one, 'ordered').some(isInterrupt) && !momentsOf(one, 'refused').some(isInterrupt)
}

/** What never came is later than all that came. */
function withNever(waits: readonly number[], all: number): readonly number[] {
  return [...waits, ...Array.from({ length: Math.max(0, all - waits.length) }, () => Infinity)]
}

/** None where it is not known to end. */
function rangeAs<const N extends string>(name: N, values: readonly number[]): { readonly [K in N]?: Interval } {
  const interval = quantileInterval(values, 0.5)
  return interval && interval[1] < Infinity ? ({ [name]: interval } as { readonly [K in N]: Interval }) : {}
}

function medianAs<const N extends string>(name: N, values: readonly number[]): { readonly [K in N]?: number } {
  const sorted = values.toSorted((a, b) => a - b)
  const median = sorted[Math.floor((sorted.length - 1) / 2)] ?? Infinity
  if (median === Infinity) return {}
  return { [name]: median } as { readonly [K in N]: number }
}
