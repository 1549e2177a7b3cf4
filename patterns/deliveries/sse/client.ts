import type { RunJob } from '../../contract/client/client.ts'
import { finish } from '../../contract/client/outcome.ts'
import { followToEnd, readerOf } from '../../contract/client/reader.ts'
import { submitJob } from '../../contract/client/submit.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { connectStream } from './connect.ts'

/** Follow the event stream until the terminal event; when it breaks, open it again where it broke. */
const runJob: RunJob = async (job, ports, signal) => {
  const accepted = await submitJob(job, ports, signal)
  if (isTerminal(accepted.task.status)) return finish(accepted.task, 'response')
  return followToEnd(readerOf(job, ports, signal, accepted), connectStream)
}
export default runJob
