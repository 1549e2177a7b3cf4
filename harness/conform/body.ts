import type { TaskInput } from '../../patterns/contract/types/task.ts'
import type { Body, Work } from './case.ts'

/** Work of outlast's own agent, by the sub-tasks that it starts: one that ends before it does, those of `rogue` never, and more than any service may allow. */
const families: Readonly<Record<NonNullable<Work['family']>, string>> = {
  ending: 'recursive/2/1',
  endless: 'rogue',
  tooMany: 'recursive/99/1',
}

/** What outlast's own agent is asked for. The same key is the same work, and its name in everything that the tool server records. */
export function inputFor(key: string, { long = false, family }: Work): TaskInput {
  const profile = family ? families[family] : long ? 'research-write' : 'smoke'
  return { seed: key.length, profile, job: key }
}

/** What a submission asks for beside its input, as the contract names it. */
export function askedFor({ callbackUrl, deadlineS, budget, memory }: Work): Omit<Body, 'type' | 'input'> {
  return {
    ...(callbackUrl !== undefined && { delivery: { webhook_url: callbackUrl } }),
    ...(deadlineS !== undefined && { deadline_s: deadlineS }),
    ...(budget && { budget }),
    ...(memory && { memory }),
  }
}
