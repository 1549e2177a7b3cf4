/**
 * The reference client of the task API, to be imported by applications: submit, follow the event stream, poll while the
 * stream is in trouble. It keeps the rules whose absence loses most results. The task's id is written down before it is
 * used. Answers and pauses are those of contract/client/README.md. 2.5 heartbeats of silence are a dead stream. There is one absolute deadline on a
 * monotonic clock. Events count once, by their `seq`. Neither a 202 nor the end of a stream is the end of a task.
 */
import { randomInt } from 'node:crypto'
import { Agent, buildConnector } from 'undici'
import { mostAnswerBytes } from './contract/client/answer-size.ts'
import { cancelTask } from './contract/client/cancel.ts'
import type { ClientPorts, Job } from './contract/client/client.ts'
import { readContext, sendCommand, type ContextSnapshot } from './contract/client/command.ts'
import { withoutInterim } from './contract/client/interim.ts'
import { Lanes } from './contract/client/lane.ts'
import { windowMs } from './contract/client/pacing.ts'
import type { Command, CommandAck } from './contract/types/command.ts'
import { monotonicMs, timeLimit } from './contract/types/timer.ts'
import { unread } from './contract/client/read.ts'
import { submitJob } from './contract/client/submit.ts'
import { inTalk, Talk, timingOf } from './contract/client/talk.ts'
import type { Memory } from './contract/types/context.ts'
import type { Budget, Task, TaskInput } from './contract/types/task.ts'
import { timeScales } from './contract/types/timing.ts'
import { followTask } from './deliveries/sse-polling/client.ts'

export { JobFailed } from './contract/client/client.ts'
export type { ContextSnapshot } from './contract/client/command.ts'
export type { Command, CommandAck } from './contract/types/command.ts'
export type { Task } from './contract/types/task.ts'

export interface TaskClientOptions {
  /** Base URLs of the API's replicas, each of which knows every task; one is enough. */
  readonly apis: readonly string[]
  readonly token: string
  /** Divides every pause and limit, for tests against a compressed server; 1 by default. */
  readonly timeScale?: number
}

export interface TaskRun {
  /** Give up after this, on a monotonic clock, whatever happens. */
  readonly deadlineMs: number
  readonly signal?: AbortSignal
  /** Every newer state of the task, in order. */
  readonly onProgress?: (task: Task) => void
}

export interface TaskSubmission extends TaskRun {
  /**
   * Idempotency key: the same for every attempt, also those of a process that comes back. Write it down first. 1 to 128 visible
   * ASCII characters without a quotation mark; RangeError for any other.
   */
  readonly key: string
  readonly type: string
  readonly input: unknown
  /** What the task may spend; without it there is no limit. Exhausted, it waits for a `top_up`, or fails. */
  readonly budget?: Budget
  /** What its agent remembers, to begin with: `context` shows it, `steer` changes it. */
  readonly memory?: Memory
  /** Awaited before the task is followed: write its id down here, and `resume` can go on after a crash. */
  readonly onAccepted?: (task: Task) => void | Promise<void>
}

export interface TaskClient extends AsyncDisposable {
  /**
   * Submit, and resolve with the completed task. Rejects with JobFailed when there is no result to be had (`refused`,
   * `gone`, `task-failed`); its `isCertain` says whether that is so for everybody. Rejects with the signal's reason when
   * that is not known in time, or with a TimeoutError, which names the last answer.
   */
  run(submission: TaskSubmission): Promise<Task>
  /** Go on with a task that was accepted before. Ends as `run` does. */
  resume(taskId: string, run: TaskRun): Promise<Task>
  /**
   * Ask for a task's cancellation. Resolves with its state in the answer: `cancelling`, or an end, perhaps another one. Rejects
   * as `run` does.
   */
  cancel(taskId: string, run: Omit<TaskRun, 'onProgress'>): Promise<Task>
  /**
   * Have a running agent do something, once, however often it is asked under the command's id. Resolves when it is on record; the
   * task's log says what comes of it. Rejects as `run` does; `problem` says why: `task-ended`, `command-id-reused`, `validation`.
   */
  command(taskId: string, command: Command, run: Omit<TaskRun, 'onProgress'>): Promise<CommandAck>
  /** What the task's agent remembers now. Rejects as `run` does: with `gone` also where it was submitted without a memory. */
  context(taskId: string, run: Omit<TaskRun, 'onProgress'>): Promise<ContextSnapshot>
}

