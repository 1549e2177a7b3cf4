import { type Flaw, limited } from './limited.ts'
import type { Mutant } from './worlds.ts'

/** What exactly is said of a system that keeps its balances or rates wrongly. */
export interface LimitMutant extends Mutant {
  readonly says: string
}

function mutant(name: string, flaw: Flaw, checker: string, says: string): LimitMutant {
  return { name, history: limited(flaw), verdict: 'FAIL', caughtBy: [checker], says }
}

const balance = (name: string, flaw: Flaw, says: string) => mutant(name, flaw, 'balance-holds', says)
const rate = (name: string, flaw: Flaw, says: string) => mutant(name, flaw, 'rate-holds', says)

export const wrongLimits: readonly LimitMutant[] = [
  balance(
    'a balance is spent twice',
    'double-spend',
    '3 of 6 rules of a balance broken: more was spent than there was, steps were not paid, credits are held for tasks that have ended',
  ),
  balance(
    'what a dead worker held never comes back',
    'lost-hold',
    '2 of 6 rules of a balance broken: refused while there was enough, credits are held for tasks that have ended',
  ),
  balance(
    'a step that is done again is not paid',
    'unpaid-repeat',
    '2 of 6 rules of a balance broken: more was spent than there was, steps were not paid',
  ),
  balance(
    'what was paid comes back to whom is refused',
    'refund',
    '2 of 6 rules of a balance broken: more was spent than there was, the account does not add up to what was given',
  ),
  balance(
    'a task is refused while there is enough',
    'miserly',
    '2 of 6 rules of a balance broken: refused while there was enough, credits are held for tasks that have ended',
  ),
  rate('a restart fills the buckets again', 'refilled', '4 of 30 tasks and principals with a tool rate went beyond it'),
  rate('each worker counts for itself', 'per-worker', '1 of 30 tasks and principals with a tool rate went beyond it'),
  rate('nobody counts', 'unlimited', '10 of 30 tasks and principals with a tool rate went beyond it'),
]
