import type { OpOf } from '../model/history.ts'
import { type LoggedEvent, logOf, momentsOf } from './control.ts'
import type { ControlTrace } from './trace.ts'

/** Whether it is a task that works until it asks for a tool that it lacks; all others must be refused before they do anything. */
export function isAtWork({ probe }: ControlTrace): boolean {
  return probe.attempt === 'lacks-tool'
}

/** Effects that nobody was allowed: by a tool that is not the principal's, or for a step that calls one; all, of an attempt. */
export function forbiddenEffects(one: ControlTrace): readonly OpOf<'effect'>[] {
  if (!isAtWork(one)) return one.effects
  const mayUse = allowedBy(one)
  return one.effects.filter(({ value: { step, tool } }) => !mayUse.step(step) || !mayUse.tool(tool))
}

/** What an executor says of a refusal by the tools (`patterns/agent/step.ts`): the status, and the step in the key. */
const refusal = /answered (40[13]) for \S*\/(\d+)$/

/**
 * How the task ended by its log: `rightly`, as it was refused a tool that it lacks; `wrongly`, as it was refused one that it
 * has, or had lost its grant; `not`, in any other way. Undefined: nobody could read that it has ended.
 */
export function refusalIn(one: ControlTrace): 'rightly' | 'wrongly' | 'not' | undefined {
  const end = endOf(one)
  if (!end) return undefined
  const [, status, step] = refusal.exec(String(end.data['reason'])) ?? []
  if (end.status !== 'failed' || status === undefined) return 'not'
  const isOwn = Number(step) <= (one.probe.calls ?? []).length
  return status === '403' && isOwn && !allowedBy(one).step(Number(step)) ? 'rightly' : 'wrongly'
}

const ends: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled', 'expired', 'rejected'])

function endOf(one: ControlTrace): LoggedEvent | undefined {
  return logOf(one)?.events.find(({ status }) => ends.has(status))
}

function allowedBy({ probe: { calls = [], tools = [] } }: ControlTrace) {
  const tool = (name: string | undefined): boolean => name === undefined || tools.includes(name)
  // A step that the task does not have is nobody's.
  return { tool, step: (step: number) => (calls.length === 0 || step <= calls.length) && tool(calls[step - 1]) }
}

/** The problems by which an attempt is refused for what it is. Another one, as of a server that is full, says nothing. */
const turnedAway: ReadonlySet<string | undefined> = new Set(['unauthorized', 'forbidden'])

export function wasTurnedAway(one: ControlTrace): boolean {
  return momentsOf(one, 'refused').some(({ value }) => turnedAway.has(value.problem))
}
