import { type Feed, type NewsReader, openFeed } from '../../contract/engine/feed.ts'
import type { StoreTiming } from '../../contract/engine/store-timeouts.ts'
import { listen } from './listener.ts'

export interface FeedOptions {
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
