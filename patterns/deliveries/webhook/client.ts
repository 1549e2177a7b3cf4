import { endByCallbacks, hearCallbacks } from '../../contract/client/callbacks.ts'
import { finish } from '../../contract/client/outcome.ts'
import { submitJob } from '../../contract/client/submit.ts'
import { clientOf } from '../../contract/client/talk.ts'
import { isTerminal } from '../../contract/types/task.ts'

/**
 * Submit, then wait for the callback. After the answer the client has nothing else: what does not arrive is never missed by it.
 * A callback that holds no more than news of the task is followed by a read.
 */
export default clientOf(async (talk) => {
  const { job, ports, signal } = talk
  if (!ports.inbox) throw new Error('the webhook client needs an inbox')
  const callbacks = hearCallbacks(talk, ports.inbox, signal)
  const delivery = { webhook_url: ports.inbox.urlFor(job.key) }
  const accepted = await submitJob(talk, { delivery, heardOf: callbacks.ids })
  if (isTerminal(accepted.task.status)) return finish(accepted.task, 'response')
  return endByCallbacks(talk, accepted, callbacks, signal)
})
