import type { RunJob } from '../../contract/client/client.ts'
import { finish } from '../../contract/client/outcome.ts'
import { submitJob } from '../../contract/client/submit.ts'
import { isTerminal } from '../../contract/types/task.ts'

/** Hold one request until the result; when the connection is lost, the same key finds the same task again. */
const runJob: RunJob = async (job, ports, signal) => {
  const limitMs = Math.max(0, job.giveUpAt - ports.now())
  const headers = { prefer: `wait=${Math.ceil(limitMs / 1000)}` }
  const { task } = await submitJob(job, ports, signal, { headers, limitMs, isDone: (t) => isTerminal(t.status) })
  return finish(task, 'response')
}
export default runJob
