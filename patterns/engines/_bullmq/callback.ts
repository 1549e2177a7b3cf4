import { type Job, UnrecoverableError } from 'bullmq'
import type { CallbackAttempt, Notify } from '../../contract/types/callback.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { foldEvents, requestOf } from '../../contract/engine/log.ts'
import { putOff } from './release.ts'

/** What a callback's job knows: the attempts on record. */
interface Records {
  readonly attempts?: readonly CallbackAttempt[]
}

/**
 * One attempt for each run of the job. Its record goes into the job before anything else happens, and the queue does the
 * waiting, which takes no place. A callback that is dead stays among the failed jobs: nobody tries it again, and an
 * operator can.
 */
export async function attemptCallback(
  job: Job,
  token: string,
  log: readonly TaskEvent[],
  notify: Notify,
): Promise<void> {
  const earlier = (job.data as Records).attempts ?? []
  const url = requestOf(log).delivery!.webhook_url
  const record = await notify({ task: foldEvents(log), url, earlier })
  const records: Records = { attempts: [...earlier, record] }
  await withFaultPoints('queue.record', () => job.updateData(records))
  const { decision } = record
  if (decision.next === 'retry') return putOff(job, token, decision.delay_ms)
  if (decision.next === 'dead') throw new UnrecoverableError(`the callback is dead: ${decision.reason}`)
}
