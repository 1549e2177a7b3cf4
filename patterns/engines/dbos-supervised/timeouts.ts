import { busyMachine, type Takeover, type Timeouts, type TimeoutsAt } from '../../contract/types/timeouts.ts'
import { timeouts as unsupervised } from '../dbos/timeouts.ts'

/** The supervisor is ours and ships with nobody: its defaults are the minute of the vendor's own, and beats in proportion. */
export const timeouts = {
  ...unsupervised,
  /** Silence after which an executor is dead. */
  silenceMs: { default: 60_000, tuned: 5_000, floorMs: 1000, why: busyMachine },
  beatMs: { default: 15_000, tuned: 1_000, floorMs: 200, why: 'five in the shortest silence' },
} as const satisfies Timeouts

/** The silence, which began a beat before the end at most; then another one's beat hands back, and its poll claims. */
export function takeover({ silenceMs, beatMs, queuePollMs }: TimeoutsAt<typeof timeouts>): Takeover {
  return { earliestMs: silenceMs - beatMs, latestMs: silenceMs + beatMs + queuePollMs }
}
