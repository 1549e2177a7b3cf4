import type { FaultChange, FaultState, Op, OpOf } from '../../harness/model/history.ts'
import type { CellPlan } from '../../harness/model/plan.ts'

/** An op that a mutation adds: it gets its index when the history is renumbered. */
export type Draft<F extends Op['f'] = Op['f']> = { [K in F]: Omit<OpOf<K>, 'index'> }[F]

/** The plan that a history begins with. */
export function cellIn(history: readonly Op[]): CellPlan {
  return history.find((op): op is OpOf<'cell'> => op.f === 'cell')!.value
}

/** Replace each op by the ops that the function gives for it; indexes and references follow. */
export function rewrite(history: readonly Op[], change: (op: Op) => readonly (Op | Draft)[]): Op[] {
  const drafts = history.flatMap((op) => change(op))
  const moved = new Map(drafts.flatMap((op, i) => ('index' in op ? [[op.index, i] as const] : [])))
  return drafts.map((op, index) => {
    const invoke = op.invoke === undefined ? undefined : moved.get(op.invoke)
    return { ...op, index, ...(invoke !== undefined && { invoke }) } as Op
  })
}

/** Change the value of the first `count` ops that fit. */
export function revalue<F extends Op['f']>(
  history: readonly Op[],
  f: F,
  fits: (op: OpOf<F>) => boolean,
  value: (op: OpOf<F>) => object,
  count = Infinity,
): Op[] {
  let left = count
  return rewrite(history, (op) => {
    if (op.f !== f || left === 0 || !fits(op as OpOf<F>)) return [op]
    left--
    return [{ ...op, value: { ...op.value, ...value(op as OpOf<F>) } } as Op]
  })
}

/** Add ops just before the one that fits first. */
export function insertBefore(history: readonly Op[], fits: (op: Op) => boolean, ...added: readonly Draft[]): Op[] {
  let done = false
  return rewrite(history, (op) => {
    if (done || !fits(op)) return [op]
    done = true
    return [...added, op]
  })
}

export function isPhase(phase: string): (op: Op) => boolean {
  return (op) => op.f === 'phase' && op.value.phase === phase
}

/** The client of the task never learns its end; `told` is what the server says of it in the end. */
export function loseTask(history: readonly Op[], task: string, told: OpOf<'final'>['value'] | 'unreadable'): Op[] {
  const isStillAtWork = told !== 'unreadable' && told.status === 'running'
  const silent = rewrite(history, (op) => {
    if (op.task === task && op.f === 'final') return []
    if (isStillAtWork && op.task === task && op.f === 'poll' && op.value.status === 'completed') return []
    if (op.task !== task || op.f !== 'task' || op.type === 'invoke') return [op]
    const giveUpAt = findTask(history, task).value
    return [{ ...op, type: 'info', at: (giveUpAt as { giveUpAt: number }).giveUpAt, value: {}, error: 'gave up' }]
  })
  const about = { f: 'final', at: 1e6, process: 'harness', task } as const
  const taskId = `id-${task}`
  const final: Draft<'final'> =
    told === 'unreadable'
      ? { ...about, type: 'info', value: { taskId, found: false }, error: 'HTTP 500' }
      : { ...about, type: 'ok', value: told }
  return insertBefore(silent, isPhase('end'), final)
}

export function findTask(history: readonly Op[], task: string): OpOf<'task'> {
  return history.find((op): op is OpOf<'task'> => op.f === 'task' && op.type === 'invoke' && op.task === task)!
}

/** The nemesis's actuator does nothing: each firing ends in this state instead of being proven. */
export function stubActuator(history: readonly Op[], state: FaultState, armed: boolean): Op[] {
  return rewrite(history, (op) => {
    if (op.f === 'node' && op.value.state !== 'ready') return []
    if (op.f !== 'fault') return [op]
    if (op.value.state === 'armed') return armed ? [op] : []
    if (op.value.state === 'healed') return armed ? [op] : []
    const value: FaultChange = {
      id: op.value.id,
      fault: op.value.fault,
      target: op.value.target,
      state,
      reason: 'stubbed',
    }
    return [{ ...op, value }]
  })
}
