import type { NodeSettings } from '../../contract/engine/backend.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { startWorker as startDbosWorker } from '../dbos/worker.ts'
import { supervise } from '../dbos/supervisor.ts'

/**
 * The dbos engine's executor under our supervision: it beats before it claims anything and while it drains, so that nobody
 * takes what it has. Disposing drains it and says goodbye: others take over at once.
 */
export async function startWorker(settings: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  return startDbosWorker(settings, notify, (inHand) => supervise({ ...settings, storeUrl: settings.storeUrl! }, inHand))
}
