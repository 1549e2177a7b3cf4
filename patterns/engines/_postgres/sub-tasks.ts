import { defaultSpawnLimits, type SubTasks } from '../../contract/engine/sub-tasks.ts'
import type { NodeSettings } from '../../contract/types/settings.ts'
import type { Statement, Store } from './store.ts'

/** The id of a task that is to be cancelled. */
export const cancelChannel = 'outlast_cancel'

/** Tasks that somebody has asked to cancel: their sub-tasks look here. A log would not do, as one that has ended takes no events. */
export const cancelledTable = `
create table if not exists cancelled_task (
  task_id text primary key
);
`

const note: Statement = {
  name: 'note_cancelled',
  text: `
    with noted as (insert into cancelled_task (task_id) values ($1) on conflict do nothing)
    select pg_notify('${cancelChannel}', $1)`,
}

const find: Statement = {
  name: 'find_cancelled',
  text: 'select from cancelled_task where task_id = any($1::text[]) limit 1',
}

export async function noteCancelled(store: Store, taskId: string): Promise<void> {
  await store.query(note, [taskId])
}

/** Of a worker. How it accepts a task is its engine's own. */
export function openSubTasks(
  store: Store,
  { spawnLimits: limits = defaultSpawnLimits }: Pick<NodeSettings, 'spawnLimits'>,
): Omit<SubTasks, 'accept'> {
  return { limits, isCancelled: async (taskIds) => (await store.query(find, [taskIds])).length > 0 }
}
