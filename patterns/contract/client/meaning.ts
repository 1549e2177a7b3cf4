import { jsonOf, mediaTypeOf, retryAfterMs, type Answer } from './http.ts'
import { isUnsure, problemKind, problemMediaType } from '../types/problems.ts'

/** What a client asks an API for. `stream` is a socket's handshake too. */
export type Operation = 'submit' | 'read' | 'stream' | 'cancel' | 'command'

/**
 * What an answer means that is not what was asked for. `not-yet`: the same request may be answered otherwise in a while. All others are final.
 * `refused`: this will not be done. `gone`: there is no such task any more. `not-streamable`: the events cannot be had this way.
 */
export type Meaning = 'not-yet' | 'refused' | 'gone' | 'not-streamable'

/** A problem document as a client reads it: RFC 9457 leaves every member out that a server likes to leave out, and `retryable` is ours. */
export interface Said {
  readonly type: string
  readonly title: string
  readonly detail?: string
  readonly task_id?: string
  readonly retryable?: boolean
}

/** An answer, and the problem document in it. */
interface Heard {
  readonly status: number
  readonly said: Said | undefined
  /** It says when to come back. */
  readonly isTimed: boolean
}

interface Row {
  readonly answer: string
  readonly is: (heard: Heard) => boolean
  readonly means: Readonly<Record<Operation, Meaning>>
}

/** Too many, too early, too slow, locked, at work on the same key, or with a server that is the wrong one over this connection: states that pass. */
const passing: ReadonlySet<number> = new Set([408, 409, 421, 423, 425, 429])
/** Of a server that will never know how. Every other 5xx is about now. */
const never: ReadonlySet<number> = new Set([501, 505])
/** The request, or the work, took too long for somebody, or its client seemed to have left (nginx): how far it came, nobody says. */
const cutOff: ReadonlySet<number> = new Set([408, 499])
/** Full for now (RFC 9110, 15.5.14), and what some providers say to who asks too often. */
const timed: ReadonlySet<number> = new Set([403, 413])

const later: Row['means'] = all('not-yet')
const refused = { ...all('refused'), stream: 'not-streamable' } as const
const gone = { ...all('gone'), submit: 'refused', stream: 'not-streamable' } as const

/** The only place that says what an answer means, whoever asked: the first row that is true. README.md explains it. */
export const answers: readonly Row[] = [
  { answer: 'a problem with retryable: true', is: ({ said }) => said?.retryable === true, means: later },
  {
    answer: '408, 409, 421, 423, 425, 429 as a problem with retryable: false',
    is: ({ status, said }) => passing.has(status) && said?.retryable === false,
    means: refused,
  },
  {
    answer: '403, 413 with Retry-After',
    is: ({ status, said, isTimed }) => isTimed && timed.has(status) && said?.retryable !== false,
    means: later,
  },
  // What is cancelled already, or has ended, conflicts with nothing that will pass.
  { answer: '409', is: ({ status }) => status === 409, means: { ...later, cancel: 'refused', command: 'refused' } },
  { answer: '408, 421, 423, 425, 429', is: ({ status }) => passing.has(status), means: later },
  { answer: '5xx but 501 and 505', is: ({ status }) => status >= 500 && !never.has(status), means: later },
  { answer: '404 or 410 as a problem', is: ({ status, said }) => isAbsence(status) && !!said, means: gone },
  { answer: '410 of another kind', is: ({ status }) => status === 410, means: gone },
  { answer: 'any other 4xx, 501, 505', is: ({ status }) => status >= 400, means: refused },
  {
    answer: '2xx without what was asked for',
    is: ({ status }) => status >= 200 && status < 300,
    means: { ...later, stream: 'not-streamable' },
  },
  { answer: 'a redirect, and whatever else', is: () => true, means: later },
]

export function meaningOf(operation: Operation, answer: Answer): Meaning {
  const isTimed = retryAfterMs(answer) !== undefined
  const heard = { status: answer.status, said: problemOf(answer), isTimed }
  return answers.find(({ is }) => is(heard))!.means[operation]
}

/** How often in a row, and over how long (at full length), a final answer must be given before it is believed. */
export interface Proof {
  readonly times: number
  readonly overMs: number
}

