import { JobFailed, type ClientPorts, type Delivered, type Job } from './client.ts'
import type { TaskEvent } from '../types/events.ts'
import { finish } from './outcome.ts'
import { applyEvent, foldEvents } from '../types/fold.ts'
import { backoffMs, sleep } from '../types/timer.ts'
import { timingOf, type Accepted } from './submit.ts'
import type { StreamChange } from '../types/observations.ts'
import { isPosition, isStatus, isTerminal, type Task } from '../types/task.ts'

/** A client's place in a task's log, as it follows the log over one connection after another. */
export interface Reader {
  readonly job: Job
  readonly ports: ClientPorts
  readonly signal: AbortSignal
  readonly taskId: string
  /** Replica of the next connection; where replicas share their tasks, another one at every attempt. */
  replica: number
  /** Fold of the events that came: its version is the cursor. */
  seen: Task | undefined
}

/** One connection that carries events to a reader. It never reconnects. */
export interface Channel {
  /** Whether the server began to stream, known by the time the channel ends. */
  readonly opened: Promise<boolean>
  /** Why it ended. Never rejects. */
  readonly ended: Promise<string>
  /** The status, when the API itself refused to stream; an answer that is no problem document comes from someone else. */
  readonly refusal: number | undefined
  /** The server's advice how long to wait before the next one. */
  readonly retryMs: number | undefined
  /** Drop the connection. */
  close(reason: string): void
}

export function readerOf(
  job: Job,
  ports: ClientPorts,
  signal: AbortSignal,
  accepted: Pick<Accepted, 'task' | 'replica'>,
): Reader {
  const { task, replica } = accepted
  return { job, ports, signal, taskId: task.task_id, replica, seen: undefined }
}

/** The last sequence number that this reader has seen: it wants what comes after. */
export function lastSeq({ seen }: Reader): number {
  return seen?.version ?? 0
}

/** Address of the task for the next connection. */
export function nextAddress(reader: Reader): string {
  const { ports, replica, taskId } = reader
  if (!ports.sticky) reader.replica = (replica + 1) % ports.apis.length
  return `${ports.apis[replica]!.url}/v1/tasks/${taskId}`
}

/**
 * True for the terminal event. A repeated event is reported and dropped; a gap, and what is no event, throws and so ends the
 * channel.
 */
export function takeEvent(reader: Reader, event: TaskEvent): boolean {
  if (!isEvent(event)) throw new Error('what came is no event')
  const { seq, type, status, task_id: taskId } = event
  reader.ports.observe(reader.job.key, { f: 'event', type: 'observe', value: { taskId, seq, type, status } })
  if (reader.seen && seq <= reader.seen.version) return false
  reader.seen = reader.seen ? applyEvent(reader.seen, event) : foldEvents([event])
  reader.ports.onProgress?.(reader.seen)
  return isTerminal(status)
}

/** Of what a server sent under that name. */
function isEvent(event: Partial<TaskEvent> | null): event is TaskEvent {
  if (typeof event !== 'object' || event === null) return false
  const { seq, type, status, task_id: taskId } = event
  return isPosition(seq) && isStatus(status) && typeof type === 'string' && typeof taskId === 'string'
}

export function reportStream(
  { job, ports, taskId }: Reader,
  state: StreamChange['state'],
  details: Pick<StreamChange, 'after' | 'reason'> = {},
): void {
  ports.observe(job.key, { f: 'stream', type: 'observe', value: { taskId, state, ...details } })
}

/**
 * Follow the log until the terminal event. A channel that ends earlier is followed by another one, after a backoff with
 * full jitter. Rejects with JobFailed(`gone`) once two answers in a row, of two replicas where replicas share their
 * tasks, say that the task is unknown; with the abort reason when the signal aborts.
 */
export async function followToEnd(reader: Reader, connect: (reader: Reader) => Channel): Promise<Delivered> {
  const { ports, signal, taskId } = reader
  for (let [failures, missing] = [0, 0]; ;) {
    const channel = connect(reader)
    await channel.ended
    signal.throwIfAborted()
    if (reader.seen && isTerminal(reader.seen.status)) return finish(reader.seen, 'stream')
    missing = channel.refusal === 404 ? missing + 1 : 0
    if (missing >= 2) throw new JobFailed('gone', `task ${taskId} is not known any more`, taskId)
    failures = (await channel.opened) ? 0 : failures + 1
    const timing = timingOf(ports)
    const backoffBaseMs = channel.retryMs ?? timing.backoffBaseMs
    await sleep(backoffMs({ ...timing, backoffBaseMs }, failures, ports.random()), signal)
  }
}
