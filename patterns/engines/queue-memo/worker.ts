import type { NodeSettings } from '../../contract/backend.ts'
import type { Notify } from '../../contract/callback.ts'
import { completedSteps } from '../../contract/log.ts'
import { startQueueWorker } from '../queue/worker.ts'

/** The memo is the log: a step whose event is in it is not executed again. */
export async function startWorker(settings: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  return startQueueWorker(settings, notify, completedSteps)
}
