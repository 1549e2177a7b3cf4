import { DBOSClient, Error as libraryErrors } from '@dbos-inc/dbos-sdk'
import pg from 'pg'
import { withAddresses, type NodeSettings } from '../../contract/types/settings.ts'
import { openAccounts, shownOf } from '../../contract/engine/accounts.ts'
import type { Backend } from '../../contract/engine/backend.ts'
import { idReused } from '../../contract/engine/commands.ts'
import { requestOf } from '../../contract/types/fold.ts'
import { backendOver, type TaskLogs } from '../../contract/engine/task-backend.ts'
import { connectLimitMs } from '../../contract/engine/workplace.ts'
import { openAccountStore } from '../_postgres/accounts.ts'
import { openListeningFeed } from '../_postgres/listener.ts'
import { openStore, connectionOptions, databaseRetry } from '../_postgres/store.ts'
import { noteCancelled } from '../_postgres/sub-tasks.ts'
import { announcing, newsChannel, journalReader, newsReader } from './journal.ts'
import { prepareDatabase } from './database.ts'
import { timingOf, type DbosTiming } from './engine.ts'
import { putCommand, workflowHasEnded } from './mailbox.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { retryUntilReached } from '../../contract/engine/reach.ts'
import { within } from '../../contract/engine/wakeup.ts'
import {
  type Accepted,
  application,
  cancellationOf,
  failuresOnly,
  queueName,
  serializer,
  workflows,
} from './protocol.ts'

/** Of a start, for the database, in real time: no client waits for it, and a busy machine takes its time. */
const startPatienceMs = 10_000

/** The API's side: it enqueues workflows and reads what workers have recorded. It needs no worker for an answer. */
export async function openBackend(settings: NodeSettings): Promise<Backend> {
  const { node, storeUrl, timeScale } = withAddresses(settings, 'storeUrl')
  const timing = timingOf(settings)
  const patienceMs = connectLimitMs(timing)
  await prepareDatabase({ node, storeUrl, timing }, startPatienceMs)
  const store = openStore({ url: storeUrl, timing, connections: 8, patienceMs })
  const accounts = await openAccounts(settings, (given) => openAccountStore(store, given, workflowHasEnded))
  const client = await openTaskClient({ node, storeUrl, timing, patienceMs })
  const readJournal = journalReader(store)
  const announce = announcing(store)
  const feed = openListeningFeed({ url: storeUrl, timing, channel: newsChannel }, newsReader(store))
  const logs: TaskLogs = {
    insert: async ({ taskId, created, fingerprint }) => {
      if (await client.start(taskId, { created, fingerprint })) return undefined
      const { accepted, events } = (await readJournal(taskId))!
      return { fingerprint: accepted.fingerprint, log: events }
    },
    read: async (taskId) => (await readJournal(taskId))?.events,
    follow: (taskId, after, signal) => feed.follow(taskId, after, signal),
    requestCancel: async (log) => {
      const taskId = log[0]!.task_id
      await client.cancel(taskId, requestOf(log).delivery !== undefined)
      announce(taskId)
      return true
    },
    requestCommand: async (log, command) => {
      const taskId = log[0]!.task_id
      const put = await withFaultPoints('dbos.command', () => putCommand(store, taskId, command))
      if (put === 'reused') throw idReused(taskId, command)
      return put === 'ended' ? 'stale' : put
    },
    cancelSubTasks: (taskId) => noteCancelled(store, taskId),
    accounts: shownOf(accounts),
    [Symbol.asyncDispose]: async () => {
      await feed[Symbol.asyncDispose]()
      await client[Symbol.asyncDispose]()
      await store[Symbol.asyncDispose]()
    },
  }
  return backendOver(logs, { timeScale })
}

/** The library's client, for tasks. Every call may be repeated, and is while the database is out of reach. */
interface TaskClient extends AsyncDisposable {
  /** Enqueue the workflow of this id, once. False: it was known before. Resolves when it is on disk. */
  start(taskId: string, accepted: Accepted): Promise<boolean>
  /** Resolves when the request is on disk; the task has ended by then, or a worker is going to end it. */
  cancel(taskId: string, owesCallback: boolean): Promise<void>
}

interface ClientOptions {
  readonly node: string
  readonly storeUrl: string
  readonly timing: DbosTiming
  readonly patienceMs: number
}

async function openTaskClient({ node, storeUrl, timing, patienceMs }: ClientOptions): Promise<TaskClient> {
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

/** In our own transaction: `enqueue` retries for ever and keeps dead connections. False: the id was in use. */
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
