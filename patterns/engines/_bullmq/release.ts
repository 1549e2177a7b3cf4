import { DelayedError, type Job, WaitingError } from 'bullmq'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'

/** Free for any worker at once. By throwing, this run of the job ends without an outcome. */
export async function putBack(job: Job, token: string): Promise<never> {
  await withFaultPoints('queue.put-back', () => job.moveToWait(token))
  throw new WaitingError()
}

/** As `putBack`, after a while. */
export async function putOff(job: Job, token: string, delayMs: number): Promise<never> {
  await job.moveToDelayed(Date.now() + delayMs, token)
  throw new DelayedError()
}
