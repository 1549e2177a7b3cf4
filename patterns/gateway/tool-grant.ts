import { z } from 'zod'
import { isOfFamily } from '../contract/types/family.ts'
import type { GrantClaims } from '../contract/types/grant.ts'
import type { ProblemKind } from '../contract/types/problems.ts'
import { everyTool, type Scope, scopeOf, toolName } from '../contract/types/scopes.ts'

/** A call as an executor made it. Nothing of it is trusted. */
export interface ToolCall {
  /** As the header names it. */
  readonly tool: string | undefined
  /** `Idempotency-Key`: `<task id>/<step>`. */
  readonly key: string | undefined
  /** The body, parsed. */
  readonly effect: unknown
}

/** Why a call is not let through. */
export interface Refusal {
  readonly kind: Extract<ProblemKind, 'forbidden' | 'validation'>
  readonly detail: string
  /** What the grant would have to allow. */
  readonly scope?: Scope
}

/** What every effect says of itself (`agent/step.ts`); the rest is between executor and tool. */
const effect = z.looseObject({ task: z.string(), taskId: z.string(), step: z.int().min(1) })

/**
 * What is wrong with a call under a grant whose signature and time are right; undefined: nothing. Tool, key and body must all
 * be of the grant's own task, or of one below it: a grant that is shown with the key or the effect of another task is how a
 * deputy is confused.
 */
export function flawOf(grant: GrantClaims, { tool, key, effect: said }: ToolCall): Refusal | undefined {
  const named = toolName.safeParse(tool)
  if (!named.success) return invalid('the tool has no name')
  const parsed = effect.safeParse(said)
  if (!parsed.success) return invalid('the body is no effect: task, taskId and step')
  const { task, taskId, step } = parsed.data
  if (!isOfFamily(taskId, grant.task) || key !== `${taskId}/${step}`)
    return foreign('of another task, or of another step')
  if (grant.job !== undefined && task !== grant.job && !task.startsWith(`${grant.job}/`))
    return foreign('of other work')
  if (grant.tools.includes(everyTool) || grant.tools.includes(named.data)) return undefined
  return { kind: 'forbidden', detail: `the task may not use ${named.data}`, scope: scopeOf(named.data) }
}

function invalid(detail: string): Refusal {
  return { kind: 'validation', detail }
}

function foreign(what: string): Refusal {
  return { kind: 'forbidden', detail: `the effect is ${what} than the grant` }
}
