import { Agent, request, type Dispatcher } from 'undici'
import { BlockedDestination, type Destinations, guardedConnector } from '../../contract/server/destination.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { describeFailure, readRetryAfter } from '../../contract/client/http.ts'
import type { WebhookKey } from './keys.ts'
import { clockS, type Message } from './message.ts'
import type { AttemptResult } from './schedule.ts'
import { signMessage } from './signature.ts'

/** One POST, signed anew with the time of this attempt. Never rejects. */
export type Attempt = (message: Message, keys: readonly WebhookKey[]) => Promise<AttemptResult>

/** Every attempt has a connection of its own, and dials only where callbacks may go at that moment. */
export function openAttempts(destinations: Destinations, timeoutMs: number): Attempt {
  const dispatcher = new Agent({ pipelining: 0, connect: guardedConnector(destinations, timeoutMs) })
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
  const retryAfterMs = readRetryAfter(headers['retry-after']?.toString(), Date.now())
  return { status: statusCode, detail: `HTTP ${statusCode}`, ...(retryAfterMs !== undefined && { retryAfterMs }) }
}
