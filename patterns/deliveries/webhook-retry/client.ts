import type { ClientPorts, Inbox, Job, RunJob } from '../../contract/client/client.ts'
import { finish } from '../../contract/client/outcome.ts'
import { sleep } from '../../contract/types/timer.ts'
import { submitJob, timingOf, type Accepted } from '../../contract/client/submit.ts'
import { isTerminal, type Task } from '../../contract/types/task.ts'
import { pollUntilEnd, watchTask } from '../polling/poll.ts'
import { endpointKey } from './keys.ts'
import { clockS, openMessage } from './message.ts'

/** Submit, wait for a callback that is genuine, and ask rarely when none came: whatever is first. */
const runJob: RunJob = async (job, ports, signal) => {
  if (!ports.inbox) throw new Error('the webhook-retry client needs an inbox')
  const over = new AbortController()
  const giveUp = (): void => over.abort(signal.reason)
  if (signal.aborted) giveUp()
  signal.addEventListener('abort', giveUp, { once: true })
  try {
    return await learnEnd(job, ports, ports.inbox, over.signal)
  } finally {
    signal.removeEventListener('abort', giveUp)
    over.abort(new Error('the job is over'))
  }
}
export default runJob

async function learnEnd(job: Job, ports: ClientPorts, inbox: Inbox, signal: AbortSignal) {
  const url = inbox.urlFor(job.key)
  const keys = [endpointKey(ports.token)]
  // Before submitting: a callback may be here before the answer to the submission is.
  const called = inbox.wait(job.key, signal, (request) => openMessage(request, keys, clockS()).task)
  called.catch(() => {})
  const accepted = await submitJob(job, ports, signal, { delivery: { webhook_url: url } })
  if (isTerminal(accepted.task.status)) return finish(accepted.task, 'response')
  return Promise.race([
    called.then((task) => finish(task, 'callback')),
    reconcile(job, ports, accepted, signal).then((task) => finish(task, 'poll')),
  ])
}

/** Nothing until the task should have ended and its callback been here; then a read now and then. */
async function reconcile(
  job: Job,
  ports: ClientPorts,
  { task, replica }: Accepted,
  signal: AbortSignal,
): Promise<Task> {
  const everyMs = timingOf(ports).reconcileMs
  await sleep(remainingMs(task) + everyMs, signal)
  return pollUntilEnd(job, ports, watchTask(task, replica), { longPoll: false, everyMs, signal })
}

/** By the server's clock alone: ours may differ. */
function remainingMs({ estimated_completion, updated_at }: Task): number {
  return estimated_completion === null ? 0 : Math.max(0, Date.parse(estimated_completion) - Date.parse(updated_at))
}
