import { batching } from '../../contract/engine/batch.ts'
import type { Statement, Store } from '../_postgres/store.ts'

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
