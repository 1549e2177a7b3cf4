import { runMigrations } from 'bullmq'
import pg from 'pg'
import { connectionOptions, type Store, untilReached } from '../_postgres/store.ts'
import type { StoreTiming } from '../postgres/timeouts.ts'

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

create table if not exists event (
  task_id text not null references task,
  seq int not null,
  -- the run in which it was written; 0: by the API
  epoch int not null,
  body jsonb not null,
  primary key (task_id, seq)
);
`

/** Arbitrary, ours: whoever starts first creates the tables, the others wait for it. */
const lock = 7_305_211_910

/** Create what is missing, the queue's tables and ours. Safe to call from many processes at once. */
export async function prepareDatabase(store: Store, url: string, timing: StoreTiming): Promise<void> {
  await store.script(`select pg_advisory_xact_lock(${lock}); ${tables}`)
  const retry = { patienceMs: Infinity, retryCapMs: timing.storeRetryCapMs }
  await untilReached(() => migrateQueue(url, timing), retry, new AbortController().signal)
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
