import type { NodeSettings } from '../../contract/engine/backend.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { completedSteps } from '../../contract/engine/log.ts'
import { startQueueWorker } from '../queue/worker.ts'

/** The memo is the log: a step whose event is in it is not executed again. */
export async function startWorker(settings: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  return startQueueWorker(settings, notify, completedSteps)
}
