import type { RunJob } from '../../contract/client/client.ts'
import { finish } from '../../contract/client/outcome.ts'
import { sleep } from '../../contract/types/timer.ts'
import { submitJob, timingOf } from '../../contract/client/submit.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { pollUntilEnd, watchTask } from './poll.ts'

/** Submit, wait as advised, then read the status by long polls until it is final. */
const runJob: RunJob = async (job, ports, signal) => {
  const { task, replica, retryAfterMs } = await submitJob(job, ports, signal)
  if (isTerminal(task.status)) return finish(task, 'response')
  await sleep(retryAfterMs ?? timingOf(ports).retryAfterMs, signal)
  return finish(await pollUntilEnd(job, ports, watchTask(task, replica), { longPoll: true, signal }), 'poll')
}
export default runJob