/** Throws RangeError for options with which no request could be made. */
export function openTaskClient({ apis, token, timeScale = 1 }: TaskClientOptions): TaskClient {
  requireOptions({ apis, token, timeScale })
  // No limit per origin: every follower holds a connection.
  const dispatcher = new Agent({
    connect: withoutInterim(buildConnector({ timeout: 10_000 })),
    maxResponseSize: mostAnswerBytes,
  })
  const ports: ClientPorts = {
    apis: apis.map((url, i) => ({ name: `api-${i}`, url: url.replace(/\/+$/, '') })),
    sticky: false,
    dispatcher,
    token,
    timeScale,
    now: monotonicMs,
    random: Math.random,
    observe: () => {},
  }
  const accepted = new Acceptances(ports)
  const lanes = new Lanes(ports.now, windowMs(timingOf(ports)))
  /** All calls about one task keep to one pace, from when its id is known. */
  const together = async <T>(taskId: string, talk: Talk, ask: (talk: Talk) => Promise<T>): Promise<T> => {
    talk.pace.lane = lanes.enter(taskId, talk.pace.lane)
    try {
      return await ask(talk)
    } finally {
      lanes.leave(taskId)
    }
  }
  /** What is asked about a task that was accepted before. */
  const about = <T>(taskId: string, run: TaskRun, ask: (talk: Talk) => Promise<T>): Promise<T> =>
    inTalk(begin(ports, { key: taskId, input: {} as TaskInput }, run), (talk) => {
      talk.follow(taskId, accepted.at(taskId))
      return together(taskId, talk, ask)
    })
  return {
    run: async ({ key, type, input, budget, memory, onAccepted, ...run }) => {
      return inTalk(begin(ports, { key, type, input: input as TaskInput, budget, memory }, run), async (talk) => {
        const answer = await submitJob(talk)
        const { task_id: taskId } = answer.task
        accepted.add(taskId)
        return together(taskId, talk, async () => {
          await onAccepted?.(answer.task)
          return (await followTask(talk, answer)).task
        })
      })
    },
    resume: async (taskId, run) => {
      return about(taskId, run, async (talk) => {
        return (await followTask(talk, { task: unread(taskId), replica: talk.job.ordinal })).task
      })
    },
    cancel: async (taskId, run) => about(taskId, run, (talk) => cancelTask(talk, taskId)),
    command: async (taskId, command, run) => about(taskId, run, (talk) => sendCommand(talk, taskId, command)),
    context: async (taskId, run) => about(taskId, run, (talk) => readContext(talk, taskId)),
    [Symbol.asyncDispose]: () => dispatcher.destroy(),
  }
}

/** Throws RangeError for what no request could be made with: each attempt would fail unsent, until the deadline. */
function requireOptions({ apis, token, timeScale }: Required<TaskClientOptions>): void {
  if (apis.length === 0) throw new RangeError('apis: name at least one')
  for (const url of apis) {
    const isAddress = URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
    if (!isAddress) throw new RangeError(`apis: "${url}" is no address of http or https`)
    // Paths are added to it: behind a query they would be a part of that. Without the text: it may hold a password.
    const { username, password } = new URL(url)
    if (/[?#]/.test(url) || username + password !== '')
      throw new RangeError('apis: an address ends with a path, and holds no query, fragment, user or password')
  }
  if (!/^[\x21-\x7e]*$/.test(token)) throw new RangeError('token: visible ASCII, without white space')
  const { least, most } = timeScales
  if (!(timeScale >= least && timeScale <= most)) throw new RangeError(`timeScale: from ${least} to ${most}`)
}

/** When this client saw tasks accepted, for as long as a replica may not know of them. */
class Acceptances {
  readonly #ports: ClientPorts
  readonly #times = new Map<string, number>()

  constructor(ports: ClientPorts) {
    this.#ports = ports
  }

  add(taskId: string): void {
    const now = this.#ports.now()
    const { unknownMs } = timingOf(this.#ports)
    for (const [known, atMs] of this.#times) {
      if (now - atMs < unknownMs) break
      this.#times.delete(known)
    }
    this.#times.set(taskId, now)
  }

  at(taskId: string): number | undefined {
    return this.#times.get(taskId)
  }
}

function begin(ports: ClientPorts, job: Pick<Job, 'key' | 'type' | 'input' | 'budget' | 'memory'>, run: TaskRun): Talk {
  const { deadlineMs, signal, onProgress } = run
  const limit = timeLimit(deadlineMs)
  // The first replica is drawn, so that clients spread.
  const whole = { ...job, ordinal: randomInt(ports.apis.length), giveUpAt: ports.now() + deadlineMs }
  const own = { ...ports, ...(onProgress && { onProgress: newerOnly(onProgress) }) }
  return new Talk(whole, own, signal ? AbortSignal.any([signal, limit]) : limit)
}

/** A stream that comes back begins where it broke, and a poll may know more by then. */
function newerOnly(onProgress: (task: Task) => void): (task: Task) => void {
  let known = 0
  return (task) => {
    if (task.version <= known) return
    known = task.version
    onProgress(task)
  }
}
