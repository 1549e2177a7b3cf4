import type { TaskEvent } from '../../contract/types/events.ts'
import { cancelledEvent, cancelRequestedEvent, failedEvent, rejectedEvent } from '../../contract/engine/log.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { batching } from '../../contract/engine/batch.ts'
import type { NewsReader } from '../../contract/engine/feed.ts'
import type { Statement, Store } from '../_postgres/store.ts'
import { type Accepted, type Advance, workflows } from './protocol.ts'

/** A task as the library's tables hold it: input, recorded steps in order, status. One statement, so one moment. */
const readWorkflows: Statement = {
  name: 'read_workflows',
  text: `
    select t.workflow_uuid as task_id, t.status, i.inputs as input,
      array(
        select o.output from dbos.operation_outputs o
        where o.workflow_uuid = t.workflow_uuid and o.output is not null and o.child_workflow_id is null
        order by o.function_id
      ) as outputs,
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
  /** Milliseconds since 1970; means something only where the library itself has ended the workflow. */
  readonly ended_at: string
}

export interface Journal {
  readonly accepted: Accepted
  readonly events: readonly TaskEvent[]
}

/** A task's log: what was accepted, what every recorded step has added, and the end where no step was asked for it. */
export function journalOf(row: WorkflowRow): Journal {
  const [accepted] = JSON.parse(row.input) as [Accepted]
  const recorded = row.outputs.flatMap((output) => (JSON.parse(output) as Advance).events)
  const events = [accepted.created, ...recorded]
  return { accepted, events: [...events, ...endedOutside(events.at(-1)!, row)] }
}

/** After a cancellation the library lets no step be recorded any more, so these events are the last for good. */
function endedOutside(head: TaskEvent, { status, ended_at }: WorkflowRow): readonly TaskEvent[] {
  if (isTerminal(head.status)) return []
  const time = new Date(Number(ended_at))
  if (status === 'CANCELLED') {
    const requested = cancelRequestedEvent(head, time)
    return [requested, cancelledEvent(requested, time)]
  }
  const reason = failures.get(status)
  if (reason === undefined) return []
  return [head.status === 'queued' ? rejectedEvent(head, reason, time) : failedEvent(head, reason, time)]
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