/**
 * A problem about a submission is about its content, and will be the same. A task that is missing may be one that this replica does not know
 * yet. Who answers without a problem document is a gateway or another server, perhaps only while the API is away.
 */
export function proofOf(operation: Operation, answer: Answer): Proof {
  if (!problemOf(answer)) return { times: 3, overMs: 3_000 }
  const isAboutContent = operation === 'submit' || (isOrder(operation) && answer.status !== 404)
  return isAboutContent ? { times: 1, overMs: 0 } : { times: 2, overMs: 1_000 }
}

function isOrder(operation: Operation): boolean {
  return operation === 'cancel' || operation === 'command'
}

/** Whether an answer is about the task, and not about the way in which it was asked for. */
export function isAboutTask({ status }: Answer): boolean {
  return isAbsence(status) || status === 401 || status === 403
}

function isAbsence(status: number): boolean {
  return status === 404 || status === 410
}

/**
 * Whether the API says that what was asked for was certainly not done, and is not being done. Of a 5xx only a document of
 * ours says that: any other one may be of a server that failed after it was done, or of a gateway that gave up waiting.
 */
export function isUndone(answer: Answer): boolean {
  const { status } = answer
  const said = problemOf(answer)
  if (!said || status === 409 || said.task_id !== undefined) return false
  const kind = problemKind(said.type)
  return kind === undefined ? (status < 500 && !cutOff.has(status)) || never.has(status) : !isUnsure(kind)
}

/**
 * Whether an answer says, whoever gave it, that the request was turned away for now: too many (429; RFC 6585, 4), too early
 * (425; RFC 8470, 5.2), sent to the wrong server (421; RFC 9110, 15.5.20), unable to handle it, and when to come back (503 with Retry-After; RFC 9110, 15.6.4), and 403 and 413
 * with Retry-After. It may be repeated without a key. 408 is none of these: many servers say it of work that they cut off.
 */
export function wasTurnedAway(answer: Answer): boolean {
  const { status } = answer
  const said = problemOf(answer)
  if (said && (said.task_id !== undefined || isUnsure(problemKind(said.type)))) return false
  if (status === 421 || status === 425 || status === 429) return true
  return (status === 503 || timed.has(status)) && retryAfterMs(answer) !== undefined
}

/**
 * The problem document in an answer, or undefined: then whoever answered was not the API. A member of another type than it
 * must have is passed over (RFC 9457, 3.1).
 */
export function problemOf(answer: Answer): Said | undefined {
  const value = jsonOf(answer) as Partial<Record<keyof Said, unknown>> | null | undefined
  if (typeof value !== 'object' || value === null || answer.status < 400) return undefined
  const { type, title, detail, task_id, retryable } = value
  const isNamed = typeof type === 'string' && typeof title === 'string'
  if (!isNamed && mediaTypeOf(answer.header('content-type')) !== problemMediaType) return undefined
  return {
    type: typeof type === 'string' ? type : 'about:blank',
    title: typeof title === 'string' ? title : '',
    ...(typeof detail === 'string' && { detail }),
    ...(typeof task_id === 'string' && { task_id }),
    ...(typeof retryable === 'boolean' && { retryable }),
  }
}

/** By which problem it refuses: the name of one of ours, or the type of another one; undefined where it names none. */
export function problemNameOf(answer: Answer): string | undefined {
  const { type } = problemOf(answer) ?? {}
  return type === undefined ? undefined : (problemKind(type) ?? type)
}

/** An answer that was not the one wanted, in one line: `HTTP 308 to https://…`, `/problems/expired: …`. */
export function describeAnswer(answer: Answer): string {
  if (answer.name !== undefined) return answer.name
  const said = problemOf(answer)
  if (said) return `HTTP ${answer.status} ${said.type}: ${said.detail ?? said.title}`
  const to = answer.header('location')
  const coding = answer.header('content-encoding')
  const why = coding === undefined ? '' : `, in the coding ${coding}`
  const lacks = answer.status >= 200 && answer.status < 300 ? ` without what was asked for${why}` : ''
  return `HTTP ${answer.status}${to === undefined || answer.status >= 400 ? '' : ` to ${to}`}${lacks}`
}

function all<M extends Meaning>(meaning: M): Readonly<Record<Operation, M>> {
  return { submit: meaning, read: meaning, stream: meaning, cancel: meaning, command: meaning }
}
