import { DBOS } from '@dbos-inc/dbos-sdk'
import { Agent } from 'undici'
import type { NodeSettings } from '../../contract/engine/backend.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { answerHealth } from '../../contract/engine/health.ts'
import { foldEvents, requestOf } from '../../contract/engine/log.ts'
import { openStore, type Store } from '../_postgres/store.ts'
import { announcing } from './announcements.ts'
import { libraryUrl, prepareDatabase } from './database.ts'
import { journalReader } from './journal.ts'
import { application, failuresOnly, serializer } from './protocol.ts'
import { type DbosTiming, timingOf } from './timeouts.ts'
import { registerWorkflows, type WorkflowParts } from './workflow.ts'

/** What looks after an executor from before its first claim until after its last; `inHand`: its workflows, by run. */
export type Watch = (inHand: ReadonlyMap<string, string>) => Promise<AsyncDisposable>

/**
 * An executor of the library, named as its node: when that comes back under its name, it recovers what it had. Disposing
 * takes nothing more, and gives what is in hand a moment to end; the rest stays with this name.
 */
export async function startWorker(settings: NodeSettings, notify: Notify, watch?: Watch): Promise<AsyncDisposable> {
  const { storeUrl, toolsUrl, node, timeScale } = settings
  if (!storeUrl || !toolsUrl) throw new Error('the dbos engine needs OUTLAST_STORE_URL and OUTLAST_TOOLS_URL')
  const timing = timingOf(settings)
  await prepareDatabase({ node, storeUrl, timing }, Infinity)
  // Not disposed where the start fails: the process ends then, also when no database answers.
  const stack = new AsyncDisposableStack()
  const store = stack.use(openStore({ url: storeUrl, timing, connections: 2, patienceMs: Infinity }))
  const dispatcher = stack.adopt(openAgent(timing), (agent) => agent.destroy())
  const place = { node, toolsUrl, dispatcher, timeScale, timing }
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
  if (watch) stack.use(await watch(inHand))
  // It claims from here on.
  await DBOS.launch()
  stack.defer(() => DBOS.shutdown({ workflowCompletionTimeoutMS: timing.drainMs }))
  stack.adopt(await answerHealth(settings), async (health) => void health.close())
  return stack
}

function openAgent({ connectTimeoutMs }: DbosTiming): Agent {
  return new Agent({ connections: 128, connect: { timeout: Math.max(1000, connectTimeoutMs) } })
}

function posting(store: Store, notify: Notify): WorkflowParts['post'] {
  const readJournal = journalReader(store)
  return async (taskId, earlier) => {
    const { events } = (await readJournal(taskId))!
    return notify({ task: foldEvents(events), url: requestOf(events).delivery!.webhook_url, earlier })
  }
}
