import { createRedisBackend } from 'bullmq'
import { Redis } from 'ioredis'
import { retryUntilReached } from '../../contract/engine/reach.ts'
import { connectLimitMs } from '../../contract/engine/workplace.ts'
import type { QueueTiming } from '../_bullmq/declaration.ts'

/** A script: atomic, and every one in this folder may be repeated. */
export interface Script {
  readonly lua: string
}

/** The server, however often the way to it breaks. */
export interface RedisStore extends AsyncDisposable {
  /** What a script answers. Tries again for ever, or until `patienceMs` is over; then `temporary-reduced-capacity`. */
  run<Answer>(script: Script, keys: readonly string[], values?: readonly (string | number)[]): Promise<Answer>
}

/** What every connection is opened with. A command that waits without an answer finds a dead connection. */
function connectionOptions(timing: QueueTiming) {
  const { storeRetryCapMs, queryTimeoutMs, drainDelayMs } = timing
  return {
    connectTimeout: connectLimitMs(timing),
    // A worker's longest wait is an answer, too.
    socketTimeout: Math.max(queryTimeoutMs, 2 * drainDelayMs),
    retryStrategy: (times: number) => Math.random() * Math.min(storeRetryCapMs, 50 * 2 ** Math.min(times, 10)),
  }
}

export interface StoreOptions {
  readonly url: string
  readonly timing: QueueTiming
  /** How long a script may wait for the server to come back; Infinity for a worker, which has nothing better to do. */
  readonly patienceMs: number
}

export function openRedisStore({ url, timing, patienceMs }: StoreOptions): RedisStore {
  const client = new Redis(url, {
    ...connectionOptions(timing),
    // Calls of one turn go together. What a broken connection had in hand fails, and is repeated below.
    enableAutoPipelining: true,
    enableOfflineQueue: false,
    maxRetriesPerRequest: 0,
  })
  client.on('error', () => {})
  const closing = new AbortController()
  const limits = { patienceMs, retryCapMs: timing.storeRetryCapMs, retryBaseMs: 50 }
  const retry = { callee: 'the task store', ...limits, isTransient, signal: closing.signal }
  return {
    run: async <Answer>({ lua }: Script, keys: readonly string[], values: readonly (string | number)[] = []) =>
      retryUntilReached(async () => (await client.eval(lua, keys.length, ...keys, ...values)) as Answer, retry),
    [Symbol.asyncDispose]: async () => {
      closing.abort(new Error('the store was closed'))
      client.disconnect()
    },
  }
}

/** Worth another try: all but what the server says about the command. It loads its log, or its disk is full: that passes. */
function isTransient(error: unknown): boolean {
  const { name, message } = error as Error
  return name !== 'ReplyError' || /^(LOADING|BUSY|MISCONF|OOM|READONLY|MASTERDOWN)/.test(message)
}

export interface Listening {
  readonly url: string
  readonly timing: QueueTiming
  readonly channels: readonly string[]
  readonly onMessage: (channel: string, message: string) => void
  /** Listening again after a gap: whatever was published meanwhile is lost, so look for yourself. */
  readonly onUp: () => void
}

/** One connection that only listens. It has to answer every heartbeat, or another one is opened. Messages are hints. */
export function listen({ url, timing, channels, onMessage, onUp }: Listening): Disposable {
  const client = new Redis(url, { ...connectionOptions(timing), maxRetriesPerRequest: null })
  client.on('error', () => {})
  client.on('message', onMessage)
  client.on('ready', () => void client.subscribe(...channels).then(onUp, () => {}))
  const probe = setInterval(() => void client.ping().catch(() => {}), timing.leaseHeartbeatMs)
  return {
    [Symbol.dispose]: () => {
      clearInterval(probe)
      client.disconnect()
    },
  }
}

/** Connections of their own, which the library opens and mends. */
export function redisBroker(url: string, timing: QueueTiming) {
  const connection = { ...connectionOptions(timing), url, maxRetriesPerRequest: null }
  return { backend: backendAt(timing), connection }
}

/** The library waits up to ten seconds for a job that is due later, whatever a connection's longest silence: here as for any job. */
function backendAt({ drainDelayMs }: QueueTiming): typeof createRedisBackend {
  const maximumBlockTimeout = { value: drainDelayMs / 1000 }
  return (...parts) => Object.defineProperty(createRedisBackend(...parts), 'maximumBlockTimeout', maximumBlockTimeout)
}
