import { JobFailed, type ClientPorts, type Delivered, type Job, type RunJob } from './client.ts'
import { describeFailure, retryAfterMs, type Answer } from './http.ts'
import {
  describeAnswer,
  isAboutTask,
  meaningOf,
  problemNameOf,
  proofOf,
  type Meaning,
  type Operation,
} from './meaning.ts'
import type { Lane } from './lane.ts'
import { Pace, type Pause } from './pacing.ts'
import { timingAt, type Timing } from '../types/timing.ts'

/** A final answer, as often as it was given in a row, and since when. */
interface Strikes {
  readonly times: number
  readonly sinceMs: number
}
const none: Strikes = { times: 0, sinceMs: Infinity }

/** What the caller knows beside the answer. */
interface Circumstances extends Pause {
  /** Another one can be asked instead, at once. */
  readonly isNow?: boolean
  /** What a final answer says of the result; by default only `gone` is certain. */
  readonly isCertain?: boolean
}

interface FailureDetails {
  readonly problem?: string | undefined
  readonly isCertain?: boolean | undefined
}

/**
 * One client's talk with the API about one job: what it may send when (`pace`), and what the answers so far come to. Every
 * operation of the job goes through it, so that a stream and a read confirm each other, and do not ask twice as often.
 */
export class Talk {
  readonly job: Job
  readonly ports: ClientPorts
  readonly signal: AbortSignal
  readonly timing: Timing
  readonly pace: Pace
  #taskId: string | undefined
  /** When this client saw the task accepted: a replica may learn of it later. */
  #acceptedAtMs = -Infinity
  #aboutTask = none
  #aboutStream = none
  #last = ''

  /** `lane`: of the calls about the same task, where there are others. */
  constructor(job: Job, ports: ClientPorts, signal: AbortSignal, lane?: Lane) {
    this.job = job
    this.ports = ports
    this.signal = signal
    this.timing = timingOf(ports)
    this.pace = new Pace(ports, this.timing, job, lane)
  }

  /** From now on it is about this task, which was accepted then, as far as anybody here knows. */
  follow(taskId: string, acceptedAtMs = -Infinity): void {
    this.#taskId = taskId
    this.#acceptedAtMs = acceptedAtMs
  }

  /** The answer was what was asked for; `said` is what it was. */
  heard(operation: Operation, said: string): void {
    this.#last = said
    this.pace.arrived(operation)
    if (operation === 'stream') this.#aboutStream = none
    this.#aboutTask = none
    this.pace.progressed(operation)
  }

  /** Something else was heard of the task, which decides nothing. */
  noted(said: string): void {
    this.#last = said
  }

  /**
   * The answer was another one. Says what it means, and paces what is asked next. Throws JobFailed once a final one is proved
   * (`proofOf`).
   */
  refused(operation: Operation, answer: Answer, own: Circumstances = {}): Meaning {
    const meaning = meaningOf(operation, answer)
    this.pace.arrived(operation)
    this.#last = describeAnswer(answer)
    const adviceMs = Math.max(retryAfterMs(answer) ?? 0, own.adviceMs ?? 0)
    const atLeastMs = Math.max(this.timing.paceMs, own.atLeastMs ?? 0)
    const isForAll = answer.status === 429
    if (!own.isNow) this.pace.backOff(operation, { adviceMs, atLeastMs, isForAll })
    if (meaning === 'not-yet') this.#forgive(operation)
    else if (this.#isProved(operation, answer))
      throw this.failure(meaning, this.#last, { problem: problemNameOf(answer), isCertain: own.isCertain })
    if (meaning !== 'not-yet' && isAboutTask(answer)) this.pace.hush(1.1 * this.timing.paceMs)
    return meaning
  }

  /** There was no answer. */
  failed(operation: Operation, error: unknown, own: Circumstances = {}): void {
    this.#last = describeFailure(error)
    this.pace.arrived(operation)
    if (!own.isNow) this.pace.backOff(operation, own)
  }

  failure(reason: Exclude<Meaning, 'not-yet'>, detail: string, { problem, isCertain }: FailureDetails = {}): JobFailed {
    return new JobFailed(reason, detail, {
      taskId: this.#taskId,
      isCertain: isCertain ?? reason === 'gone',
      problem,
    })
  }

  get last(): string {
    return this.#last
  }

  #forgive(operation: Operation): void {
    this.#aboutTask = none
    if (operation === 'stream') this.#aboutStream = none
  }

  /** A stream's refusal that is about the task counts for its reads too, and is theirs to prove unless they say otherwise. */
  #isProved(operation: Operation, answer: Answer): boolean {
    const now = this.ports.now()
    const add = ({ times, sinceMs }: Strikes): Strikes => ({ times: times + 1, sinceMs: Math.min(sinceMs, now) })
    if (operation === 'stream') this.#aboutStream = add(this.#aboutStream)
    if (operation !== 'stream' || isAboutTask(answer)) this.#aboutTask = add(this.#aboutTask)
    if (operation === 'stream' && isAboutTask(answer) && this.#aboutTask.times > 1) return false
    const { times, sinceMs } = operation === 'stream' ? this.#aboutStream : this.#aboutTask
    const proof = proofOf(operation, answer)
    const isYoung = answer.status === 404 && now - this.#acceptedAtMs < this.timing.unknownMs
    return times >= proof.times && now - sinceMs >= proof.overMs / this.ports.timeScale && !isYoung
  }
}

/**
 * A delivery's client, of what it does in one talk. Where a limit of time ends it, the error says what the last answer was.
 */
export function clientOf(work: (talk: Talk) => Promise<Delivered>): RunJob {
  return (job, ports, signal) => inTalk(new Talk(job, ports, signal), work)
}

export async function inTalk<T>(talk: Talk, work: (talk: Talk) => Promise<T>): Promise<T> {
  try {
    return await work(talk)
  } catch (error) {
    const isOver = error instanceof DOMException && error.name === 'TimeoutError' && talk.signal.aborted
    if (!isOver || talk.last === '') throw error
    throw new DOMException(`${error.message}; the last answer: ${talk.last}`, { name: error.name, cause: error })
  }
}

let lastTiming: { readonly scale: number; readonly timing: Timing } | undefined

/** Thousands of clients share one scale: its table is made once. */
export function timingOf({ timeScale }: ClientPorts): Timing {
  if (lastTiming?.scale !== timeScale) lastTiming = { scale: timeScale, timing: timingAt(timeScale) }
  return lastTiming.timing
}
