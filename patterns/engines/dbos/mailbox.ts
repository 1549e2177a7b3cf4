import { EventEmitter } from 'node:events'
import { batching } from '../../contract/engine/batch.ts'
import { commandedEvent } from '../../contract/engine/log.ts'
import type { StoreTiming } from '../../contract/engine/store-timeouts.ts'
import { Wakeup } from '../../contract/engine/wakeup.ts'
import type { Command } from '../../contract/types/command.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { isTerminal, taskStatus } from '../../contract/types/task.ts'
import { listen } from '../_postgres/listener.ts'
import type { Statement, Store } from '../_postgres/store.ts'

/** A command in a task's mailbox. */
export interface Letter {
  readonly command: Command
  /** When it was accepted, by the database's clock; ISO 8601. */
  readonly accepted_at: string
}

/** The id of a task with a new command. */
const commandChannel = 'outlast_dbos_command'

/** States of a workflow that may still go on, and of a task that has ended. */
const alive = listed(['ENQUEUED', 'PENDING'])
const ended = listed(taskStatus.options.filter(isTerminal))

/** Of the hold `h` (`_postgres/accounts.ts`). */
export const workflowHasEnded = `exists (
  select from dbos.workflow_status w where w.workflow_uuid = h.task_id and w.status not in (${alive}))`

function listed(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(', ')
}

/**
 * A command is put under the lock of the workflow's row. The library takes the same lock to record a step, to cancel and to
 * end a workflow. So the record of a task's end is what closes its mailbox: a command was there before it, for every reader,
 * or is refused. It is a function, as each of its statements sees what was committed before that began, and as no lock
 * waits for the network. The library's own messages will not do (README).
 */
export const mailboxTables = `
  create table if not exists outlast_command (
    task_id text not null,
    -- counts from 1 per task, without gaps
    ordinal int not null,
    id text not null,
    body jsonb not null,
    accepted_at timestamptz not null default clock_timestamp(),
    primary key (task_id, ordinal),
    unique (task_id, id)
  );

  create or replace function outlast_put_command(task text, given jsonb) returns text language plpgsql as $$
  declare
    workflow text;
    known jsonb;
    recorded text;
  begin
    select status into workflow from dbos.workflow_status where workflow_uuid = task for no key update;
    select body into known from outlast_command where task_id = task and id = given->>'id';
    if found then return case when known = given then 'known' else 'reused' end; end if;
    select o.output::jsonb #>> '{events,-1,status}' into recorded
    from dbos.operation_outputs o
    where o.workflow_uuid = task and o.output is not null and o.child_workflow_id is null
    order by o.function_id desc limit 1;
    if recorded in (${ended}) or workflow in (${alive}) is not true then return 'ended'; end if;
    insert into outlast_command (task_id, ordinal, id, body)
    select task, count(*) + 1, given->>'id', given from outlast_command where task_id = task;
    perform pg_notify('${commandChannel}', task);
    return 'recorded';
  end $$;`

/** What came of a command. `reused`: its id belongs to another one; `ended`: the task takes none any more. */
export type Put = 'recorded' | 'known' | 'reused' | 'ended'

const put: Statement = { name: 'put_command', text: 'select outlast_put_command($1, $2::jsonb) as put' }

/** Put a command into the mailbox of a task that exists. On disk when this resolves with `recorded` or `known`. */
export async function putCommand(store: Store, taskId: string, command: Command): Promise<Put> {
  const [row] = await store.query<{ put: Put }>(put, [taskId, JSON.stringify(command)])
  return row!.put
}

/** As SQL gives a letter; `c` is the table of commands. */
export const letterOf = `jsonb_build_object('command', c.body, 'accepted_at', c.accepted_at)`

/** The events of letters that a log has not got yet, as its next ones. */
export function commandedBy(letters: readonly Letter[], head: TaskEvent): readonly TaskEvent[] {
  const events: TaskEvent[] = []
  for (const { command, accepted_at } of letters)
    events.push(commandedEvent(events.at(-1) ?? head, command, new Date(accepted_at)))
  return events
}

/** The mailboxes of tasks, as an executor looks into them. */
export interface Mailbox {
  /** What came for a task after the first `known`, in order. Looks that coincide become one query. */
  unread(taskId: string, known: number): Promise<readonly Letter[]>
  /** From now on, until disposed of. */
  watch(taskId: string): Watch
}

export interface Watch extends Disposable {
  /** Until there may be news since the last wait, and for a poll at most. Rejects with the signal's reason. */
  untilNews(stop: AbortSignal): Promise<void>
}

const readUnread: Statement = {
  name: 'read_unread',
  text: `
    select asked.task_id, asked.known, array_agg(${letterOf} order by c.ordinal) as letters
    from unnest($1::text[], $2::int[]) as asked(task_id, known)
    join outlast_command c on c.task_id = asked.task_id and c.ordinal > asked.known
    group by asked.task_id, asked.known`,
}

interface MailboxPlace {
  readonly store: Store
  readonly storeUrl: string
  readonly timing: StoreTiming
}

/** Notifications say where to look, and polls make up for those that never came. */
export function openMailbox({ store, storeUrl, timing }: MailboxPlace): Mailbox & AsyncDisposable {
  const news = new EventEmitter().setMaxListeners(0)
  const listener = listen({
    url: storeUrl,
    timing,
    channels: [commandChannel],
    onNotification: (_channel, taskId) => news.emit(taskId),
    onUp: () => news.eventNames().forEach((taskId) => news.emit(taskId)),
  })
  return {
    unread: unreadReader(store),
    watch: (taskId) => {
      const wakeup = new Wakeup()
      const wake = (): void => wakeup.notify()
      news.on(taskId, wake)
      return {
        untilNews: (stop) => wakeup.wait(timing.claimPollMs, stop),
        [Symbol.dispose]: () => void news.off(taskId, wake),
      }
    },
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  }
}

/** Looks that coincide are one query. */
export function unreadReader(store: Pick<Store, 'query'>): Mailbox['unread'] {
  type Asked = { readonly taskId: string; readonly known: number }
  type Row = { readonly task_id: string; readonly known: number; readonly letters: readonly Letter[] }
  const keyOf = (taskId: string, known: number): string => `${taskId}/${known}`
  const read = batching(async (asked: readonly Asked[]) => {
    // A run that was taken from this process may ask beside the one that took it.
    const distinct = [...new Map(asked.map((one) => [keyOf(one.taskId, one.known), one])).values()]
    const values = [distinct.map(({ taskId }) => taskId), distinct.map(({ known }) => known)]
    const rows = await store.query<Row>(readUnread, values)
    const found = new Map(rows.map(({ task_id, known, letters }) => [keyOf(task_id, known), letters]))
    return asked.map(({ taskId, known }) => found.get(keyOf(taskId, known)) ?? [])
  }, 500)
  return (taskId, known) => read({ taskId, known })
}
