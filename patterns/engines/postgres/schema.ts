import { createTables, type Store } from '../_postgres/store.ts'
import { cancelledTable } from '../_postgres/sub-tasks.ts'
import { eventTable, insertTask } from '../_postgres/task-log.ts'

/** A task waits for a worker. */
export const readyChannel = 'outlast_ready'

/** A new task: workers hear of it. */
export const accept = insertTask('accept', `pg_notify('${readyChannel}', '')`)

/**
 * The journal. `event` is the truth, `task` is what must be unique or locked about it.
 * A worker's lease is one row, whatever it owns: renewing it is one update, and deleting it (when it ends in good order,
 * or when others find it expired) frees all that it owned through the foreign keys.
 */
const tables = `
create table if not exists worker (
  worker_id uuid primary key,
  node text not null,
  lease_until timestamptz not null
);

create table if not exists task (
  task_id text primary key,
  idempotency_key text not null unique,
  fingerprint text not null,
  accepted_at timestamptz not null default clock_timestamp(),
  -- seq of the last event: every append compares and sets it
  version int not null,
  done boolean not null default false,
  owner uuid references worker on delete set null,
  -- fencing token: grows with every claim, and every append names the one it was given
  epoch int not null default 0,
  -- which of its owner's claims it was
  claimed_in bigint not null default 0
);
create index if not exists task_waiting on task (accepted_at) where owner is null and not done;
create index if not exists task_owned on task (owner) where owner is not null;

${eventTable}${cancelledTable}
-- the callbacks of ended tasks: what is owed, and what was done about it
create table if not exists outbox (
  task_id text primary key references task,
  status text not null default 'pending',
  -- of the next attempt; null when there will be none
  due_at timestamptz default now(),
  -- one attempt beside the schedule is requested
  replay boolean not null default false,
  -- one record each, in order
  attempts jsonb not null default '[]',
  -- who is making an attempt: as in task
  owner uuid references worker on delete set null,
  epoch int not null default 0,
  taken_in bigint not null default 0
);
create index if not exists outbox_owned on outbox (owner) where owner is not null;
create index if not exists outbox_due on outbox (due_at nulls first) where owner is null and (replay or due_at is not null);

-- endpoints that answered 410, and have accepted nothing since
create table if not exists gone_endpoint (
  url text primary key
);
`

export function createSchema(store: Store): Promise<void> {
  return createTables(store, 'postgres', tables)
}
