import { defaultSpawnLimits, type SubTasks } from '../../contract/engine/sub-tasks.ts'
import type { NodeSettings } from '../../contract/types/settings.ts'
import type { RedisStore } from './connection.ts'
import type { Outbox } from './outbox.ts'
import { cancelledTasks, findCancelled } from './scripts.ts'
import { acceptTask } from './task-log.ts'

/** Of a worker: a sub-task is accepted as a task of a client is, and its job is made by the outbox. */
export function openSubTasks(
  store: RedisStore,
  outbox: Outbox,
  { spawnLimits: limits = defaultSpawnLimits }: Pick<NodeSettings, 'spawnLimits'>,
): SubTasks {
  return {
    limits,
    accept: async (task) => {
      if ((await acceptTask(store, task)) === null) void outbox.add('tasks', task.taskId)
    },
    isCancelled: async (taskIds) => (await store.run<number>(findCancelled, [cancelledTasks], taskIds)) === 1,
  }
}
