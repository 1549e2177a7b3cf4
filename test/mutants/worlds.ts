import type { Op } from '../../harness/model/history.ts'
import type { Outcome, RunVerdict } from '../../harness/model/results.ts'
import { planCell } from './imagined.ts'
import { insertBefore, isPhase, loseTask, rewrite } from './mutations.ts'
import { simulate } from './simulate.ts'

/** A system, or a harness, that is wrong on purpose, and what exactly must be said of it. */
export interface Mutant {
  readonly name: string
  readonly history: readonly Op[]
  readonly verdict: RunVerdict
  /** Checkers that do not pass, of those that count for this cell; a fault's state for what no checker judges. */
  readonly caughtBy: readonly string[]
  /** Outcomes that differ from `ok`. */
  readonly outcomes?: Partial<Record<Outcome, number>>
}

export type World = Pick<Parameters<typeof simulate>[0], 'tasks' | 'kills' | 'seed'>

/** Nothing is broken. */
export const calm: World = { tasks: 120, kills: [], seed: 7 }
/** One executor of four is killed while the load is on, and healed while it still is. */
export const broken: World = { tasks: 120, kills: [{ ordinal: 0, atMs: 800 }], seed: 7 }
const healedBy = 1300

export function polling(world: World): Op[] {
  return simulate({ delivery: 'polling', engine: 'durable', ...world })
}
export function streaming(world: World): Op[] {
  return simulate({ delivery: 'sse-polling', engine: 'durable', ...world })
}
export function webhook(world: World): Op[] {
  return simulate({ delivery: 'webhook', engine: 'memory', ...world })
}

/** The kill is planned and its states are recorded, but no node was harmed. */
export function unharmed(): Op[] {
  const changes = polling(broken).filter(({ f }) => f === 'fault')
  const plan = planCell({ delivery: 'polling', engine: 'durable', ...broken })
  const planned = rewrite(polling(calm), (op) => (op.f === 'cell' ? [{ ...op, value: plan }] : [op]))
  return insertBefore(planned, isPhase('heal'), ...changes.map(({ index: _index, ...op }) => op as never))
}

/** No client gets a result once the fault is healed, and the server still works on everything. */
export function stopAfterHeal(history: readonly Op[]): Op[] {
  const doomed = history.filter((op) => op.f === 'task' && op.type === 'ok' && op.at > healedBy).map((op) => op.task!)
  return doomed.reduce<readonly Op[]>((rest, task) => {
    const alive = rest.findLast((op) => op.task === task && op.f === 'poll' && op.value.status === 'completed')
    const silent = rewrite(rest, (op) => (op === alive || (op.task === task && op.f === 'callback') ? [] : [op]))
    return loseTask(silent, task, { taskId: `id-${task}`, found: true, status: 'running', version: 9 })
  }, history) as Op[]
}

/** A task whose client never learned its end. */
export function findLost(history: readonly Op[]): string {
  return history.find((op) => op.f === 'task' && op.type === 'info')!.task!
}
