import { applyEvent, foldEvents, joinAt } from '../types/fold.ts'
import { taskEvent, type TaskEvent } from '../types/events.ts'
import type { StreamChange } from '../types/observations.ts'
import { isPosition, isStatus, isTerminal, type Task } from '../types/task.ts'
import type { Delivered } from './client.ts'
import { taskAddress, type Answer } from './http.ts'
import type { Meaning } from './meaning.ts'
import { finish } from './outcome.ts'
import { readTask } from './read.ts'
import type { Accepted } from './submit.ts'
import type { Talk } from './talk.ts'

/** A client's place in a task's log, as it follows the log over one connection after another. */
export interface Reader {
  readonly talk: Talk
  /** As it was when it was accepted. */
  readonly task: Task
  /** Replica of the next connection; where replicas share their tasks, another one at every attempt. */
  replica: number
  /** Fold of the events that came: its version is the cursor. */
  seen: Task | undefined
  /** The server has asked to begin again: its log may be kept only in part. */
  wasReset: boolean
  /** The highest version that it ever had: a log that begins again tells nothing new below it. */
  furthest: number
  /** What a stream last said of `retry`: it holds for the next ones too (WHATWG HTML, 9.2.2), however they end. */
  retryMs: number | undefined
}

/** Why a connection that carries events ended. */
export interface ChannelEnd {
  readonly reason: string
  /** Of the API, or of somebody else, when there was no stream. */
  readonly answer?: Answer
  /** The server's advice how long to wait before the next one. */
  readonly adviceMs?: number | undefined
  /** It cannot go on, and no other one can, since the same would come again. */
  readonly isFinal?: boolean
}

/** One connection that carries events to a reader. It never reconnects. */
export interface Channel {
  /** Whether the server began to stream, known by the time the channel ends. */
  readonly opened: Promise<boolean>
  /** Never rejects. */
  readonly ended: Promise<ChannelEnd>
  /** Drop the connection. */
  close(reason: string): void
}

export function readerOf(talk: Talk, { task, replica }: Pick<Accepted, 'task' | 'replica'>): Reader {
  return { talk, task, replica, seen: undefined, wasReset: false, furthest: 0, retryMs: undefined }
}

/** The last sequence number that this reader has seen: it wants what comes after. */
export function lastSeq({ seen }: Reader): number {
  return seen?.version ?? 0
}

/** Address of the task for the next connection. */
export function nextAddress(reader: Reader): string {
  const { talk, replica, task } = reader
  const { apis, sticky } = talk.ports
  if (!sticky) reader.replica = (replica + 1) % apis.length
  return taskAddress(apis[replica]!.url, task.task_id)
}

/** An event of ours is about 600 bytes. One of this size is not kept: too many at a time would be all memory. */
export const mostEventBytes = 262_144

/** Why a channel ends at such an event. */
export function describeTooLarge(bytes: number, about = ''): string {
  return `event-too-large: ${about}${bytes} bytes, at most ${mostEventBytes} are taken`
}

const known: ReadonlySet<unknown> = new Set(taskEvent.shape.type.options)
/** The server asks to begin again: the reader's place is none of its log. */
const resetName = 'stream.reset'

/**
 * Take what came under this name, or under none: true for the terminal event. What is no event of a task is passed over, as
 * server-sent events have it. A repeated event is reported and dropped. A gap, an event of another task, and what bears the
 * name of an event and is none, throws and so ends the channel.
 */
export function takeNamed(reader: Reader, name: string | undefined, data: string): boolean {
  const value = parse(data)
  const type = name ?? value?.type
  if (type === resetName) Object.assign(reader, { seen: undefined, wasReset: true })
  const isKnown = known.has(type)
  if (isEvent(value) && value.task_id === reader.task.task_id)
    return isKnown ? takeEvent(reader, value) : passOver(reader, value)
  if (isKnown) throw new Error(isEvent(value) ? `an event of another task: ${value.task_id}` : 'what came is no event')
  return false
}

