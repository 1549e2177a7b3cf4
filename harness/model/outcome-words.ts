import type { Outcome } from './results.ts'

/** What became of tasks, in the words of reports and gates. Each outcome is in exactly one. */
export const outcomeWords = {
  ok: ['ok'],
  late: ['late'],
  lost: ['lost_result', 'stuck', 'lost_everywhere'],
  failed: ['failed_known'],
  wrong: ['wrong'],
  'not sent': ['not_offered'],
  cut: ['cut'],
} as const satisfies Readonly<Record<string, readonly Outcome[]>>
export type OutcomeWord = keyof typeof outcomeWords

export function isOutcome(word: OutcomeWord, outcome: Outcome): boolean {
  return (outcomeWords[word] as readonly Outcome[]).includes(outcome)
}
