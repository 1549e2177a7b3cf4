import { conclude } from '../core/conclusion.ts'
import { type Execution, executionsOf } from '../core/executions.ts'
import { roleOf } from '../core/places.ts'
import { type CellTrace, type TaskTrace, traceOf } from '../core/trace.ts'
import type { Checker } from '../core/types.ts'

/**
 * A completed step is never executed again. One repetition of a step is allowed when both hold:
 * - it was the step in flight: no later step of the task had started before the repetition;
 * - something interrupted it: between the two starts its executor, the engine or the store exited or was under a fault, or
 *   a link that executors depend on was. Each repetition needs an interruption of its own.
 */
const checker: Checker = {
  name: 'effect-once',
  summary: 'a completed step is never executed again; only the step in flight at a crash may repeat',
  judges: 'effect-once',
  check(history) {
    const trace = traceOf(history)
    const interruptions = listInterruptions(trace)
    const breaches = trace.tasks.flatMap((task) => findBreaches(task, interruptions))
    return conclude(trace, {
      judged: trace.tasks.reduce((sum, task) => sum + executionsOf(task).length, 0),
      unit: 'step executions',
      complaint: 'repeated a completed step',
      broken: breaches.map((one) => [one.repeats!.op.index, one.op.index]),
      counts: countMultiplicities(trace.tasks),
      kind: 'safety',
    })
  },
}
export default checker

interface Interruption {
  /** Undefined: it could interrupt any executor. */
  readonly node: string | undefined
  readonly from: number
  readonly to: number
}

function findBreaches(task: TaskTrace, interruptions: readonly Interruption[]): readonly Execution[] {
  let frontier = 0
  return executionsOf(task).filter((one) => {
    const breach = one.repeats !== undefined && !(one.step >= frontier && wasInterrupted(one, interruptions))
    frontier = Math.max(frontier, one.step)
    return breach
  })
}

function wasInterrupted({ repeats, startedAt }: Execution, interruptions: readonly Interruption[]): boolean {
  return interruptions.some(({ node, from, to }) => {
    return (node === undefined || node === repeats!.executor) && from <= startedAt && to >= repeats!.startedAt
  })
}

const outsideExecution = ['client->api', 'sender->receiver']

function listInterruptions(trace: CellTrace): readonly Interruption[] {
  const exits = trace.nodes
    .filter(({ value }) => value.state === 'exited' || value.state === 'crashed')
    .map(({ at, value }) => ({ node: executorOnly(value.node), from: at, to: at }))
  const faults = trace.faults
    .filter(({ armedAt }) => armedAt !== undefined)
    .flatMap(({ target, armedAt, healedAt = trace.endAt }) =>
      target.split(', ').map((name) => ({ name, from: armedAt!, to: healedAt })),
    )
    .filter(({ name }) => !outsideExecution.some((link) => name.startsWith(link)))
    .map(({ name, ...window }) => ({ node: name.includes('->') ? undefined : executorOnly(name), ...window }))
  return [...exits, ...faults]
}

/** Losing the engine or the store interrupts whoever depends on it. */
function executorOnly(node: string): string | undefined {
  return ['engine', 'store'].includes(roleOf(node)) ? undefined : node
}

/** `times1`, `times2`, ...: how many steps were executed so often; `reposted`: effects sent again for one execution. */
function countMultiplicities(tasks: readonly TaskTrace[]): Record<string, number> {
  const counts: Record<string, number> = { reposted: 0 }
  for (const task of tasks) {
    const executions = executionsOf(task)
    counts.reposted! += task.effects.length - executions.length
    for (const same of Map.groupBy(executions, ({ step }) => step).values())
      counts[`times${same.length}`] = (counts[`times${same.length}`] ?? 0) + 1
  }
  return counts
}
