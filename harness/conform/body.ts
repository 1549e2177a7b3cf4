import type { Body, Work } from './case.ts'

/** What a submission asks for beside its input, as the contract names it. */
export function askedFor({ callbackUrl, deadlineS, budget, memory }: Work): Omit<Body, 'type' | 'input'> {
  return {
    ...(callbackUrl !== undefined && { delivery: { webhook_url: callbackUrl } }),
    ...(deadlineS !== undefined && { deadline_s: deadlineS }),
    ...(budget && { budget }),
    ...(memory && { memory }),
  }
}
