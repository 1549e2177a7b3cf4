import { DBOS } from '@dbos-inc/dbos-sdk'
import { withAddresses } from '../../contract/engine/addresses.ts'
import type { NodeSettings } from '../../contract/types/settings.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { answerHealth } from '../../contract/engine/health.ts'
import { foldEvents, requestOf } from '../../contract/types/fold.ts'
import { openWorkplace } from '../../contract/engine/workplace.ts'
import { openStore, type Store } from '../_postgres/store.ts'
import { announcing } from './announcements.ts'
import { libraryUrl, prepareDatabase } from './database.ts'
import { supervised } from './engine.ts'
import { journalReader } from './journal.ts'
import { application, failuresOnly, serializer } from './protocol.ts'
import { supervise } from './supervisor.ts'
import { timingOf } from './timeouts.ts'
import { registerWorkflows, type WorkflowParts } from './workflow.ts'

/**
 * An executor of the library, named as its node: when that comes back under its name, it recovers what it had. Disposing
 * takes nothing more, and gives what is in hand a moment to end; the rest stays with this name. The supervised variant beats
 * from before its first claim until after its last, so that no other one takes what it has.
 */
export async function startWorker(own: NodeSettings, notify: Notify): Promise<AsyncDisposable> {
  const settings = withAddresses(own, 'storeUrl', 'toolsUrl')
  const { storeUrl, node } = settings
  const timing = timingOf(settings)
  await prepareDatabase({ node, storeUrl, timing }, Infinity)
  // Not disposed where the start fails: the process ends then, also when no database answers.
  const stack = new AsyncDisposableStack()
  const store = stack.use(openStore({ url: storeUrl, timing, connections: 2, patienceMs: Infinity }))
  const place = openWorkplace(settings, timing, 128)
  stack.defer(() => place.dispatcher.destroy())
  const inHand = new Map<string, string>()
  registerWorkflows({ place, inHand, announce: announcing(store), post: posting(store, notify) })
  DBOS.setConfig({
    name: application.name,
    applicationVersion: application.version,
    executorID: node,
    systemDatabaseUrl: libraryUrl({ storeUrl, timing }),
    serializer,
    logger: failuresOnly(node),
    // They have run, one process at a time.
    runMigrations: false,
  })
  if (settings.engine === supervised.name) stack.use(await supervise(settings, inHand))
  // It claims from here on.
  await DBOS.launch()
  stack.defer(() => DBOS.shutdown({ workflowCompletionTimeoutMS: timing.drainMs }))
  stack.adopt(await answerHealth(settings), async (health) => void health.close())
  return stack
}

function posting(store: Store, notify: Notify): WorkflowParts['post'] {
  const readJournal = journalReader(store)
  return async (taskId, earlier) => {
    const { events } = (await readJournal(taskId))!
    return notify({ task: foldEvents(events), url: requestOf(events).delivery!.webhook_url, earlier })
  }
}
