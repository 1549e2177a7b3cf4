import type { Backend, NodeSettings } from '../../contract/engine/backend.ts'
import { openJournalBackend } from '../postgres/backend.ts'
import { insertWithJob } from './task-log.ts'
import { prepareDatabase } from './schema.ts'
import { timingOf } from '../_bullmq/timeouts.ts'

/** The API's side: logs as in the postgres engine, and a job with every task. It needs no client of the queue. */
export async function openBackend(settings: NodeSettings): Promise<Backend> {
  const timing = timingOf(settings)
  return openJournalBackend(settings, {
    timing,
    prepare: (store) => prepareDatabase(store, settings.storeUrl!, timing),
    insert: insertWithJob(settings),
  })
}
