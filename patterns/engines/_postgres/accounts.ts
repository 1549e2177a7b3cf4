import pg from 'pg'
import type { AccountStore, Charge, NamedBucket } from '../../contract/engine/accounts.ts'
import { batching } from '../../contract/engine/batch.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import type { Balance, Balances } from '../../contract/types/account.ts'
import { createTables, type Statement, type Store } from './store.ts'

/**
 * What is held and what is spent is a row per step, under the key of the step: a repetition finds it. Who takes from a balance
 * holds the lock of its row, so that two workers never see the same credits. They are functions, as each of their statements
 * sees what was committed before that began: a single one would not see what it had waited for.
 */
const tables = `
create table if not exists account (
  principal text primary key,
  -- neither held nor spent; the check is for defects of ours
  credits bigint not null check (credits >= 0)
);
create table if not exists hold (
  task_id text not null,
  step int not null,
  principal text not null references account,
  credits bigint not null,
  paid boolean not null default false,
  primary key (task_id, step)
);
create index if not exists hold_of_principal on hold (principal, paid);
create table if not exists top_up (
  principal text not null references account,
  id text not null,
  credits bigint not null,
  primary key (principal, id)
);
create table if not exists tool_bucket (
  name text primary key,
  tokens float8 not null,
  at timestamptz not null
);

create or replace function outlast_hold(task text, nth int, whose text, cost bigint) returns boolean language plpgsql as $$
declare
  available bigint;
begin
  select credits into available from account where principal = whose for update;
  if not found or exists (select from hold where task_id = task and step = nth) then return true; end if;
  if available < cost then available := available + outlast_take_back(whose); end if;
  if available < cost then return false; end if;
  insert into hold (task_id, step, principal, credits) values (task, nth, whose, cost);
  update account set credits = credits - cost where principal = whose;
  return true;
end $$;

create or replace function outlast_pay(task text, nth int, whose text) returns boolean language plpgsql as $$
begin
  update hold set paid = true where task_id = task and step = nth;
  return found or not exists (select from account where principal = whose);
end $$;

create or replace function outlast_top_up(whose text, given text, amount bigint) returns text language plpgsql as $$
declare
  known bigint;
begin
  perform from account where principal = whose for update;
  if not found then return 'unknown'; end if;
  select credits into known from top_up where principal = whose and id = given;
  if found then return case when known = amount then 'known' else 'reused' end; end if;
  insert into top_up (principal, id, credits) values (whose, given, amount);
  update account set credits = credits + amount where principal = whose;
  return 'made';
end $$;

-- Milliseconds until each of the buckets has a token; 0: it was taken from each. Their locks are taken in the order of names.
create or replace function outlast_take(names text[], per_second float8[], bursts float8[]) returns float8
language plpgsql as $$
declare
  asked_at timestamptz;
  wait_ms float8;
begin
  insert into tool_bucket (name, tokens, at)
  select b.name, b.burst, clock_timestamp() from unnest(names, bursts) as b(name, burst) order by b.name
  on conflict do nothing;
  perform from tool_bucket where name = any(names) order by name for update;
  asked_at := clock_timestamp();
  update tool_bucket t
  set tokens = least(b.burst, t.tokens + b.rate * greatest(0, extract(epoch from asked_at - t.at))),
    at = greatest(t.at, asked_at)
  from unnest(names, per_second, bursts) as b(name, rate, burst) where b.name = t.name;
  select max(greatest(0, 1 - t.tokens) / b.rate) * 1000 into wait_ms
  from tool_bucket t join unnest(names, per_second) as b(name, rate) using (name);
  if wait_ms = 0 then update tool_bucket set tokens = tokens - 1 where name = any(names); end if;
  return wait_ms;
end $$;
`

/** What ended tasks hold comes back to this balance, which is locked; as much as this. `hasEnded` is SQL about the task of `h`. */
function takeBack(hasEnded: string): string {
  return `
create or replace function outlast_take_back(whose text) returns bigint language plpgsql as $$
declare
  returned bigint;
begin
  with ended as (
    select task_id, step from hold h where principal = whose and not paid and ${hasEnded} order by task_id, step for update
  ), gone as (delete from hold using ended where hold.task_id = ended.task_id and hold.step = ended.step returning credits)
  select coalesce(sum(credits), 0) into returned from gone;
  if returned > 0 then update account set credits = credits + returned where principal = whose; end if;
  return returned;
end $$;`
}

const hold: Statement = {
  name: 'hold',
  text: `
    select task_id, step, outlast_hold(task_id, step, principal, credits) as held
    from (
      select * from unnest($1::text[], $2::int[], $3::text[], $4::bigint[]) with ordinality
        as charge(task_id, step, principal, credits, place)
      order by principal, place
    ) as in_order`,
}

