import { Agent, request, type Dispatcher } from 'undici'
import { BlockedDestination, type Destinations, guardedConnector } from '../../contract/server/destination.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { describeFailure } from '../../contract/client/http.ts'
import { ProblemError } from '../../contract/types/problems.ts'
import type { Timing } from '../../contract/types/timing.ts'

/** By which we ask, and which may be allowed by name. */
const requestOrigin = 'outlast'

/**
 * Consents that are remembered, the oldest forgotten first: any client can name a URL, and a node's memory is finite.
 */
const mostKnown = 10_000

/**
 * Asks an endpoint, before its first task, whether it wants our messages: the handshake of CloudEvents 1.0, HTTP web
 * hooks, section 4. It is an OPTIONS request, so that no client can make us do more to a stranger who never asked.
 * Throws the problem `endpoint-refused` or `blocked-destination` for a definite no. An endpoint that cannot answer now
 * is not refused. Its next task asks again: a receiver that is down for a moment must not lose one.
 */
export function openConsents(destinations: Destinations, { webhookTestMs }: Timing): (url: string) => Promise<void> {
  const dispatcher = new Agent({ pipelining: 0, connect: guardedConnector(destinations, webhookTestMs) })
  const known = new Set<string>()
  return async (url) => {
    if (known.has(url)) return
    const answer = await withFaultPoints('webhook-retry.ask', () => ask(url, dispatcher, webhookTestMs))
    if (answer === 'unknown') return
    if (known.size >= mostKnown) known.delete(known.values().next().value!)
    known.add(url)
  }
}

async function ask(url: string, dispatcher: Dispatcher, limitMs: number): Promise<'consents' | 'unknown'> {
  try {
    const answer = await request(url, {
      method: 'OPTIONS',
      dispatcher,
      reset: true,
      headers: { 'webhook-request-origin': requestOrigin },
      signal: AbortSignal.timeout(limitMs),
    })
    await answer.body.dump().catch(() => {})
    return judge(answer.statusCode, answer.headers['webhook-allowed-origin']?.toString())
  } catch (error) {
    if (error instanceof ProblemError) throw error
    if (error instanceof BlockedDestination) throw new ProblemError('blocked-destination', error.message)
    if (isDefinite(error)) throw new ProblemError('endpoint-refused', describeFailure(error))
    return 'unknown'
  }
}

/** An endpoint that is overloaded, or has an error, has not refused. */
function judge(status: number, allowedOrigin: string | undefined): 'consents' | 'unknown' {
  if (status >= 200 && status < 300 && (allowedOrigin === '*' || allowedOrigin === requestOrigin)) return 'consents'
  if ([408, 425, 429].includes(status) || (status >= 500 && status !== 501)) return 'unknown'
  const detail = `OPTIONS was answered ${status} without WebHook-Allowed-Origin: ${requestOrigin}, or *`
  throw new ProblemError('endpoint-refused', detail)
}

/** There is no such name, or a certificate that will not be better in a minute. A resolver that fails says EAI_AGAIN. */
function isDefinite(error: unknown): boolean {
  const { code = '' } = error as NodeJS.ErrnoException
  return /^(ENOTFOUND$|CERT_|ERR_TLS_|ERR_SSL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_)/.test(code)
}
