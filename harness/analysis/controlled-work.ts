import { logOf, momentsOf } from './control.ts'
import { type Execution, listExecutions } from './executions.ts'
import type { CellTrace, ControlTrace } from './trace.ts'

/** What was done of one task beside the load: of one that is controlled, or of one below it. */
export interface ControlledWork {
  readonly control: ControlTrace
  /** Its key, or the name of the work that a task below it does. */
  readonly task: string
  readonly executions: readonly Execution[]
  /** How many steps it has; undefined where it goes on until it is ended, or nobody here knows. */
  readonly steps: number | undefined
  /** When its client first knew that it has ended. Of what is cancelled a step may begin while the word spreads. */
  readonly doneAt: number
}

/** Those of which the ledger has an effect. What is promised of all work is promised of theirs. */
export function controlledWork(trace: CellTrace): readonly ControlledWork[] {
  return [...trace.controls.values()].flatMap((control) =>
    [...Map.groupBy(control.effects, ({ task }) => task!)].map(([task, effects]) => {
      const isOwn = task === control.key
      return {
        control,
        task,
        executions: listExecutions(effects),
        steps: isOwn ? stepsOf(control, trace) : undefined,
        doneAt: isOwn ? doneAtOf(control) : Infinity,
      }
    }),
  )
}

/** These have work of the kind that the load has. */
const likeTheLoad: ReadonlySet<string> = new Set(['cancel', 'steer', 'budget'])

function stepsOf({ probe }: ControlTrace, { tasks }: CellTrace): number | undefined {
  const told = probe.costs ?? probe.calls
  if (told) return told.length
  return likeTheLoad.has(probe.kind) ? tasks[0]?.intent.steps : undefined
}

function doneAtOf(control: ControlTrace, ends: ReadonlySet<string> = allEnds): number {
  const seen = [...momentsOf(control, 'seen'), ...momentsOf(control, 'acknowledged')]
  return Math.min(...seen.flatMap(({ at, value }) => (ends.has(value.status ?? '') ? [at] : [])))
}

const completed: ReadonlySet<string> = new Set(['completed'])
const allEnds: ReadonlySet<string> = new Set(['completed', 'failed', 'expired', 'rejected'])

/** By its log, or as its client saw it. */
export function isCompleted(control: ControlTrace): boolean {
  const told = logOf(control)?.events.some(({ status }) => status === 'completed') ?? false
  return told || doneAtOf(control, completed) < Infinity
}
