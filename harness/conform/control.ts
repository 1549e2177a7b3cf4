import type { Command } from '../../patterns/contract/types/command.ts'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { isTerminal } from '../../patterns/contract/types/task.ts'
import { sleep } from '../../patterns/contract/types/timer.ts'
import type { Target, Work } from './case.ts'
import { Breach, must, mustBe, NotApplicable } from './expect.ts'
import { mustBeFresh } from './headers.ts'
import { mustHaveStatus, send, type Reply, type SendOptions } from './http.ts'
import { headerOf } from './patience.ts'
import { kindOf } from './problem.ts'
import { acceptedTask, isEnd, newKey, pathOf, raceMs, readEvents, readEveryMs, readTask, submit } from './tasks.ts'

/** Submit, and resolve with the task's id: at once, where the service can answer before the end (RFC 7240). */
export async function startNow(target: Target, about: string, work: Work = {}): Promise<string> {
  const key = newKey(about)
  return acceptedTask(await submit(target, key, target.bodyFor(key, work), { prefer: 'respond-async' })).task_id
}

/** Put a command, or what is none. */
export function put(target: Target, taskId: string, body: unknown, options: SendOptions = {}): Promise<Reply> {
  return send(target, `${pathOf(taskId)}/commands`, { method: 'POST', body, ...options })
}

/**
 * A command that is acknowledged: true where it was on record before. Undefined: the task has ended, as a read of it says
 * too, and takes none any more.
 */
export async function acknowledged(target: Target, taskId: string, command: Command): Promise<boolean | undefined> {
  const reply = await put(target, taskId, command)
  if (reply.status === 409 && kindOf(reply.json?.['type']) === 'task-ended') {
    const { status } = await readTask(target, taskId)
    must(isTerminal(status) || status === 'cancelling', `a command is answered task-ended, and the task is ${status}`)
    return undefined
  }
  mustHaveStatus(`the answer to a command (${command.type})`, reply, 202)
  mustBeFresh('the answer to a command', reply.headers)
  const { id, type, task_id, replayed } = reply.json ?? {}
  mustBe('the acknowledgement', { id, type, task_id }, { id: command.id, type: command.type, task_id: taskId })
  must(typeof replayed === 'boolean', `replayed of an acknowledgement: ${String(replayed)}, must be true or false`)
  mustBe('Command-Replayed', headerOf(reply.headers, 'command-replayed'), replayed ? 'true' : undefined)
  return replayed
}

/** The same of a task that goes on. Throws NotApplicable where it has ended. */
export async function acknowledge(target: Target, taskId: string, command: Command): Promise<boolean> {
  const replayed = await acknowledged(target, taskId, command)
  if (replayed === undefined) throw new NotApplicable(tooShort)
  return replayed
}

export const tooShort = 'its tasks end too soon to be commanded'

/** A task's log as it grows. */
export interface Log {
  readonly taskId: string
  readonly events: TaskEvent[]
}

export async function openLog(target: Target, taskId: string): Promise<Log> {
  return { taskId, events: [...(await readEvents(target, taskId))] }
}

export async function readMore(target: Target, { taskId, events }: Log): Promise<void> {
  events.push(...(await readEvents(target, taskId, events.at(-1)?.seq ?? 0)))
}

/** The first event for which it holds, from `after` on, or undefined when the time is over, or the log. */
export async function seen(
  target: Target,
  log: Log,
  holds: (event: TaskEvent) => boolean,
  { withinMs, after = 0 }: { readonly withinMs: number; readonly after?: number },
): Promise<TaskEvent | undefined> {
  const began = performance.now()
  for (;;) {
    const found = log.events.find((event) => event.seq > after && holds(event))
    if (found || performance.now() - began > withinMs || log.events.some(isEnd)) return found
    await sleep(readEveryMs(target), target.signal)
    await readMore(target, log)
  }
}

/** The command as the log has it, once. */
export function onRecord({ events }: Log, id: string): TaskEvent {
  const records = events.filter(({ type, data }) => type === 'task.commanded' && commandIn(data)?.id === id)
  mustBe(`how often the command ${id} is in the log`, records.length, 1)
  return records[0]!
}

/** Ids of the commands on record, in their order. */
export function recordedIn({ events }: Log): readonly unknown[] {
  return events.flatMap(({ type, data }) => (type === 'task.commanded' ? [commandIn(data)?.id] : []))
}

function commandIn(data: TaskEvent['data']): { readonly id?: unknown } | undefined {
  return data['command'] as { readonly id?: unknown } | undefined
}

/** Events that answer commands, in their order. */
export function answersIn({ events }: Log): readonly TaskEvent[] {
  return events.filter(({ type, data }) => type !== 'task.commanded' && typeof data['command'] === 'string')
}

/**
 * The one answer to a command, which stands behind it. It comes when the step in progress has ended, and soon where the
 * agent stands still. Throws NotApplicable where no step ends in good time: steps may be long.
 */
export async function answerTo(target: Target, log: Log, id: string): Promise<TaskEvent> {
  await readMore(target, log)
  const record = onRecord(log, id)
  await untilAnswered(target, log, record)
  const answers = answersIn(log).filter(({ data }) => data['command'] === id)
  mustBe(`how often the command ${id} is answered`, answers.length, 1)
  must(answers[0]!.seq > record.seq, `the answer to ${id} stands before it in the log`)
  return answers[0]!
}

async function untilAnswered(target: Target, log: Log, { seq, data, status }: TaskEvent): Promise<void> {
  const id = commandIn(data)?.id
  const what = `the command ${String(id)} is on record`
  const began = performance.now()
  for (; ; await sleep(readEveryMs(target), target.signal), await readMore(target, log)) {
    if (answersIn(log).some((event) => event.data['command'] === id)) return
    const since = log.events.filter((event) => event.seq > seq)
    if (since.some(isEnd)) throw new Breach(`${what}, and the task has ended without an answer to it`)
    const passedMs = performance.now() - began
    const steps = since.filter(({ type }) => type === 'task.progress').length
    if (steps > 1 && passedMs > raceMs(target))
      throw new Breach(`${what}, and the agent has gone on without an answer to it`)
    if (passedMs < patienceMs(target)) continue
    if (status !== 'input_required') throw new NotApplicable('no step of its work ends within a minute')
    throw new Breach(`${what} while the agent stood still, and is not answered`)
  }
}

/** A minute at full length, and time for a machine that has other work. */
export function patienceMs({ timeScale }: Target): number {
  return Math.max(15_000, 60_000 / timeScale)
}

/** Stops the agent. Throws NotApplicable where its task ends first. */
export async function interrupt(target: Target, log: Log, id: string): Promise<TaskEvent> {
  await acknowledge(target, log.taskId, { id, type: 'interrupt' })
  const stopped = await answerTo(target, log, id)
  // Its task may have ended in the same moment.
  if (stopped.type === 'task.command_void' && log.events.some(isEnd)) throw new NotApplicable(tooShort)
  mustBe('the answer to an interruption', [stopped.type, stopped.status], ['task.interrupted', 'input_required'])
  return stopped
}

export function cancel(target: Target, taskId: string): Promise<Reply> {
  return send(target, `${pathOf(taskId)}:cancel`, { method: 'POST' })
}