function takeEvent(reader: Reader, event: TaskEvent): boolean {
  const { seen } = reader
  const isAgain = seen !== undefined && event.seq <= seen.version
  // A log that was begun again is not reported again.
  if (isAgain || event.seq > reader.furthest) report(reader, event)
  if (isAgain) return false
  advance(reader, seen ? applyEvent(seen, event) : beginAt(reader, event))
  return isTerminal(event.status)
}

/** A log that is kept only in part begins behind a reset, and anywhere. */
function beginAt({ task, wasReset }: Reader, event: TaskEvent): Task {
  return wasReset && event.seq > 1 ? joinAt(task, event) : foldEvents([event])
}

/**
 * A line of the log in words of the service's own, or of a later version of the contract: it takes its place there, and changes
 * no state. The work may have begun again.
 */
function passOver(reader: Reader, event: TaskEvent): boolean {
  const { seen } = reader
  if (seen?.version !== event.seq - 1) return false
  if (event.seq > reader.furthest) report(reader, event)
  const attempt = isPosition(event.attempt) ? event.attempt : seen.attempt
  advance(reader, { ...seen, version: event.seq, attempt })
  return false
}

function advance(reader: Reader, seen: Task): void {
  Object.assign(reader, { seen, wasReset: false })
  if (seen.version <= reader.furthest) return
  reader.furthest = seen.version
  reader.talk.heard('stream', `event ${seen.version}, the task is ${seen.status}`)
  reader.talk.ports.onProgress?.(seen)
}

function report({ talk }: Reader, { seq, type, status, task_id: taskId }: TaskEvent): void {
  talk.ports.observe(talk.job.key, { f: 'event', type: 'observe', value: { taskId, seq, type, status } })
}

function parse(data: string): Partial<TaskEvent> | null | undefined {
  try {
    return JSON.parse(data) as Partial<TaskEvent> | null
  } catch {
    return undefined
  }
}

/** Of what a server sent. */
function isEvent(event: Partial<TaskEvent> | null | undefined): event is TaskEvent {
  if (typeof event !== 'object' || event === null) return false
  const { seq, type, status, task_id: taskId } = event
  return isPosition(seq) && isStatus(status) && typeof type === 'string' && typeof taskId === 'string'
}

export function reportStream(
  { talk: { job, ports }, task }: Reader,
  state: StreamChange['state'],
  details: Pick<StreamChange, 'after' | 'reason'> = {},
): void {
  ports.observe(job.key, { f: 'stream', type: 'observe', value: { taskId: task.task_id, state, ...details } })
}

/**
 * Pace the next connection after one that ended, and say what its end means. Throws JobFailed(`not-streamable`) once it is
 * proved that there is no use.
 */
export function heedEnd(reader: Reader, { reason, answer, adviceMs, isFinal }: ChannelEnd): Meaning {
  const { talk } = reader
  if (isFinal) throw talk.failure('not-streamable', reason)
  if (!answer) talk.failed('stream', reason, { adviceMs })
  const meaning = answer ? talk.refused('stream', answer, { adviceMs }) : 'not-yet'
  // Perhaps the server has no such place in the log, and no words for that: the next one begins at the start.
  if (meaning !== 'not-yet') reader.seen = undefined
  return meaning
}

/**
 * Follow the log until the terminal event. A channel that ends earlier is followed by another one. Where one is refused for
 * good, the task is read once, to tell a stream that cannot be had from a task that is gone. Rejects with JobFailed (`gone`,
 * `refused`, `not-streamable`) once that is proved; with the abort reason when the signal aborts.
 */
export async function followToEnd(reader: Reader, connect: (reader: Reader) => Channel): Promise<Delivered> {
  const { talk } = reader
  const { signal } = talk
  for (;;) {
    await talk.pace.turn('stream', signal)
    const end = await connect(reader).ended
    signal.throwIfAborted()
    if (reader.seen && isTerminal(reader.seen.status)) return finish(reader.seen, 'stream')
    const watch = { task: reader.seen ?? reader.task, replica: reader.replica }
    if (heedEnd(reader, end) === 'not-yet') continue
    await readTask(talk, watch, { longPoll: false, signal })
    if (isTerminal(watch.task.status)) return finish(watch.task, 'poll')
  }
}
