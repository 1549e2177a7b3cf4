import pg from 'pg'
import { sleep } from '../../contract/types/timer.ts'
import { connectionOptions } from './store.ts'
import type { StoreTiming } from '../../contract/engine/store-timeouts.ts'
import { type Feed, type NewsReader, openFeed } from '../../contract/engine/feed.ts'

export interface Listening {
  readonly url: string
  readonly timing: StoreTiming
  readonly channels: readonly string[]
  readonly onNotification: (channel: string, payload: string) => void
  /** Listening again after a gap: whatever was notified meanwhile is lost, so look for yourself. */
  readonly onUp: () => void
}

/**
 * One connection that only listens. A link that is silently dead delivers no error, so it is probed every heartbeat;
 * a broken one is opened again until disposed. Notifications are hints: nothing may depend on one arriving.
 */
export function listen(listening: Listening): AsyncDisposable {
  const closing = new AbortController()
  const ended = listenForEver(listening, closing.signal)
  return {
    [Symbol.asyncDispose]: async () => {
      closing.abort(new Error('the listener was closed'))
      await ended
    },
  }
}

async function listenForEver(listening: Listening, closed: AbortSignal): Promise<void> {
  const { storeRetryCapMs } = listening.timing
  while (!closed.aborted) {
    await listenOnce(listening, closed).catch(() => {})
    await sleep(Math.random() * storeRetryCapMs, closed).catch(() => {})
  }
}

/** Until the connection breaks or fails a probe. Always rejects. */
async function listenOnce({ url, timing, channels, onNotification, onUp }: Listening, closed: AbortSignal) {
  const client = new pg.Client(connectionOptions(url, timing))
  client.on('error', () => {})
  client.on('notification', ({ channel, payload }) => onNotification(channel, payload ?? ''))
  try {
    await client.connect()
    await client.query(channels.map((channel) => `listen ${channel}`).join(';'))
    onUp()
    for (;;) {
      await sleep(timing.leaseHeartbeatMs, closed)
      await client.query('select 1')
    }
  } finally {
    // A stalled link never acknowledges a farewell.
    void client.end().catch(() => {})
  }
}

interface FeedOptions {
  readonly url: string
  readonly timing: StoreTiming
  /** Its notifications are ids of tasks with news, separated by commas. */
  readonly channel: string
}

/** A feed that notifications refresh, for as long as the process lives. */
export function openListeningFeed(
  { url, timing, channel }: FeedOptions,
  readNews: NewsReader,
): Pick<Feed, 'follow'> & AsyncDisposable {
  const feed = openFeed(readNews, timing)
  const listener = listen({
    url,
    timing,
    channels: [channel],
    onNotification: (_channel, taskIds) => feed.refresh(taskIds.split(',')),
    onUp: () => feed.refreshAll(),
  })
  return {
    follow: (taskId, after, signal) => feed.follow(taskId, after, signal),
    [Symbol.asyncDispose]: async () => {
      feed[Symbol.dispose]()
      await listener[Symbol.asyncDispose]()
    },
  }
}
