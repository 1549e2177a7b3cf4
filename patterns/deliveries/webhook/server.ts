import { Agent, request, type Dispatcher } from 'undici'
import { createApi } from '../../contract/api.ts'
import type { DeliveryServer } from '../../contract/axes.ts'
import type { NodeSettings, Notify } from '../../contract/backend.ts'
import { addressFilter, admitCallback, guardedConnector } from '../../contract/destination.ts'
import { reportFailure } from '../../contract/report.ts'
import type { Task } from '../../contract/task.ts'
import { timingAt, type Timing } from '../../contract/timing.ts'

const server: DeliveryServer = {
  routes: (backend, settings, drain) => {
    const isAllowed = addressFilter(settings.webhookAllow ?? [])
    return createApi(backend, settings, drain, { admit: (request) => admitCallback(request, isAllowed) })
  },
  notify: openSender,
}
export default server

/**
 * The simple webhook: one POST of the finished task, on a connection of its own, no redirect, no second try.
 * Success is 2xx within the time limit. Whatever else happens is written to the node's log and forgotten.
 */
function openSender(settings: NodeSettings): Notify {
  const timing = timingAt(settings.timeScale)
  const isAllowed = addressFilter(settings.webhookAllow ?? [])
  const dispatcher = new Agent({ pipelining: 0, connect: guardedConnector(isAllowed, timing.webhookTimeoutMs) })
  return async (task, { delivery }) => {
    if (!delivery) return
    try {
      const status = await post(delivery.webhook_url, task, dispatcher, timing)
      if (status >= 300) throw new Error(`the receiver answered ${status}`)
    } catch (error) {
      reportFailure(settings.node, `webhook of ${task.task_id}`, error)
    }
  }
}

async function post(url: string, task: Task, dispatcher: Dispatcher, timing: Timing): Promise<number> {
  const answer = await request(url, {
    method: 'POST',
    dispatcher,
    reset: true,
    headers: { 'content-type': 'application/json', 'webhook-id': `evt_${task.task_id}_${task.version}` },
    body: JSON.stringify(task),
    signal: AbortSignal.timeout(timing.webhookTimeoutMs),
  })
  // The receiver has answered: what its body holds, and whether it ever ends, is of no interest.
  await answer.body.dump().catch(() => {})
  return answer.statusCode
}
