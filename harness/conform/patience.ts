import { retryAfterMs } from '../../patterns/contract/client/http.ts'
import { sleep } from '../../patterns/contract/types/timer.ts'
import { limitMs, type Target } from './case.ts'
import { Undecided } from './expect.ts'

export type Headers = Readonly<Record<string, string | string[] | undefined>>

/** As much of an answer as says whether it is the last word. */
export interface Answered {
  readonly status: number
  readonly headers: Headers
  /** The object in it, where it has one: a problem document may say `retryable`. */
  readonly json?: Readonly<Record<string, unknown>> | undefined
}

/** What is asked for, and how an answer that is not the last word is thrown away. */
export interface Request<A> {
  readonly what: string
  /** Address of what is asked for. */
  readonly url: URL
  /** 409 says that the first submission of the key is in progress (draft-ietf-httpapi-idempotency-key-header, 2.6). */
  readonly isSubmission: boolean
  /** A replica that has not seen the task is no reason for a 404. */
  readonly isSeen?: boolean
  ask(): Promise<A>
  drop?(answer: A): void
}

/**
 * Ask until the answer is the last word. A busy service, and what is in front of it, may say that it is too early, and
 * when to come back (RFC 9110 10.2.3). The repetition of a submission waits for the first. A
 * task that was accepted seconds ago may be unknown at a replica. Throws Undecided where a service is busy for too long.
 */
export async function patiently<A extends Answered>(
  target: Target,
  request: Request<A>,
): Promise<A & { repeated: number }> {
  const began = performance.now()
  for (let repeated = 0; ; repeated++) {
    const answer = await request.ask()
    const passedMs = performance.now() - began
    const kind = laterBecause(target, request, answer)
    if (kind === undefined) return Object.assign(answer, { repeated })
    const advisedMs = adviceMs(answer.headers)
    const pauseMs = Math.max(advisedMs ?? backoffMs(repeated), leastPauseMs)
    if (passedMs + pauseMs > patienceMs(target)) {
      if (kind !== 'busy') return Object.assign(answer, { repeated })
      const advice = advisedMs === undefined ? '' : `, and asks to come back in ${Math.ceil(advisedMs / 1000)} s`
      throw new Undecided(`${request.what} is answered ${answer.status} for ${Math.round(passedMs / 1000)} s${advice}`)
    }
    request.drop?.(answer)
    target.conversation.waitedMs += pauseMs
    await sleep(pauseMs, target.signal)
  }
}

const leastPauseMs = 50

function backoffMs(repeated: number): number {
  return Math.min(2_000, 100 * 2 ** repeated)
}

/** A third of the time of a case, and no more than a minute. */
function patienceMs(target: Target): number {
  return Math.min(60_000, limitMs(target) / 3)
}

/**
 * What is in front of a service says without it (RFC 9110 15.5.9, 15.5.20 and 15.6, RFC 4918 11.3, RFC 6585 4, RFC 8470 5.2), and 520 to 530,
 * which are no standard, by networks that deliver content.
 */
const busy: ReadonlySet<number> = new Set([408, 421, 423, 425, 429, 502, 503, 504])
/** Full for now, or asked too often, where they say when to come back: as clients have it (`contract/client/meaning.ts`). */
const timed: ReadonlySet<number> = new Set([403, 413])

/** The answer says that it is too early, whoever gave it. */
export function isBusy({ status }: Pick<Answered, 'status'>): boolean {
  return busy.has(status) || (status >= 520 && status <= 530)
}

/** A refusal that the service itself calls one for now. Where it stays, it is judged as any other. */
export function isLater({ status, headers, json }: Answered): boolean {
  if (status >= 400 && json?.['retryable'] === true) return true
  return timed.has(status) && headers['retry-after'] !== undefined && json?.['retryable'] !== false
}

/** How long a replica may take to hear of a task. */
const lagMs = 10_000

function laterBecause<A extends Answered>(
  { conversation }: Target,
  { url, isSubmission, isSeen = false }: Request<A>,
  answer: Answered,
): 'busy' | 'by its own word' | 'in progress' | 'not seen yet' | undefined {
  const { status } = answer
  if (isBusy({ status })) return 'busy'
  if (isLater(answer)) return 'by its own word'
  if (status === 409 && isSubmission) return 'in progress'
  if (status !== 404 || isSeen) return undefined
  const now = performance.now()
  const isFresh = [...conversation.acceptedAt].some(([taskId, at]) => {
    return now - at < lagMs && url.pathname.includes(`/v1/tasks/${encodeURIComponent(taskId)}`)
  })
  return isFresh ? 'not seen yet' : undefined
}

/** When the service wants to be asked again, from now on: by its own clock (RFC 9110 10.2.3). */
export function adviceMs(headers: Headers): number | undefined {
  return retryAfterMs({ header: (name) => headerOf(headers, name) })
}

/** A header by its name in small letters; several of one name are one list (RFC 9110 5.3). */
export function headerOf(headers: Headers, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value.join(', ') : value
}
