import { finish } from '../../contract/client/outcome.ts'
import { submitJob } from '../../contract/client/submit.ts'
import { clientOf } from '../../contract/client/talk.ts'
import { isTerminal } from '../../contract/types/task.ts'

/** Hold one request until the result; when the connection is lost, the same key finds the same task again. */
export default clientOf(async (talk) => {
  const limitMs = Math.max(0, talk.job.giveUpAt - talk.ports.now())
  const headers = { prefer: `wait=${Math.ceil(limitMs / 1000)}` }
  const { task } = await submitJob(talk, { headers, limitMs, isDone: (t) => isTerminal(t.status) })
  return finish(task, 'response')
})
