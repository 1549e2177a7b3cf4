import type { TaskEvent } from '../../contract/types/events.ts'
import { commandsIn } from '../../contract/engine/commands.ts'
import { atEnd, controlOf } from '../../contract/engine/control.ts'
import { cancelledEvent, cancelRequestedEvent, failedEvent, rejectedEvent } from '../../contract/engine/log.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { batching } from '../../contract/engine/batch.ts'
import type { NewsReader } from '../../contract/engine/feed.ts'
import type { Statement, Store } from '../_postgres/store.ts'
import { commandedBy, type Letter, letterOf } from './mailbox.ts'
import { type Accepted, type Advance, workflows } from './protocol.ts'

/** A task as the tables hold it: input, recorded steps in order, status, commands. One statement, so one moment. */
const readWorkflows: Statement = {
  name: 'read_workflows',
  text: `
    select t.workflow_uuid as task_id, t.status, i.inputs as input,
      array(
        select o.output from dbos.operation_outputs o
        where o.workflow_uuid = t.workflow_uuid and o.output is not null and o.child_workflow_id is null
        order by o.function_id
      ) as outputs,
      array(
        select ${letterOf} from outlast_command c where c.task_id = t.workflow_uuid order by c.ordinal
      ) as letters,
      coalesce(case when t.status = 'CANCELLED' then c.created_at end, t.completed_at, t.updated_at) as ended_at
    from dbos.workflow_status t
    join dbos.workflow_input i on i.workflow_uuid = t.workflow_uuid
    left join dbos.workflow_status c on c.workflow_uuid = t.workflow_uuid || '/cancellation'
    where t.workflow_uuid = any($1::text[]) and t.name = '${workflows.task}'`,
}

export interface WorkflowRow {
  readonly task_id: string
  readonly status: string
  readonly input: string
  readonly outputs: readonly string[]
  /** All that its mailbox has ever had, in order. */
  readonly letters: readonly Letter[]
  /** Milliseconds since 1970; means something only where the library itself has ended the workflow. */
  readonly ended_at: string
}

export interface Journal {
  readonly accepted: Accepted
  readonly events: readonly TaskEvent[]
}

type Log = readonly TaskEvent[]

/**
 * A task's log: what was accepted, what every recorded step has added, and the end where no step was asked for it. Commands
 * that nobody has read before the end are answered there. None comes later (`mailbox.ts`), so that the log stays as it is.
 */
export function journalOf(row: WorkflowRow): Journal {
  const [accepted] = JSON.parse(row.input) as [Accepted]
  const recorded = row.outputs.flatMap((output) => (JSON.parse(output) as Advance).events)
  const log = [accepted.created, ...recorded]
  const end = endOf(log, row)
  return { accepted, events: end ? close(log.slice(0, end.after), row.letters, end) : log }
}

/** How a log ends: after so many of its events. */
interface End {
  readonly after: number
  readonly time: Date
  /** The end was asked for, which is on record before the commands are answered. */
  readonly cancelled: boolean
  readonly last: (head: TaskEvent) => TaskEvent
}

/**
 * Of what a step has recorded, as a sub-task does whose family is cancelled, or of what the library did outside of steps: it
 * lets none be recorded any more.
 */
function endOf(log: Log, { status, ended_at }: WorkflowRow): End | undefined {
  const head = log.at(-1)!
  if (log.at(-2)?.type === 'task.cancel_requested') {
    const time = new Date(head.time)
    return { after: log.length - 2, time, cancelled: true, last: (at) => cancelledEvent(at, time) }
  }
  if (isTerminal(head.status)) {
    const last = ({ seq }: TaskEvent): TaskEvent => ({ ...head, seq: seq + 1 })
    return { after: log.length - 1, time: new Date(head.time), cancelled: false, last }
  }
  const outside = { after: log.length, time: new Date(Number(ended_at)), cancelled: status === 'CANCELLED' }
  if (outside.cancelled) return { ...outside, last: (at) => cancelledEvent(at, outside.time) }
  const reason = failures.get(status)
  if (reason === undefined) return undefined
  const fail = head.status === 'queued' ? rejectedEvent : failedEvent
  return { ...outside, last: (at) => fail(at, reason, outside.time) }
}

function close(log: Log, letters: readonly Letter[], { time, cancelled, last }: End): Log {
  const unread = commandedBy(letters.slice(commandsIn(log).length), log.at(-1)!)
  const asked = [...log, ...unread]
  const requested = cancelled ? [...asked, cancelRequestedEvent(asked.at(-1)!, time)] : asked
  const answers = unread.length > 0 ? atEnd(controlOf(requested), requested.at(-1)!, time) : []
  const answered = [...requested, ...answers]
  return [...answered, last(answered.at(-1)!)]
}

const failures: ReadonlyMap<string, string> = new Map([
  ['ERROR', 'the workflow failed'],
  ['MAX_RECOVERY_ATTEMPTS_EXCEEDED', 'the workflow was recovered too often'],
])

/** A task's journal, or undefined when there is no such task. Reads that coincide become one query. */
export function journalReader(store: Store): (taskId: string) => Promise<Journal | undefined> {
  return batching(async (ids: readonly string[]) => {
    const journals = await readJournals(store, [...new Set(ids)])
    return ids.map((id) => journals.get(id))
  }, 500)
}

export function newsReader(store: Store): NewsReader {
  return async (asked) => {
    const seqs = new Map(asked.map(({ taskId, seq }) => [taskId, seq]))
    const journals = await readJournals(store, [...seqs.keys()])
    return new Map([...journals].map(([taskId, { events }]) => [taskId, newsOf(events, seqs.get(taskId)!)]))
  }
}

function newsOf(events: readonly TaskEvent[], seq: number) {
  return { version: events.length, done: isTerminal(events.at(-1)!.status), events: events.slice(seq) }
}

async function readJournals(store: Store, taskIds: readonly string[]): Promise<ReadonlyMap<string, Journal>> {
  const rows = await store.query<WorkflowRow>(readWorkflows, [taskIds])
  return new Map(rows.map((row) => [row.task_id, journalOf(row)]))
}

/** Its notifications are ids of tasks with news, separated by commas. */
export const newsChannel = 'outlast_dbos_news'

const announce: Statement = { name: 'announce', text: `select pg_notify('${newsChannel}', $1)` }

/**
 * Tells followers where to look: the library sends no notification of recorded steps. It is a hint that may be lost, so no
 * caller waits for it. Hints that coincide go together: a hundred ids stay under a notification's 8000 bytes.
 */
export function announcing(store: Store): (taskId: string) => void {
  const tell = batching(async (taskIds: readonly string[]) => {
    await store.query(announce, [[...new Set(taskIds)].join(',')])
    return taskIds
  }, 100)
  return (taskId) => void tell(taskId).catch(() => {})
}
