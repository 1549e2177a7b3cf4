import { runMigrations } from 'bullmq'
import pg from 'pg'
import { retryUntilReached } from '../../contract/engine/reach.ts'
import type { StoreTiming } from '../../contract/engine/store-timeouts.ts'
import { connectionOptions, createTables, databaseRetry, type Store } from '../_postgres/store.ts'
import { eventTable } from '../_postgres/task-log.ts'

/** The queue's own tables are in the schema `bullmq`; these say what the tasks are. Columns as in the postgres engine. */
const tables = `
create table if not exists task (
  task_id text primary key,
  idempotency_key text not null unique,
  fingerprint text not null,
  -- seq of the last event: every append compares and sets it
  version int not null,
  done boolean not null default false,
  -- fencing token: grows with every run of the job, and every append names the one it was given
  epoch int not null default 0
);
${eventTable}`

/** Create what is missing, the queue's tables and ours. Safe to call from many processes at once. */
export async function createSchema(store: Store, url: string, timing: StoreTiming): Promise<void> {
  await createTables(store, 'queue', tables)
  await retryUntilReached(() => migrateQueue(url, timing), databaseRetry(timing, Infinity))
}

/** The library wants a connection of its own for it. */
async function migrateQueue(url: string, timing: StoreTiming): Promise<void> {
  const client = new pg.Client(connectionOptions(url, timing))
  client.on('error', () => {})
  try {
    await client.connect()
    await runMigrations(client)
  } finally {
    void client.end().catch(() => {})
  }
}
