import { DBOS, DBOSClient } from '@dbos-inc/dbos-sdk'
import pg from 'pg'
import { sleep } from '../../contract/types/timer.ts'
import { logFailure } from '../../contract/engine/log-error.ts'
import { retryUntilReached } from '../../contract/engine/reach.ts'
import { connectionOptions, databaseRetry } from '../_postgres/store.ts'
import { cancelledTable } from '../_postgres/sub-tasks.ts'
import { application, failuresOnly, queueName } from './protocol.ts'
import type { DbosTiming } from './engine.ts'
import { mailboxTables } from './mailbox.ts'

/** The database of a node, and how long it may take. */
export interface DatabasePlace {
  readonly node: string
  readonly storeUrl: string
  readonly timing: DbosTiming
}

const never = new AbortController().signal

/** The library's tables, ours, and our queue. After `patienceMs` it throws the problem `temporary-reduced-capacity`. */
export async function prepareDatabase(place: DatabasePlace, patienceMs: number): Promise<void> {
  let said = false
  const attempt = async (): Promise<void> => {
    try {
      await prepareAlone(place)
    } catch (error) {
      if (!said) logFailure(place.node, 'database', error)
      said = true
      throw error
    }
  }
  await retryUntilReached(attempt, databaseRetry(place.timing, patienceMs))
}

/** One process at a time: the library's migrations build indexes concurrently, and clear away half-built ones. */
async function prepareAlone(place: DatabasePlace): Promise<void> {
  const guard = new pg.Client(connectionOptions(place.storeUrl, place.timing))
  guard.on('error', () => {})
  try {
    await guard.connect()
    // Not `pg_advisory_lock`: a session that waits in it holds a snapshot, and `create index concurrently` waits for that.
    while (!(await takeLock(guard))) await sleep(50, never)
    await DBOS.migrate(libraryUrl(place))
    await guard.query(mailboxTables)
    await guard.query(cancelledTable)
    await registerQueue(place)
  } finally {
    // The lock ends with its session.
    await guard.end().catch(() => {})
  }
}

async function takeLock(guard: pg.Client): Promise<boolean> {
  const { rows } = await guard.query<{ taken: boolean }>(
    `select pg_try_advisory_lock(hashtext('outlast dbos')) as taken`,
  )
  return rows[0]!.taken
}

async function registerQueue(place: DatabasePlace): Promise<void> {
  const client = await DBOSClient.create({
    systemDatabaseUrl: libraryUrl(place),
    systemDatabasePoolSize: 1,
    applicationName: application.name,
    logger: failuresOnly(place.node),
  })
  try {
    const minPollingIntervalMs = place.timing.queuePollMs
    await client.registerQueue(queueName, { minPollingIntervalMs, applicationName: application.name })
  } finally {
    await client.destroy()
  }
}

/** The address as the library is given it: it takes its patience for a connection from there, in whole seconds. */
export function libraryUrl({ storeUrl, timing }: Pick<DatabasePlace, 'storeUrl' | 'timing'>): string {
  const url = new URL(storeUrl)
  url.searchParams.set('connect_timeout', String(Math.ceil(timing.libraryConnectMs / 1000)))
  return url.href
}
