import { hearCallbacks } from '../../contract/client/callbacks.ts'
import { finish } from '../../contract/client/outcome.ts'
import { submitJob } from '../../contract/client/submit.ts'
import { clientOf } from '../../contract/client/talk.ts'
import { isTerminal } from '../../contract/types/task.ts'

/** Submit, then wait for the callback. After the answer the client has nothing else: what does not arrive is never missed by it. */
export default clientOf(async (talk) => {
  const { job, ports, signal } = talk
  if (!ports.inbox) throw new Error('the webhook client needs an inbox')
  const endOf = hearCallbacks(talk, ports.inbox, signal)
  const { task } = await submitJob(talk, { delivery: { webhook_url: ports.inbox.urlFor(job.key) } })
  if (isTerminal(task.status)) return finish(task, 'response')
  return finish(await endOf(task.task_id), 'callback')
})