/** All that lock several rows of a table do so in one order: no two wait for each other. */
const pay: Statement = {
  name: 'pay',
  text: `
    select task_id, step, outlast_pay(task_id, step, principal) as paid
    from (
      select * from unnest($1::text[], $2::int[], $3::text[]) as charge(task_id, step, principal)
      order by principal, task_id, step
    ) as in_order`,
}

const take: Statement = {
  name: 'take',
  text: `
    select place, outlast_take(names, rates, bursts) as wait_ms
    from (
      select place, array_agg(name order by name) as names, array_agg(rate order by name) as rates,
        array_agg(burst order by name) as bursts
      from unnest($1::int[], $2::text[], $3::float8[], $4::float8[]) as bucket(place, name, rate, burst)
      group by place order by names, place
    ) as in_order`,
}

const topUp: Statement = { name: 'top_up', text: 'select outlast_top_up($1, $2, $3) as outcome' }

/** The row's lock comes first: what is read is what comes back, too. */
const takeBackAll: Statement = {
  name: 'take_back',
  text: 'select outlast_take_back(principal) from (select principal from account where principal = $1 for update) as one',
}

const readBalance: Statement = {
  name: 'read_balance',
  text: `
    select principal, credits::float8 as credits,
      (select coalesce(sum(credits), 0)::float8 from hold h where h.principal = a.principal and not paid) as held,
      (select coalesce(sum(credits), 0)::float8 from hold h where h.principal = a.principal and paid) as spent
    from account a where principal = $1`,
}

/**
 * Creates the tables, and what principals have to begin with: once, whoever comes again. `hasEnded` says in SQL whether the
 * task of the hold `h` has ended.
 */
export async function openAccountStore(store: Store, balances: Balances, hasEnded: string): Promise<AccountStore> {
  const given = Object.entries(balances).map(([principal, credits]) => `(${pg.escapeLiteral(principal)}, ${credits})`)
  const insert =
    given.length > 0
      ? `insert into account (principal, credits) values ${given.join(', ')} on conflict do nothing;`
      : ''
  await createTables(store, 'accounts', `${takeBack(hasEnded)} ${tables} ${insert}`)
  return {
    hold: batching((charges) => withFaultPoints('accounts.hold', () => holdAll(store, charges)), most),
    pay: batching((charges) => withFaultPoints('accounts.pay', () => payAll(store, charges)), most),
    take: batching((asked) => withFaultPoints('accounts.take', () => takeAll(store, asked)), most),
    read: async (principal) => {
      await withFaultPoints('accounts.take-back', () => store.query(takeBackAll, [principal]))
      return (await store.query<Balance>(readBalance, [principal]))[0]
    },
    topUp: async (principal, { id, credits }) => {
      type Row = { outcome: Awaited<ReturnType<AccountStore['topUp']>> }
      const act = () => store.query<Row>(topUp, [principal, id, credits])
      return (await withFaultPoints('accounts.top-up', act))[0]!.outcome
    },
  }
}

/** Steps that begin at the same time share a transaction, and its wait for the disk. */
const most = 100

async function holdAll(store: Store, charges: readonly Charge[]): Promise<readonly boolean[]> {
  const columns = (['taskId', 'step', 'principal', 'credits'] as const).map((name) => charges.map((one) => one[name]))
  const rows = await store.query<StepRow & { held: boolean }>(hold, columns)
  return charges.map(isAmong(rows.filter(({ held }) => held)))
}

async function payAll(store: Store, charges: readonly Charge[]): Promise<readonly boolean[]> {
  const columns = (['taskId', 'step', 'principal'] as const).map((name) => charges.map((one) => one[name]))
  const rows = await store.query<StepRow & { paid: boolean }>(pay, columns)
  return charges.map(isAmong(rows.filter(({ paid }) => paid)))
}

interface StepRow {
  readonly task_id: string
  readonly step: number
}

function isAmong(rows: readonly StepRow[]): (charge: Charge) => boolean {
  const keys = new Set(rows.map(({ task_id, step }) => `${task_id}/${step}`))
  return ({ taskId, step }) => keys.has(`${taskId}/${step}`)
}

async function takeAll(store: Store, asked: readonly (readonly NamedBucket[])[]): Promise<readonly number[]> {
  const flat = asked.flatMap((buckets, place) => buckets.map((bucket) => ({ place, ...bucket })))
  const columns = [
    flat.map(({ place }) => place),
    flat.map(({ name }) => name),
    flat.map(({ rate }) => rate.perSecond),
    flat.map(({ rate }) => rate.burst),
  ]
  const rows = await store.query<{ place: number; wait_ms: number }>(take, columns)
  const waits = new Map(rows.map(({ place, wait_ms }) => [place, wait_ms]))
  return asked.map((_, place) => waits.get(place)!)
}
