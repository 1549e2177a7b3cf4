import type { Backend } from '../../contract/engine/backend.ts'
import type { NodeSettings } from '../../contract/types/settings.ts'
import { openLogBackend } from '../_postgres/backend.ts'
import { insertTask } from '../_postgres/task-log.ts'
import { openDeliveries } from './deliveries.ts'
import { createSchema, readyChannel } from './schema.ts'
import { timingOf } from './timeouts.ts'

const accept = insertTask('accept', `pg_notify('${readyChannel}', '')`)

/** The API's side. Workers claim what it has accepted. */
export async function openBackend(settings: NodeSettings): Promise<Backend> {
  const timing = timingOf(settings)
  return openLogBackend(settings, { timing, create: createSchema, insert: accept, deliveries: openDeliveries })
}
