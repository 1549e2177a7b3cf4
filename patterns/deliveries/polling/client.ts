import { finish } from '../../contract/client/outcome.ts'
import { submitJob } from '../../contract/client/submit.ts'
import { clientOf } from '../../contract/client/talk.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { pollUntilEnd } from './poll.ts'

/** Submit, wait as advised, then read the status by long polls until it is final. */
export default clientOf(async (talk) => {
  const { task, replica, retryAfterMs } = await submitJob(talk)
  if (isTerminal(task.status)) return finish(task, 'response')
  talk.pace.pause('read', { adviceMs: retryAfterMs ?? talk.timing.retryAfterMs })
  return finish(await pollUntilEnd(talk, { task, replica }, { longPoll: true, signal: talk.signal }), 'poll')
})
