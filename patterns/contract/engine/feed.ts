import type { TaskEvent } from '../types/events.ts'

/** What a log is read for: what comes after `seq`. */
export interface Asked {
  readonly taskId: string
  readonly seq: number
}

/** What there is of a log beyond the `seq` that was asked for. */
export interface News {
  readonly version: number
  readonly done: boolean
  readonly events: readonly TaskEvent[]
}

/** One query for many logs; a task that does not exist is missing in the answer. */
export type NewsReader = (asked: readonly Asked[]) => Promise<ReadonlyMap<string, News>>

/** One reader of one log: what it has got, and what waits for it. */
interface Follower {
  readonly taskId: string
  seq: number
  readonly waiting: TaskEvent[]
  ended: boolean
  wake: () => void
}

/** All followers of logs in this process. One query at a time feeds them, however many they are. */
export interface Feed extends Disposable {
  follow(taskId: string, after: number, signal: AbortSignal): AsyncIterable<TaskEvent>
  /** These tasks may have news. */
  refresh(taskIds: Iterable<string>): void
  /** Any task may: notifications were missed. */
  refreshAll(): void
}

/**
 * Notifications say where to look; the log says what happened, read from each follower's own position, so that none is
 * skipped or repeated. A sweep over all that is followed makes up for notifications that never came.
 */
export function openFeed(readNews: NewsReader, { claimPollMs }: { readonly claimPollMs: number }): Feed {
  const followers = new Map<string, Set<Follower>>()
  const pending = new Set<string>()
  let pumping = false

  const refresh = (taskIds: Iterable<string>): void => {
    for (const taskId of taskIds) if (followers.has(taskId)) pending.add(taskId)
    void pump()
  }
  const refreshAll = (): void => refresh(followers.keys())
  const sweep = setInterval(refreshAll, Math.max(500, claimPollMs))

  async function pump(): Promise<void> {
    if (pumping) return
    pumping = true
    while (pending.size > 0) {
      const taskIds = [...pending].slice(0, 500)
      for (const taskId of taskIds) pending.delete(taskId)
      // What a failed read has missed, the next sweep reads.
      await feedAll(readNews, followers, taskIds).catch(() => {})
    }
    pumping = false
  }

  return {
    refresh,
    refreshAll,
    async *follow(taskId, after, signal) {
      const follower: Follower = { taskId, seq: after, waiting: [], ended: signal.aborted, wake: () => {} }
      using _attached = attach(followers, follower, signal)
      refresh([taskId])
      yield* drain(follower)
    },
    [Symbol.dispose]: () => {
      clearInterval(sweep)
      for (const group of followers.values()) group.forEach(end)
    },
  }
}

function attach(followers: Map<string, Set<Follower>>, follower: Follower, signal: AbortSignal): Disposable {
  const { taskId } = follower
  const group = followers.get(taskId) ?? new Set()
  followers.set(taskId, group.add(follower))
  const onAbort = (): void => end(follower)
  signal.addEventListener('abort', onAbort)
  return {
    [Symbol.dispose]: () => {
      signal.removeEventListener('abort', onAbort)
      group.delete(follower)
      if (group.size === 0 && followers.get(taskId) === group) followers.delete(taskId)
    },
  }
}

async function* drain(follower: Follower): AsyncGenerator<TaskEvent> {
  for (;;) {
    for (let event = follower.waiting.shift(); event; event = follower.waiting.shift()) yield event
    if (follower.ended) return
    await new Promise<void>((resolve) => (follower.wake = resolve))
  }
}

function end(follower: Follower): void {
  follower.ended = true
  follower.wake()
}

/** One read for all followers of these tasks, each task from its hindmost follower on. */
async function feedAll(
  readNews: NewsReader,
  followers: ReadonlyMap<string, Set<Follower>>,
  taskIds: readonly string[],
): Promise<void> {
  const asked = taskIds.flatMap((taskId) => {
    const group = [...(followers.get(taskId) ?? [])]
    return group.length > 0 ? [{ taskId, group, seq: Math.min(...group.map((follower) => follower.seq)) }] : []
  })
  const news = await readNews(asked)
  for (const { taskId, group } of asked) for (const follower of group) hand(follower, news.get(taskId))
}

/** Undefined: there is no such task. */
function hand(follower: Follower, found: News | undefined): void {
  for (const event of found?.events ?? []) {
    if (event.seq <= follower.seq) continue
    follower.waiting.push(event)
    follower.seq = event.seq
  }
  if (!found || (found.done && follower.seq >= found.version)) follower.ended = true
  follower.wake()
}
