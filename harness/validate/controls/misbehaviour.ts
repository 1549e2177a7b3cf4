import { z } from 'zod'

/** What a control does wrong, and to which jobs: known to the last one before the run. */
export const misbehaviour = z.discriminatedUnion('does', [
  /** Accepts them and knows nothing of them a moment later. */
  z.object({ does: z.literal('lose'), jobs: z.array(z.string()) }),
  /** Does their first step twice, each time with its effect. */
  z.object({ does: z.literal('duplicate'), jobs: z.array(z.string()) }),
  /** Does all their work and answers with another result. */
  z.object({ does: z.literal('falsify'), jobs: z.array(z.string()) }),
  /** Waits as long as their last step takes, makes up its result, and never calls the tool. */
  z.object({ does: z.literal('skip'), jobs: z.array(z.string()) }),
  /** Does all their work, stores the result and tells nobody. */
  z.object({ does: z.literal('keep'), jobs: z.array(z.string()) }),
  /** Completes every task this much later than it could. */
  z.object({ does: z.literal('delay'), ms: z.number().positive() }),
])
export type Misbehaviour = z.output<typeof misbehaviour>

/** Environment variable by which a control's node learns what it is to do wrong; absent: nothing. */
export const misbehaviourVariable = 'OUTLAST_MISBEHAVIOUR'

/** Throws for a text that is not one of the above. */
export function readMisbehaviour(text: string | undefined): Misbehaviour | undefined {
  return text === undefined ? undefined : misbehaviour.parse(JSON.parse(text))
}

export function befalls(
  what: Misbehaviour | undefined,
  does: Exclude<Misbehaviour['does'], 'delay'>,
  job: string,
): boolean {
  return what !== undefined && what.does !== 'delay' && what.does === does && what.jobs.includes(job)
}
