import { discover } from '../core/discover.ts'
import { describeError, HarnessError } from '../core/errors.ts'
import { startTimer } from '../../patterns/contract/types/timer.ts'
import { type Case, type CaseGroup, limitMs, type Need, type Target } from './case.ts'
import { Conversation, curlOf, describeAsked, type Exchange } from './conversation.ts'
import { Breach, NotApplicable, Undecided } from './expect.ts'
import type { Callbacks } from './receiver.ts'
import { watchStarvation } from './starvation.ts'

/** A case by its whole name, `idempotency/lost-response`. */
export type NamedCase = Case & { readonly id: string }

export interface CaseResult {
  /** Group and name of the case. */
  readonly case: string
  /** `undecided`: the case could not tell. `error`: the case itself is defect, which says nothing about the service. */
  readonly outcome: 'pass' | 'fail' | 'undecided' | 'n/a' | 'error'
  /** For every outcome but `pass`. */
  readonly reason?: string
  /** How long the case was at work, where it was. */
  readonly tookMs?: number
  /** It would have failed, for want of time, on a machine that was too busy. */
  readonly starved?: true
  /** What the failure was found in. */
  readonly evidence?: Evidence
}

/** One request: what a failure says, and how a person asks again. */
export interface Evidence {
  readonly asked: string
  readonly came: string
  /** One line for a POSIX shell; the token is `$OUTLAST_TOKEN`. */
  readonly curl: string
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
  /** Cases that fail may try once more, alone; by default only those that measure time or were starved. */
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
  const mayTryAgain = (one: NamedCase, { outcome, starved }: CaseResult): boolean => {
    const isAboutTime = one.timed === true && (outcome === 'fail' || outcome === 'undecided')
    return starved === true || isAboutTime || (outcome === 'fail' && patient)
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
export async function runCase(one: NamedCase, target: Target, watch = watchStarvation): Promise<CaseResult> {
  target.signal.throwIfAborted()
  const missing = one.needs.find((need) => target.able[need] === undefined)
  if (missing) return { case: one.id, outcome: 'n/a', reason: target.unable[missing] ?? `it has no ${missing}` }
  const began = performance.now()
  const tookMs = (): number => Math.round(performance.now() - began)
  const whyStarved = watch()
  const conversation = new Conversation()
  using limit = limitOf(target, conversation)
  const callbacks = target.able.callbacks?.own()
  const able = { ...target.able, ...(callbacks && { callbacks }) }
  const limited = { ...target, able, conversation, signal: AbortSignal.any([target.signal, limit.signal]) }
  try {
    await Promise.race([one.check(limited, able as Required<Target['able']>), endOf(limited.signal)])
    return { case: one.id, ...unlessDropped({ outcome: 'pass' }, callbacks), tookMs: tookMs() }
  } catch (error) {
    target.signal.throwIfAborted()
    const isLate = limit.signal.aborted
    const { outcome, reason, exchange } = isLate ? unlessDropped(late(limited), callbacks) : judge(error, conversation)
    const isAboutTime = one.timed === true || limit.signal.aborted
    const starved = outcome === 'fail' && isAboutTime ? whyStarved() : undefined
    if (starved !== undefined)
      return { case: one.id, outcome: 'undecided', reason: `${reason}; ${starved}`, tookMs: tookMs(), starved: true }
    const evidence = outcome === 'fail' && exchange ? { evidence: evidenceIn(exchange, target) } : {}
    return { case: one.id, outcome, reason, tookMs: tookMs(), ...evidence }
  }
}

interface Judged {
  readonly outcome: Exclude<CaseResult['outcome'], 'pass'>
  readonly reason: string
  readonly exchange?: Exchange | undefined
}

/** Neither a pass nor what did not come in time counts where what came was dropped: that may have broken it, or been it. */
function unlessDropped<T extends object>(judged: T, callbacks: Callbacks | undefined): T | Judged {
  const reason = callbacks?.dropped()
  return reason === undefined ? judged : { outcome: 'undecided', reason }
}

/** What our own machinery did not do says nothing about the service, and what a defect of ours threw even less. */
function judge(error: unknown, { last }: Conversation): Judged {
  const reason = describeError(error).split('\n')[0]!
  if (error instanceof Breach) return { outcome: 'fail', reason, exchange: error.exchange ?? last }
  if (error instanceof NotApplicable) return { outcome: 'n/a', reason }
  if (error instanceof Undecided || error instanceof HarnessError) return { outcome: 'undecided', reason }
  return { outcome: 'error', reason: `${reason}${placeOf(error)}` }
}

/** Where in our own code. */
function placeOf(error: unknown): string {
  const place = /\b(?:harness|patterns)\/[^\s()]+:\d+:\d+/.exec((error as Error | undefined)?.stack ?? '')?.[0]
  return place === undefined ? '' : ` (at ${place})`
}

function late({ conversation, ...target }: Target): Judged {
  const limit = limitMs(target as Target)
  const { unanswered, last, waitedMs, awaited } = conversation
  if (waitedMs > limit)
    return { outcome: 'undecided', reason: `it asked to wait ${Math.round(waitedMs / 1000)} s in all` }
  const waited = awaited === undefined ? '' : `: ${awaited} did not come`
  return { outcome: 'fail', reason: `it did not end within ${limit} ms${waited}`, exchange: unanswered ?? last }
}

/** What a breach was found in, where it says so. */
export function evidenceOf(error: unknown, how: Pick<Target, 'token'>): Evidence | undefined {
  return error instanceof Breach && error.exchange ? evidenceIn(error.exchange, how) : undefined
}

function evidenceIn(exchange: Exchange, target: Pick<Target, 'token'>): Evidence {
  return { asked: describeAsked(exchange), came: exchange.came ?? 'nothing', curl: curlOf(exchange, target) }
}

/** The time that a service asks us to wait is not its own, up to as much again. */
function limitOf(target: Target, conversation: Conversation): Disposable & { readonly signal: AbortSignal } {
  const over = new AbortController()
  const ownMs = limitMs(target)
  const expire = (): void => over.abort(new DOMException('the time of the case is over', 'TimeoutError'))
  let timer = startTimer(() => {
    const waitedMs = Math.min(conversation.waitedMs, ownMs)
    if (waitedMs === 0) expire()
    else timer = startTimer(expire, waitedMs)
  }, ownMs)
  return { signal: over.signal, [Symbol.dispose]: () => timer.cancel() }
}

async function endOf(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true })
  })
}
