import { isTerminal, type TaskStatus } from '../../patterns/contract/types/task.ts'
import { sleep } from '../../patterns/contract/types/timer.ts'
import type { Target } from './case.ts'
import { must } from './expect.ts'
import { mediaTypeOf } from './headers.ts'
import { send, slackMs } from './http.ts'
import { followStream, isStream, untilRead, type FollowedStream } from './stream.ts'
import { readTask } from './tasks.ts'

/** Later than any answer is on a machine that has other work. */
export const lateMs = 2 * slackMs
/** So many states of a task are enough to see that a stream does not keep events back. */
const enoughStates = 4

/** A machine that is busy holds up plain reads too: what is late has come after all of these, one after another. */
const enoughReads = 8

/** A stream that has bytes by now. Throws Breach where they were later than plain reads beside it. */
export async function openAtOnce(target: Target, self: string): Promise<FollowedStream> {
  const [stream, slowestMs] = await Promise.all([openWithBytes(target, self), slowestReadMs(target, self)])
  const { first } = stream
  const firstMs = Math.round(first.bytesAt[0]! - first.askedAt)
  const mostMs = Math.round(Math.max(lateMs, 4 * slowestMs))
  must(firstMs < mostMs, `the first byte came after ${firstMs} ms, must come within ${mostMs} ms`)
  return stream
}

async function openWithBytes(target: Target, self: string): Promise<FollowedStream> {
  const stream = await followStream(target, `${self}/events`)
  const { first } = stream
  must(isStream(first), `a stream got ${first.status} ${mediaTypeOf(first.headers)}`)
  await untilRead(target, stream, () => first.bytesAt.length > 0)
  return stream
}

async function slowestReadMs(target: Target, self: string): Promise<number> {
  let slowestMs = 0
  for (let reads = 0; reads < 3; reads++) slowestMs = Math.max(slowestMs, (await send(target, self)).tookMs)
  return slowestMs
}

interface Expected {
  readonly stream: Pick<FollowedStream, 'ended'>
  readonly has: () => boolean
  readonly leastMs?: number
}

/** Whether the stream has it before so long has passed, and before the task was read so often beside it. */
export async function isSoon(
  target: Target,
  taskId: string,
  { stream, has, leastMs = lateMs }: Expected,
): Promise<boolean> {
  const since = performance.now()
  for (let reads = 0; reads < enoughReads || performance.now() - since < leastMs; reads++) {
    const nextAt = performance.now() + leastMs / enoughReads
    await untilRead(target, stream, () => has() || performance.now() > nextAt)
    if (has()) return true
    await readTask(target, taskId)
  }
  return has()
}

/**
 * Read the task beside its stream: what a read shows, the stream has soon, while the task goes on. Resolves with the states
 * that were compared.
 */
export async function compareWithTask(
  target: Target,
  taskId: string,
  stream: FollowedStream,
): Promise<readonly TaskStatus[]> {
  const states = new Map<number, TaskStatus>()
  while (states.size < enoughStates) {
    const { version, status } = await readTask(target, taskId)
    states.set(version, status)
    if (isTerminal(status)) break
    const shownAt = performance.now()
    // At its end a task shows nothing more: a burst that comes then is what is looked for.
    const isShown = await isSoon(target, taskId, { stream, has: () => has(stream, version) })
    const shownMs = Math.round(performance.now() - shownAt)
    must(isShown, `the task shows version ${version} since ${shownMs} ms, its stream ${seqOf(stream)}`)
    await sleep(50, target.signal)
  }
  return [...states.values()]
}

function has({ events }: FollowedStream, version: number): boolean {
  return events().some(({ seq }) => seq >= version)
}

function seqOf({ events }: FollowedStream): string {
  const last = events().at(-1)
  return last === undefined ? 'nothing' : `event ${last.seq}`
}
