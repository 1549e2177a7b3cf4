import type { Backend } from '../../contract/engine/backend.ts'
import type { NodeSettings } from '../../contract/types/settings.ts'
import { openLogBackend } from '../_postgres/backend.ts'
import { timingOf } from '../_bullmq/declaration.ts'
import { createSchema, insertWithJob } from './task-log.ts'

/** The API's side: a job is written with every task. It needs no client of the queue. */
export async function openBackend(settings: NodeSettings): Promise<Backend> {
  const timing = timingOf(settings)
  return openLogBackend(settings, {
    timing,
    create: (store) => createSchema(store, settings.storeUrl!, timing),
    insert: insertWithJob(settings),
  })
}
