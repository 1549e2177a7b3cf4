import pg from 'pg'
import { retryUntilReached, type RetryOptions } from '../../contract/engine/reach.ts'
import type { StoreTiming } from '../../contract/engine/store-timeouts.ts'
import { connectLimitMs } from '../../contract/engine/workplace.ts'

/** A prepared statement. Each of ours may be repeated: a repetition finds out that it was done. */
export interface Statement {
  readonly name: string
  readonly text: string
}

/** The database, however often the way to it breaks. */
export interface Store extends AsyncDisposable {
  /**
   * Rows of a statement. While the database cannot be reached it tries again: for ever, or until `patienceMs` is over,
   * and then throws the problem `temporary-reduced-capacity`. Errors that a repetition cannot cure are thrown as they are.
   */
  query<Row>(statement: Statement, values: readonly unknown[]): Promise<Row[]>
  /** Several statements without parameters, as one transaction; tries again likewise. */
  script(text: string): Promise<void>
}

/** What every connection to the database is opened with. */
export function connectionOptions(url: string, timing: StoreTiming) {
  return {
    connectionString: url,
    connectionTimeoutMillis: connectLimitMs(timing),
    // The client's own limit is what notices a link that swallows everything; the server's frees its side.
    query_timeout: timing.queryTimeoutMs,
    statement_timeout: timing.queryTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  }
}

export interface StoreOptions {
  readonly url: string
  readonly timing: StoreTiming
  readonly connections: number
  /** How long a query may wait for the database to come back; Infinity for a worker, which has nothing better to do. */
  readonly patienceMs: number
}

export function openStore({ url, timing, connections, patienceMs }: StoreOptions): Store {
  const pool = new pg.Pool({ ...connectionOptions(url, timing), max: connections })
  // A connection that breaks while idle is replaced when it is needed.
  pool.on('error', () => {})
  const closing = new AbortController()
  const options = databaseRetry(timing, patienceMs, closing.signal)
  return {
    query: async <Row>({ name, text }: Statement, values: readonly unknown[]) =>
      retryUntilReached(async () => (await pool.query({ name, text, values: [...values] })).rows as Row[], options),
    script: async (text) => void (await retryUntilReached(() => pool.query(text), options)),
    [Symbol.asyncDispose]: async () => {
      closing.abort(new Error('the store was closed'))
      await pool.end()
    },
  }
}

const never = new AbortController().signal

/** How calls to the database are repeated. */
export function databaseRetry(timing: StoreTiming, patienceMs: number, signal: AbortSignal = never): RetryOptions {
  const retryCapMs = timing.storeRetryCapMs
  return { callee: 'the task store', patienceMs, retryCapMs, retryBaseMs: 50, isTransient, signal }
}

/** Worth another try: not our own mistakes, and not what SQLSTATE says about the statement itself. */
export function isTransient(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return !/^(0A|21|22|23|42|44|54)/.test(error.code ?? '')
  return !(error instanceof TypeError || error instanceof RangeError)
}

/** Create what is missing, in one transaction. Many processes may do so at once: one does, the others wait for it. */
export async function createTables(store: Store, owner: string, tables: string): Promise<void> {
  await store.script(`select pg_advisory_xact_lock(hashtext('outlast ${owner}')); ${tables}`)
}
