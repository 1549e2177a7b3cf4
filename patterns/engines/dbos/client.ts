import { DBOSClient, Error as libraryErrors } from '@dbos-inc/dbos-sdk'
import pg from 'pg'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { retryUntilReached } from '../../contract/engine/reach.ts'
import { within } from '../../contract/engine/wakeup.ts'
import { connectionOptions, databaseRetry } from '../_postgres/store.ts'
import {
  type Accepted,
  application,
  cancellationOf,
  failuresOnly,
  queueName,
  serializer,
  workflows,
} from './protocol.ts'
import type { DbosTiming } from './timeouts.ts'

/** The library's client, for tasks. Every call may be repeated, and is while the database is out of reach. */
export interface TaskClient extends AsyncDisposable {
  /** Enqueue the workflow of this id, once. False: it was known before. Resolves when it is on disk. */
  start(taskId: string, accepted: Accepted): Promise<boolean>
  /** Resolves when the request is on disk; the task has ended by then, or a worker is going to end it. */
  cancel(taskId: string, owesCallback: boolean): Promise<void>
}

export interface ClientOptions {
  readonly node: string
  readonly storeUrl: string
  readonly timing: DbosTiming
  readonly patienceMs: number
}

export async function openTaskClient({ node, storeUrl, timing, patienceMs }: ClientOptions): Promise<TaskClient> {
  const pool = openPool(storeUrl, timing)
  const client = await DBOSClient.create({
    systemDatabaseUrl: storeUrl,
    systemDatabasePool: pool,
    serializer,
    applicationName: application.name,
    logger: failuresOnly(node),
  })
  const closing = new AbortController()
  const retry = databaseRetry(timing, patienceMs, closing.signal)
  const enqueue = (workflowName: string, workflowID: string, ...input: unknown[]): Promise<boolean> =>
    retryUntilReached(() => enqueueOnce(pool, client, { workflowName, workflowID }, input), retry)
  return {
    start: (taskId, accepted) => withFaultPoints('dbos.start', () => enqueue(workflows.task, taskId, accepted)),
    cancel: async (taskId, owesCallback) => {
      // The request is recorded first and outlives this process. Carrying it out needs no caller to wait.
      const intend = () => enqueue(workflows.cancellation, cancellationOf(taskId), taskId, owesCallback)
      await withFaultPoints('dbos.cancel', intend)
      await within(patienceMs, client.cancelWorkflow(taskId)).catch(() => {})
    },
    [Symbol.asyncDispose]: async () => {
      closing.abort(new Error('the client was closed'))
      await client.destroy()
      await pool.end()
    },
  }
}

function openPool(storeUrl: string, timing: DbosTiming): pg.Pool {
  const pool = new pg.Pool({ ...connectionOptions(storeUrl, timing), max: 8 })
  pool.on('error', () => {})
  // Also while a caller has it: the next query on it fails, and that caller learns of the error.
  pool.on('connect', (connection) => connection.on('error', () => {}))
  return pool
}

/**
 * In a transaction of ours: the client's own `enqueue` repeats itself for ever with pauses of up to a minute, and puts
 * connections that no longer answer back into the pool. False: the id was in use.
 */
async function enqueueOnce(
  pool: pg.Pool,
  client: DBOSClient,
  workflow: { readonly workflowName: string; readonly workflowID: string },
  input: readonly unknown[],
): Promise<boolean> {
  const connection = await pool.connect()
  const options = { ...workflow, queueName, appVersion: application.version, workflowIDReusePolicy: 'reject' } as const
  let broken = true
  try {
    await connection.query('begin')
    const isNew = await client.enqueueInTransaction(connection, options, ...input).then(() => true, orInUse)
    await connection.query(isNew ? 'commit' : 'rollback')
    broken = false
    return isNew
  } finally {
    connection.release(broken)
  }
}

function orInUse(error: unknown): false {
  if (libraryErrors.isWorkflowIDInUseError(error)) return false
  throw error
}
