import { Agent, request, type Dispatcher } from 'undici'
import { createApi } from '../../contract/server/api.ts'
import type { DeliveryServer } from '../../contract/server/delivery-server.ts'
import type { NodeSettings } from '../../contract/types/settings.ts'
import { deliveryId, recordAttempt, type Callback, type Decision, type Notify } from '../../contract/types/callback.ts'
import { admitCallback, destinationsOf, guardedConnector } from '../../contract/server/destination.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { describeFailure } from '../../contract/client/http.ts'
import { withoutInterim } from '../../contract/client/interim.ts'
import { logFailure } from '../../contract/engine/log-error.ts'
import { timingAt, type Timing } from '../../contract/types/timing.ts'

const server: DeliveryServer = {
  routes: (backend, settings, drain) => {
    const destinations = destinationsOf(settings)
    return createApi(backend, settings, drain, {
      callbacks: 'plain',
      admit: (request) => admitCallback(request, destinations),
    })
  },
  notify: openSender,
}
export default server

/**
 * The simple webhook: one POST of the finished task, on a connection of its own, no redirect, no second try.
 * Success is 2xx within the time limit. Whatever else happens is written to the node's log, and that was it.
 */
function openSender(settings: NodeSettings): Notify {
  const timing = timingAt(settings.timeScale)
  const connect = guardedConnector(destinationsOf(settings), timing.webhookTimeoutMs)
  const dispatcher = new Agent({ pipelining: 0, connect: withoutInterim(connect) })
  return async (callback) => {
    const beganAtMs = Date.now()
    const where = `webhook of ${callback.task.task_id}`
    try {
      const status = await withFaultPoints('webhook.post', () => post(callback, dispatcher, timing))
      const isAccepted = status < 300
      if (!isAccepted) logFailure(settings.node, where, `the receiver answered ${status}`)
      return recordAttempt(callback, beganAtMs, { ...after(callback, isAccepted), status, detail: `HTTP ${status}` })
    } catch (error) {
      logFailure(settings.node, where, error)
      return recordAttempt(callback, beganAtMs, { ...after(callback, false), detail: describeFailure(error) })
    }
  }
}

function after({ manual }: Callback, isAccepted: boolean): { readonly decision: Decision } {
  if (isAccepted) return { decision: { next: 'delivered' } }
  return { decision: manual ? { next: 'unchanged' } : { next: 'dead', reason: 'once' } }
}

async function post({ task, url }: Callback, dispatcher: Dispatcher, timing: Timing): Promise<number> {
  const answer = await request(url, {
    method: 'POST',
    dispatcher,
    reset: true,
    headers: { 'content-type': 'application/json', 'webhook-id': deliveryId(task.task_id, task.version) },
    body: JSON.stringify(task),
    signal: AbortSignal.timeout(timing.webhookTimeoutMs),
  })
  // The receiver has answered: what its body holds, and whether it ever ends, is of no interest.
  await answer.body.dump().catch(() => {})
  return answer.statusCode
}
