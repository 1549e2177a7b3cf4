import type { Deliveries } from '../../contract/engine/backend.ts'
import type { TaskRecord } from './record.ts'

/** What callbacks came to, as long as the process lives. */
export function deliveriesOf(records: ReadonlyMap<string, TaskRecord>): Deliveries {
  return {
    ofTask: async (taskId) => {
      const record = records.get(taskId)
      return record && (record.owed ? [record.owed.delivery] : [])
    },
    list: async ({ status, after, most }) =>
      [...records.values()]
        .flatMap(({ owed }) => owed?.delivery ?? [])
        .filter((delivery) => delivery.task_id > after && (status === undefined || delivery.status === status))
        .toSorted((a, b) => (a.task_id < b.task_id ? -1 : 1))
        .slice(0, most),
    replay: async (taskId) => {
      const owed = records.get(taskId)?.owed
      owed?.replay()
      return owed !== undefined
    },
  }
}
