import { batching } from '../../contract/engine/batch.ts'
import type { Statement, Store } from '../_postgres/store.ts'

/** The channel on which ids of tasks with news are told, separated by commas. */
export const newsChannel = 'outlast_dbos_news'

const announce: Statement = { name: 'announce', text: `select pg_notify('${newsChannel}', $1)` }

/**
 * Tells followers where to look: the library notifies nobody of recorded steps. A hint that may be lost, so that nobody
 * waits for it; those that coincide go together, and a hundred ids stay under a notification's 8000 bytes.
 */
export function announcing(store: Store): (taskId: string) => void {
  const tell = batching(async (taskIds: readonly string[]) => {
    await store.query(announce, [[...new Set(taskIds)].join(',')])
    return taskIds
  }, 100)
  return (taskId) => void tell(taskId).catch(() => {})
}
