/**
 * The one file to replace for work of your own, when you lift a pattern: what a task may be asked for, which steps that
 * is, and how a step is done. `patterns/README.md` has an example. This one is outlast's simulated agent.
 */
import * as z from 'zod'
import { taskInput, type TaskInput } from '../contract/types/task.ts'
import { planTask, type AgentPlan } from './plan.ts'
import { familyProfiles, profileOf, profiles } from './profiles.ts'
import type { StepContext, StepDone } from './step.ts'

const names = [...profiles.keys(), ...familyProfiles.keys()]

/** Names that say what the work is. Of `work/…` more may be asked for than a pattern can say, and all of that is shown. */
const families = ['^rogue/[0-9]$', '^recursive/[1-9][0-9]?/[0-9]$']
const asked = namesLike('^work/[1-9][0-9]?/[1-9][0-9]{4,6}$')
const shown = namesLike('^work/[0-9]+/[0-9]+(-[0-9]+)?(/[0-9]+)?$')

function namesLike(work: string): Record<string, unknown> {
  return { anyOf: [{ enum: names }, ...[work, ...families].map((pattern) => ({ pattern }))] }
}

/** The `input` of a submission. What it does not allow is answered 400. */
export const input = taskInput.extend({
  profile: taskInput.shape.profile
    .refine((name) => profileOf(name) !== undefined, {
      error: `one of ${names.join(', ')}, or work/<steps>/<milliseconds>[-<milliseconds>][/<bytes>]`,
    })
    .meta(asked)
    .pipe(z.string().meta(shown)),
})

/**
 * The steps of a task. It is called again for the same input wherever the task is gone on with, also after a crash, and
 * must then give the same steps. Durations are expectations, in real milliseconds: clients see them.
 */
export function plan(wanted: TaskInput, timeScale: number): AgentPlan {
  return planTask(wanted, timeScale)
}

/**
 * Do step `index` (from 1). `previous` is what the step before it returned as `digest`, which the engine keeps: any text,
 * such as JSON; the last one is the task's result. A step that was under way at a crash is done again, so what it does
 * outside must be repeatable: `<taskId>/<index>` is a key for that. Await `ctx.beforeTool`, where there is one, once before
 * that: balances and tool rates hold then. Reject with the reason of `ctx.signal` when that aborts, and with ToolRefusal where
 * a repetition cannot help: it fails the task.
 */
export async function perform(of: AgentPlan, index: number, previous: string, ctx: StepContext): Promise<StepDone> {
  // An API node reads inputs and plans, and performs no step: it loads nothing of one.
  const { performStep } = await import('./step.ts')
  return performStep(of, index, previous, ctx)
}
