import pg from 'pg'
import { ProblemError } from '../../contract/types/problems.ts'
import { monotonicMs, sleep } from '../../contract/types/retry.ts'
import type { StoreTiming } from '../postgres/timeouts.ts'

/** A prepared statement. Every one in this folder may be repeated: a repetition finds out that it was done. */
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

/** Real milliseconds. The floor keeps a compressed run from mistaking a busy machine for a dead database. */
export function connectLimitMs({ connectTimeoutMs }: StoreTiming): number {
  return Math.max(1000, connectTimeoutMs)
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
  /** How long a query may wait for the database to come back; Infinity for a worker, who has nothing better to do. */
  readonly patienceMs: number
}

export function openStore({ url, timing, connections, patienceMs }: StoreOptions): Store {
  const pool = new pg.Pool({ ...connectionOptions(url, timing), max: connections })
  // A connection that breaks while idle is replaced when it is needed.
  pool.on('error', () => {})
  const closing = new AbortController()
  const retryCapMs = timing.storeRetryCapMs
  const insist = <T>(attempt: () => Promise<T>) => untilReached(attempt, { patienceMs, retryCapMs }, closing.signal)
  return {
    query: async <Row>({ name, text }: Statement, values: readonly unknown[]) =>
      insist(async () => (await pool.query({ name, text, values: [...values] })).rows as Row[]),
    script: async (text) => void (await insist(() => pool.query(text))),
    [Symbol.asyncDispose]: async () => {
      closing.abort(new Error('the store was closed'))
      await pool.end()
    },
  }
}

export interface Retry {
  readonly patienceMs: number
  readonly retryCapMs: number
  /** Which errors of another database are worth another try. */
  readonly isTransient?: (error: unknown) => boolean
}

/** Try until the database answers; throws as `Store.query` does. */
export async function untilReached<T>(
  attempt: () => Promise<T>,
  { patienceMs, retryCapMs, isTransient: worthATry = isTransient }: Retry,
  closed: AbortSignal,
): Promise<T> {
  const giveUpAt = monotonicMs() + patienceMs
  for (let failures = 0; ; failures++) {
    closed.throwIfAborted()
    try {
      return await attempt()
    } catch (error) {
      if (!worthATry(error)) throw error
      if (monotonicMs() >= giveUpAt) throw outOfReach(error)
    }
    await sleep(Math.random() * Math.min(retryCapMs, 50 * 2 ** Math.min(failures, 10)), closed)
  }
}

/**
 * Worth another try: everything but what the database says about the statement itself (SQLSTATE classes of features, values,
 * constraints, syntax and limits of a statement), and our own mistakes.
 */
export function isTransient(error: unknown): boolean {
  if (error instanceof pg.DatabaseError) return !/^(0A|21|22|23|42|44|54)/.test(error.code ?? '')
  return !(error instanceof TypeError || error instanceof RangeError)
}

function outOfReach(error: unknown): ProblemError {
  return new ProblemError('temporary-reduced-capacity', `the task store cannot be reached: ${String(error)}`)
}
