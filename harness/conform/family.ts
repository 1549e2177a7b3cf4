import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { sleep } from '../../patterns/contract/types/timer.ts'
import type { Target, Work } from './case.ts'
import { cancel, type Log, openLog, patienceMs, readMore, seen } from './control.ts'
import { must, mustBe, NotApplicable } from './expect.ts'
import { type Reply, send } from './http.ts'
import { acceptedTask, isEnd, newKey, noteAccepted, pathOf, raceMs, readEveryMs, readTask, submit } from './tasks.ts'

/** The log of a task that starts sub-tasks, from when it has named the first. Throws NotApplicable where it starts none. */
export async function startFamily(target: Target, about: string, work: Work): Promise<Log> {
  const log = await openLog(target, await submitted(target, about, work))
  const first = await seen(target, log, isSpawned, { withinMs: Infinity })
  if (first === undefined) throw new NotApplicable('its tasks start no others')
  return log
}

/** Nobody must take such work, and who does not says so. */
export async function submitted(target: Target, about: string, work: Work): Promise<string> {
  const key = newKey(about)
  const reply = await submit(target, key, target.bodyFor(key, work), { prefer: 'respond-async' })
  const isRefused = (reply.status >= 400 && reply.status < 500) || reply.status === 501
  if (isRefused) throw new NotApplicable(`it answers ${reply.status} to work that starts sub-tasks`)
  return acceptedTask(reply).task_id
}

export function isSpawned({ type }: Pick<TaskEvent, 'type'>): boolean {
  return type === 'task.spawned'
}

/** Ids of the sub-tasks that a log names. Throws Breach for what names none. */
export function namedIn({ events }: Log): readonly string[] {
  return events.filter(isSpawned).map(({ data }) => {
    const { sub_task: id } = data
    must(typeof id === 'string' && id !== '', `task.spawned: sub_task ${JSON.stringify(id)}, must be the id of a task`)
    return id
  })
}

/** A sub-task that its parent has named just now. */
export function askNamed(target: Target, taskId: string): Promise<Reply> {
  noteAccepted(target, taskId)
  return send(target, pathOf(taskId))
}

/** The log when its task has ended. */
export async function wholeOf(target: Target, log: Log): Promise<Log> {
  await seen(target, log, isEnd, { withinMs: Infinity })
  await readMore(target, log)
  return log
}

/**
 * A task below one whose cancellation was acknowledged ends as cancelled. A step in progress goes on to its own end, and no
 * other one begins. It may never have come to be.
 */
export async function mustBeStopped(target: Target, taskId: string): Promise<void> {
  const { status } = await send(target, pathOf(taskId))
  if (status === 404) return
  const log = await openLog(target, taskId)
  const known = log.events.length
  const began = performance.now()
  for (; !log.events.some(isEnd); await sleep(readEveryMs(target), target.signal), await readMore(target, log)) {
    const steps = log.events.slice(known).filter(({ type }) => type === 'task.progress').length
    const passedMs = performance.now() - began
    must(steps < 2 || passedMs < raceMs(target), 'a task below one that was cancelled goes on')
    if (passedMs > patienceMs(target)) throw new NotApplicable('no step of its work ends within a minute')
  }
  mustBe('the end of a task below one that was cancelled', log.events.find(isEnd)!.status, 'cancelled')
  mustBe('its state', (await readTask(target, taskId)).status, 'cancelled')
}

/** A family that never ends is not left at work, whatever a case finds. */
export async function within<T>(target: Target, { taskId }: Log, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } finally {
    if (!target.signal.aborted) await cancel(target, taskId)
  }
}
