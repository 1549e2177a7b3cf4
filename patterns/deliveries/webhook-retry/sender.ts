import { Agent, request, type Dispatcher } from 'undici'
import type { NodeSettings } from '../../contract/types/settings.ts'
import {
  recordAttempt,
  type Callback,
  type CallbackAttempt,
  type Decision,
  type Notify,
} from '../../contract/types/callback.ts'
import {
  destinationsOf,
  BlockedDestination,
  type Destinations,
  guardedConnector,
} from '../../contract/server/destination.ts'
import { logFailure } from '../../contract/engine/log-error.ts'
import { timingAt, type Timing } from '../../contract/types/timing.ts'
import { endpointKey, readSigningKey, type WebhookKey } from './keys.ts'
import { messageOf, type Message, clockS } from './message.ts'
import { decide, isRefusal, isSuccess, type AttemptResult } from './schedule.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { describeFailure, retryAfterMs } from '../../contract/client/http.ts'
import { withoutInterim } from '../../contract/client/interim.ts'
import { signMessage } from './signature.ts'

interface Sender {
  readonly attempt: Attempt
  readonly keys: readonly WebhookKey[]
  /** Endpoints that answered 410, the oldest first: for engines that do not remember it themselves. */
  readonly gone: Set<string>
}

/**
 * So many endpoints that said that they are gone are remembered: any client can name a URL, and a node's memory is
 * finite.
 */
const mostGone = 10_000

/**
 * Makes one attempt at a time, and decides what follows from it and from those before it. The engine's record says how
 * far the schedule is. This process remembers nothing but who said that it is gone, where the engine does not.
 */
export function openSender(settings: NodeSettings): Notify {
  const timing = timingAt(settings.timeScale)
  const keys = [endpointKey(settings.token), ...(settings.webhookKeys ?? []).map(readSigningKey)]
  const attempt = openAttempts(destinationsOf(settings), timing.webhookTimeoutMs)
  const sender: Sender = { attempt, keys, gone: new Set() }
  return async (callback) => {
    const beganAtMs = Date.now()
    const message = messageOf(callback.task, callback.url)
    const { status, ...result } = await attemptOnce(message, callback, sender)
    const answer = { ...(status !== undefined && { status }), detail: result.detail }
    const decision = decisionAfter({ ...result, ...answer }, callback, beganAtMs, timing)
    const record = recordAttempt(callback, beganAtMs, { ...answer, decision })
    logAttempt(settings.node, message, record)
    return record
  }
}

/** A replay by hand also goes to an endpoint that said that it is gone: its owner may know better. */
async function attemptOnce(message: Message, { isGone, manual }: Callback, sender: Sender): Promise<AttemptResult> {
  const { url } = message
  const { href } = new URL(url)
  if ((isGone ?? sender.gone.has(href)) && !manual) return { gone: true, detail: 'disabled by an earlier 410' }
  const result = await sender.attempt(message, sender.keys)
  if (result.status === 410) disable(href, sender.gone)
  else if (isSuccess(result)) sender.gone.delete(href)
  return result
}

function disable(url: string, gone: Set<string>): void {
  if (gone.size >= mostGone) gone.delete(gone.values().next().value!)
  gone.add(url)
}

/** The schedule counts the attempts that were due, from the first of them on, whichever worker made them. */
function decisionAfter(result: AttemptResult, callback: Callback, beganAtMs: number, timing: Timing): Decision {
  if (callback.manual) return { next: isSuccess(result) ? 'delivered' : 'unchanged' }
  const due = callback.earlier.filter(({ manual }) => !manual)
  const since = (attempt: CallbackAttempt | undefined): number =>
    Date.now() - (attempt ? Date.parse(attempt.time) : beganAtMs)
  // The first of the refusals that nothing else has interrupted.
  const refusal = due[due.findLastIndex(({ status }) => !isRefusal(status)) + 1]
  const judged = isRefusal(result.status) ? { ...result, refusedMs: since(refusal) } : result
  return decide(judged, { failures: due.length, elapsedMs: since(due[0]) }, timing, Math.random())
}

/**
 * Into the node's log: what failed and where, when it is tried again, what is dead, and what came through after all. Of
 * the address its origin: in the rest, the path too, may be a secret of its owner.
 */
function logAttempt(node: string, { id, url }: Message, { attempt, decision, detail }: CallbackAttempt): void {
  if (decision.next === 'delivered' && attempt === 1) return
  const what = decision.next === 'retry' ? `again in ${decision.delay_ms} ms` : decision.next
  logFailure(node, `webhook ${id} to ${new URL(url).origin}, attempt ${attempt}: ${what}`, detail)
}

/** One POST, signed anew with the time of this attempt. Never rejects. */
type Attempt = (message: Message, keys: readonly WebhookKey[]) => Promise<AttemptResult>

/** Every attempt has a connection of its own, and dials only where callbacks may go at that moment. */
function openAttempts(destinations: Destinations, timeoutMs: number): Attempt {
  const dispatcher = new Agent({ pipelining: 0, connect: withoutInterim(guardedConnector(destinations, timeoutMs)) })
  return async (message, keys) => {
    try {
      return await withFaultPoints('webhook-retry.post', () => post(message, keys, dispatcher, timeoutMs))
    } catch (error) {
      return { blocked: error instanceof BlockedDestination, detail: describeFailure(error) }
    }
  }
}

async function post(
  { id, url, body }: Message,
  keys: readonly WebhookKey[],
  dispatcher: Dispatcher,
  timeoutMs: number,
): Promise<AttemptResult> {
  const {
    statusCode,
    headers,
    body: answer,
  } = await request(url, {
    method: 'POST',
    dispatcher,
    reset: true,
    headers: { 'content-type': 'application/json', ...signMessage({ id, timestampS: clockS(), body }, keys) },
    body,
    signal: AbortSignal.timeout(timeoutMs),
  })
  // The receiver has answered: what its body holds, and whether it ever ends, is of no interest.
  await answer.dump().catch(() => {})
  const askedMs = retryAfterMs({ header: (name) => headers[name]?.toString() })
  return { status: statusCode, detail: `HTTP ${statusCode}`, ...(askedMs !== undefined && { retryAfterMs: askedMs }) }
}
