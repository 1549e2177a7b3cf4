import { endByCallbacks, hearCallbacks } from '../../contract/client/callbacks.ts'
import type { Delivered, Inbox, OpenCallback } from '../../contract/client/client.ts'
import { finish } from '../../contract/client/outcome.ts'
import { submitJob, type Accepted } from '../../contract/client/submit.ts'
import { clientOf, type Talk } from '../../contract/client/talk.ts'
import { isTerminal, type Task } from '../../contract/types/task.ts'
import { pollUntilEnd } from '../polling/poll.ts'
import { endpointKey } from './keys.ts'
import { clockS, openMessage } from './message.ts'

/** Submit, wait for a callback that is genuine, and ask rarely when none came: whatever is first. */
export default clientOf(async (talk) => {
  const { ports, signal } = talk
  if (!ports.inbox) throw new Error('the webhook-retry client needs an inbox')
  const over = new AbortController()
  const giveUp = (): void => over.abort(signal.reason)
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await learnEnd(talk, ports.inbox, over.signal)
  } finally {
    signal.removeEventListener('abort', giveUp)
    over.abort(new Error('the job is over'))
  }
})

async function learnEnd(talk: Talk, inbox: Inbox, signal: AbortSignal): Promise<Delivered> {
  const url = inbox.urlFor(talk.job.key)
  const keys = [endpointKey(talk.ports.token)]
  const open: OpenCallback = (request) => openMessage(request, keys, request.receivedAtS ?? clockS()).task
  const callbacks = hearCallbacks(talk, inbox, signal, open)
  const accepted = await submitJob(talk, { delivery: { webhook_url: url }, heardOf: callbacks.ids })
  const { task } = accepted
  if (isTerminal(task.status)) return finish(task, 'response')
  return Promise.race([
    endByCallbacks(talk, accepted, callbacks, signal),
    reconcile(talk, accepted, signal).then((ended) => finish(ended, 'poll')),
  ])
}

/** Nothing until the task should have ended and its callback been here, or the job is about to end; then a read now and then. */
function reconcile(talk: Talk, { task, replica }: Accepted, signal: AbortSignal): Promise<Task> {
  const everyMs = talk.timing.reconcileMs
  talk.pace.pause('read', { atLeastMs: remainingMs(task) + everyMs })
  return pollUntilEnd(talk, { task, replica }, { longPoll: false, everyMs, signal })
}

/** By the server's clock alone: ours may differ. */
function remainingMs({ estimated_completion, updated_at }: Task): number {
  const restMs = Date.parse(estimated_completion ?? '') - Date.parse(updated_at)
  return restMs > 0 ? restMs : 0
}
