import { Agent, request, type Dispatcher } from 'undici'
import { BlockedDestination, type Destinations, guardedConnector } from '../../contract/server/destination.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { describeFailure } from '../../contract/client/http.ts'
import { withoutInterim } from '../../contract/client/interim.ts'
import { ProblemError, type ProblemKind } from '../../contract/types/problems.ts'
import { monotonicMs } from '../../contract/types/timer.ts'
import { isPermanent, isRefusal } from './schedule.ts'
import type { Timing } from '../../contract/types/timing.ts'

/** By which we ask, and which may be allowed by name. */
const requestOrigin = 'outlast'

/** Origins that are remembered, the oldest forgotten first: any client can name a URL, and a node's memory is finite. */
const mostKnown = 10_000

/** A definite no, and why. */
interface Refusal {
  readonly kind: ProblemKind
  readonly why: string
}

type Verdict = 'consents' | 'unknown' | Refusal

interface Known {
  readonly verdict: Promise<Verdict>
  /** Monotonic milliseconds; a refusal is not believed for longer. */
  untilMs: number
}

/**
 * Asks the origin of an endpoint, before its first task, whether it wants our messages: the handshake of CloudEvents
 * 1.0, HTTP web hooks, section 4. It is an OPTIONS request to the endpoint's URL, so that no client can make us do more
 * to a stranger who never asked. A consent is remembered, a refusal for `consentRefusedMs`, and tasks that come while
 * it is asked wait for the same answer. Throws the problem `endpoint-refused` or `blocked-destination` for a definite
 * no. An endpoint that cannot answer now is not refused. Its next task asks again: a receiver that is down for a moment
 * must not lose one.
 */
export function openConsents(
  destinations: Destinations,
  { webhookTestMs, consentRefusedMs }: Timing,
  now: () => number = monotonicMs,
): (url: string) => Promise<void> {
  const dispatcher = new Agent({
    pipelining: 0,
    connect: withoutInterim(guardedConnector(destinations, webhookTestMs)),
  })
  const origins = new Map<string, Known>()

  function askAnew(origin: string, url: string): Known {
    const known: Known = { verdict: settle(), untilMs: Infinity }
    async function settle(): Promise<Verdict> {
      const verdict = await ask(url, dispatcher, webhookTestMs)
      if (verdict === 'unknown') origins.delete(origin)
      if (typeof verdict === 'object') known.untilMs = now() + consentRefusedMs
      return verdict
    }
    if (origins.size >= mostKnown) origins.delete(origins.keys().next().value!)
    origins.set(origin, known)
    return known
  }

  return async (url) => {
    const { origin } = new URL(url)
    const known = origins.get(origin)
    const isCurrent = known !== undefined && known.untilMs > now()
    const asked = isCurrent ? known : askAnew(origin, url)
    const verdict = await asked.verdict
    if (typeof verdict !== 'object') return
    const restS = Math.ceil((asked.untilMs - now()) / 1000)
    const where = isCurrent ? `${origin}, as it answered before` : url
    throw new ProblemError(verdict.kind, `${where}: ${verdict.why}. It is asked again in ${restS} s`)
  }
}

/** Never rejects. */
async function ask(url: string, dispatcher: Dispatcher, limitMs: number): Promise<Verdict> {
  try {
    return await withFaultPoints('webhook-retry.ask', async () => {
      const answer = await request(url, {
        method: 'OPTIONS',
        dispatcher,
        reset: true,
        headers: { 'webhook-request-origin': requestOrigin },
        signal: AbortSignal.timeout(limitMs),
      })
      await answer.body.dump().catch(() => {})
      return judge(answer.statusCode, answer.headers['webhook-allowed-origin']?.toString())
    })
  } catch (error) {
    if (error instanceof BlockedDestination) return { kind: 'blocked-destination', why: error.message }
    return isDefinite(error) ? { kind: 'endpoint-refused', why: describeFailure(error) } : 'unknown'
  }
}

/** An endpoint that is overloaded, or has an error, has not refused. */
function judge(status: number, allowedOrigin: string | undefined): Verdict {
  if (status >= 200 && status < 300 && (allowedOrigin === '*' || allowedOrigin === requestOrigin)) return 'consents'
  if (!isRefusal(status) && status >= 300 && !isPermanent(status)) return 'unknown'
  const why =
    `OPTIONS was answered ${status} without consent. To consent, answer OPTIONS at this address with the status 200 ` +
    `and the header "WebHook-Allowed-Origin: ${requestOrigin}", or "WebHook-Allowed-Origin: *"; POST stays as it is`
  return { kind: 'endpoint-refused', why }
}

/** There is no such name, or a certificate that will not be better in a minute. A resolver that fails says EAI_AGAIN. */
function isDefinite(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException
  return /^(ENOTFOUND$|CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code)
}
