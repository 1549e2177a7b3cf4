import type { Backend, Deliveries } from '../../contract/engine/backend.ts'
import type { NodeSettings } from '../../contract/types/settings.ts'
import { openLogBackend } from '../_postgres/backend.ts'
import { accept, createSchema } from './schema.ts'
import { timingOf } from './engine.ts'
import {
  deliveryId,
  type CallbackAttempt,
  type CallbackDelivery,
  type DeliveryStatus,
} from '../../contract/types/callback.ts'
import { operator } from '../../contract/types/principal.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import type { Statement, Store } from '../_postgres/store.ts'

/** The API's side. Workers claim what it has accepted. */
export async function openBackend(settings: NodeSettings): Promise<Backend> {
  const timing = timingOf(settings)
  return openLogBackend(settings, { timing, create: createSchema, insert: accept, deliveries: openDeliveries })
}

const readOfTask: Statement = {
  name: 'read_delivery',
  text: `
    select task_id, version, status, due_at, attempts
    from task left join outbox using (task_id) where task_id = $1`,
}

const readList: Statement = {
  name: 'list_deliveries',
  text: `
    select task_id, version, status, due_at, attempts
    from outbox join task using (task_id)
    where ($1::text is null or status = $1) and task_id > $2 and ($4::text is null or $4 = (
      select coalesce(body #>> '{data,principal}', '${operator}') from event e where e.task_id = task.task_id and seq = 1))
    order by task_id limit $3`,
}

const askReplay: Statement = {
  name: 'ask_replay',
  text: 'update outbox set replay = true where task_id = $1 returning task_id',
}

interface Row {
  readonly task_id: string
  readonly version: number
  /** Null, as the rest is: the task has not ended, or asks for no callback. */
  readonly status: DeliveryStatus | null
  readonly due_at: Date | null
  readonly attempts: CallbackAttempt[] | null
}

/** The API's view of the outbox. It sends nothing: the next sweep of a worker makes the attempt that is asked for. */
function openDeliveries(store: Store): Deliveries {
  return {
    ofTask: async (taskId) => {
      const [row] = await store.query<Row>(readOfTask, [taskId])
      return row && deliveriesIn(row)
    },
    list: async ({ status, principal, after, most }) =>
      (await store.query<Row>(readList, [status ?? null, after, most, principal ?? null])).flatMap(deliveriesIn),
    replay: async (taskId) => {
      const asked = await withFaultPoints('postgres.replay', () => store.query(askReplay, [taskId]))
      return asked.length > 0
    },
  }
}

function deliveriesIn({ task_id, version, status, due_at, attempts }: Row): readonly CallbackDelivery[] {
  if (status === null) return []
  const next_attempt_at = due_at?.toISOString() ?? null
  return [{ id: deliveryId(task_id, version), task_id, status, next_attempt_at, attempts: attempts ?? [] }]
}
