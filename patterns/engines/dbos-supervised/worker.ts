import type { NodeSettings } from '../../contract/backend.ts'
import type { Notify } from '../../contract/callback.ts'
import { startWorker as startDbosWorker } from '../dbos/worker.ts'
import { supervise } from './supervisor.ts'

/** The dbos engine's executor under our supervision. Disposing drains it and says goodbye: others take over at once. */
export async function startWorker(settings: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  const worker = await startDbosWorker(settings, notify)
  const supervisor = await supervise({ ...settings, storeUrl: settings.storeUrl! }, worker.inHand)
  return {
    [Symbol.asyncDispose]: async () => {
      // It goes on beating while the worker drains: nobody may take what is still being done.
      await worker[Symbol.asyncDispose]()
      await supervisor[Symbol.asyncDispose]()
    },
  }
}
