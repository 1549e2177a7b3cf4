import { finish } from '../../contract/client/outcome.ts'
import { followToEnd, readerOf } from '../../contract/client/reader.ts'
import { submitJob } from '../../contract/client/submit.ts'
import { clientOf } from '../../contract/client/talk.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { connectStream } from './connect.ts'

/** Follow the event stream until the terminal event; when it breaks, open it again where it broke. */
export default clientOf(async (talk) => {
  const accepted = await submitJob(talk)
  if (isTerminal(accepted.task.status)) return finish(accepted.task, 'response')
  return followToEnd(readerOf(talk, accepted), connectStream)
})
