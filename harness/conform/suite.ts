import { discover } from '../core/discover.ts'
import { describeError, HarnessError } from '../core/errors.ts'
import { timeLimit } from '../../patterns/contract/types/timer.ts'
import { type Case, type CaseGroup, limitMs, type Need, type Target } from './case.ts'
import { Undecided } from './expect.ts'

/** A case by its whole name, `idempotency/lost-response`. */
export type NamedCase = Case & { readonly id: string }

export interface CaseResult {
  /** Group and name of the case. */
  readonly case: string
  /** `undecided`: the case could not tell. */
  readonly outcome: 'pass' | 'fail' | 'undecided' | 'n/a'
  /** For every outcome but `pass`. */
  readonly reason?: string
}

/** Every case, by the name of its group. */
export async function loadCases(): Promise<readonly NamedCase[]> {
  const groups = await discover<CaseGroup>(new URL('./cases/', import.meta.url))
  return [...groups.values()].flatMap(({ name, cases }) => cases.map((one) => ({ ...one, id: `${name}/${one.name}` })))
}

/** What one case does to the service touches all others that run beside it. */
const disturbing: ReadonlySet<Need> = new Set(['hold', 'silentLink', 'lossyLink', 'restart'])
const sideBySide = 6

/** Others may run beside it. */
export function isHarmless({ alone, needs }: Case): boolean {
  return !alone && !needs.some((need) => disturbing.has(need))
}

export interface SuiteOptions {
  readonly onResult?: (result: CaseResult) => void
  /** Cases that fail may try once more, alone; by default only those that measure time. */
  readonly patient?: boolean
}

/** Run cases against a target: first those that harm nothing, several at once, then the others one by one. In their order. */
export async function runCases(
  cases: readonly NamedCase[],
  target: Target,
  { onResult = () => {}, patient = false }: SuiteOptions = {},
): Promise<readonly CaseResult[]> {
  const results = new Map<NamedCase, CaseResult>()
  const retried: NamedCase[] = []
  const settle = (one: NamedCase, result: CaseResult): void => {
    results.set(one, result)
    onResult(result)
  }
  const mayTryAgain = (one: NamedCase, { outcome }: CaseResult): boolean => {
    return outcome === 'fail' && (patient || one.timed === true)
  }
  const queue = cases.filter(isHarmless)
  const work = async (): Promise<void> => {
    for (let one = queue.shift(); one; one = queue.shift()) {
      const result = await runCase(one, target)
      if (mayTryAgain(one, result)) retried.push(one)
      else settle(one, result)
    }
  }
  await Promise.all(Array.from({ length: sideBySide }, work))
  for (const one of retried) settle(one, await runCase(one, target))
  for (const one of cases.filter((other) => !isHarmless(other))) {
    const first = await runCase(one, target)
    settle(one, mayTryAgain(one, first) ? await runCase(one, target) : first)
  }
  return cases.map((one) => results.get(one)!)
}

/** One case, within its time. Rejects with the abort of the target alone. */
export async function runCase(one: NamedCase, target: Target): Promise<CaseResult> {
  target.signal.throwIfAborted()
  const missing = one.needs.find((need) => target.able[need] === undefined)
  if (missing) return { case: one.id, outcome: 'n/a', reason: target.unable[missing] ?? `it has no ${missing}` }
  const limit = timeLimit(limitMs(target))
  const limited = { ...target, signal: AbortSignal.any([target.signal, limit]) }
  try {
    await Promise.race([one.check(limited, target.able as Required<Target['able']>), endOf(limited.signal)])
    return { case: one.id, outcome: 'pass' }
  } catch (error) {
    target.signal.throwIfAborted()
    if (limit.aborted) return { case: one.id, outcome: 'fail', reason: `it did not end within ${limitMs(target)} ms` }
    // What our own machinery did not do says nothing about the service.
    const unsure = error instanceof Undecided || error instanceof HarnessError
    return { case: one.id, outcome: unsure ? 'undecided' : 'fail', reason: describeError(error).split('\n')[0]! }
  }
}

async function endOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
