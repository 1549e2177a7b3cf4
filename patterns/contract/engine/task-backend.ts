import { hash } from 'node:crypto'
import type { Backend, Deliveries, ShownAccounts, Submission, TaskAccess } from './backend.ts'
import type { Command, CommandAck } from '../types/command.ts'
import type { TaskEvent } from '../types/events.ts'
import { isOnRecord, requireTakes } from './commands.ts'
import { withFaultPoints } from './fault-point.ts'
import { foldEvents } from '../types/fold.ts'
import { isTerminal, type Task } from '../types/task.ts'
import * as agent from '../../agent/work.ts'
import type { WorkPlan } from './workplace.ts'
import { createdEvent } from './log.ts'
import { ProblemError } from '../types/problems.ts'
import { timeLimit } from '../types/timer.ts'

/** Logs of tasks as an API node uses them: it inserts tasks, asks to cancel them, and reads. Workers do the rest. */
export interface TaskLogs extends AsyncDisposable {
  /** Store a new task. Resolves when it is as durable as it ever will be, or with the task that its key has already. */
  insert(task: NewTask): Promise<KnownTask | undefined>
  /** The whole log; undefined for an unknown task. */
  read(taskId: string): Promise<readonly TaskEvent[] | undefined>
  /** As `Backend.follow`. */
  follow(taskId: string, after: number, signal: AbortSignal): AsyncIterable<TaskEvent>
  /** Request the cancellation of a task that has not ended, given its log. False: the log has grown meanwhile, read it again. */
  requestCancel(log: readonly TaskEvent[]): Promise<boolean>
  /**
   * Put a command on record for a task that takes it, given its log. `known`: it was there, where the log shows it later.
   * `stale`: the log has grown meanwhile, read it again. Throws problems as `Backend.command`. Absent: no commands here.
   */
  requestCommand?(log: readonly TaskEvent[], command: Command): Promise<'recorded' | 'known' | 'stale'>
  /**
   * Note for good that somebody has asked to cancel this task, whatever its state is: sub-tasks ask for it (`sub-tasks.ts`).
   * Absent: no task has any here.
   */
  cancelSubTasks?(taskId: string): Promise<void>
  readonly deliveries?: Deliveries
  readonly accounts?: ShownAccounts | undefined
}

export interface BackendOptions {
  readonly timeScale: number
  /** The id of a new task. By default it follows from the key. */
  readonly idOf?: (key: string) => string
}

/** The backend of an engine that keeps such logs. */
export function backendOver(logs: TaskLogs, { timeScale, idOf = taskIdOf }: BackendOptions): Backend {
  const read = async (taskId: string): Promise<Task | undefined> => {
    const log = await logs.read(taskId)
    return log && foldEvents(log)
  }
  return {
    submit: async (submission) => {
      const task = newTask(submission, timeScale, idOf(submission.key))
      if (!logs.cancelSubTasks) refuseSubTasks(task)
      return acceptOnce(task, (fresh) => logs.insert(fresh))
    },
    read,
    events: async (taskId, after) => (await logs.read(taskId))?.slice(after),
    follow: (taskId, after, signal) => logs.follow(taskId, after, signal),
    cancel: (taskId) => cancelTask(logs, taskId),
    ...(logs.requestCommand && { command: (taskId, command) => putCommand(logs, taskId, command) }),
    ...(logs.deliveries && { deliveries: logs.deliveries }),
    ...(logs.accounts && { accounts: logs.accounts }),
    [Symbol.asyncDispose]: () => logs[Symbol.asyncDispose](),
  }
}

/** Sub-tasks are cancelled first: what the task starts until it knows is cancelled, too. Undefined: no such task. */
async function cancelTask(logs: TaskLogs, taskId: string): Promise<Task | undefined> {
  for (let isNoted = logs.cancelSubTasks === undefined; ;) {
    const log = await logs.read(taskId)
    if (!log) return undefined
    if (!isNoted) await withFaultPoints('family.cancel', () => logs.cancelSubTasks!(taskId))
    isNoted = true
    const { status } = log.at(-1)!
    if (isTerminal(status) || status === 'cancelling') return foldEvents(log)
    if (await logs.requestCancel(log)) return foldEvents((await logs.read(taskId))!)
  }
}

/** Throws the problem `not-supported` where its work would start sub-tasks: it must not begin what it cannot go on with. */
function refuseSubTasks({ plan: { steps } }: NewTask): void {
  if (steps.some(({ spawns }) => spawns))
    throw new ProblemError('not-supported', 'the engine behind this server starts no sub-tasks')
}

/** Undefined: no such task. Throws problems, as `Backend.command` says. */
async function putCommand(logs: TaskLogs, taskId: string, command: Command): Promise<CommandAck | undefined> {
  for (;;) {
    const log = await logs.read(taskId)
    if (!log) return undefined
    if (isOnRecord(log, command)) return { replayed: true }
    requireTakes(log, command)
    const outcome = await logs.requestCommand!(log, command)
    if (outcome !== 'stale') return { replayed: outcome === 'known' }
  }
}

/**
 * Until the events after a request to cancel show what came of it: for engines whose worker writes them later. Where none
 * does in time, the request is on record all the same, and nobody waits for a worker that may be down for hours.
 */
export async function untilCancelShows(
  follow: (signal: AbortSignal) => AsyncIterable<TaskEvent>,
  withinMs = 10_000,
): Promise<void> {
  const shown = follow(timeLimit(withinMs))
  for await (const { status } of shown) if (status === 'cancelling' || isTerminal(status)) return
}

/** A submission with the task that it is to become. Nothing is stored yet. */
export interface NewTask extends Submission {
  readonly taskId: string
  readonly plan: WorkPlan
  readonly created: TaskEvent
}

/** The task that an idempotency key has already. */
export interface KnownTask {
  readonly fingerprint: string | null
  readonly log: readonly TaskEvent[]
}

/**
 * The id that follows from a key. The store refuses a second task of one id, so there is no race and no index of keys.
 */
export function taskIdOf(key: string): string {
  return `task_${hash('sha256', key, 'hex').slice(0, 32)}`
}

export function newTask(submission: Submission, timeScale: number, taskId: string): NewTask {
  const { request } = submission
  const plan = agent.plan(request.input, timeScale)
  const now = new Date()
  const created = createdEvent(taskId, request, plan, now)
  return { ...submission, taskId, plan, created: withAccess(created, submission.access, now) }
}

function withAccess(created: TaskEvent, access: TaskAccess | undefined, now: Date): TaskEvent {
  if (!access) return created
  const { principal, tools, mint } = access
  const granted = { principal, tools, ...(mint && { grant: mint(created.task_id, now) }) }
  return { ...created, data: { ...created.data, ...granted } }
}

/**
 * Accepts a task once per key. `insert` stores it and resolves with nothing, or resolves with the task that the key has
 * already. After a lost answer a repeated insert finds its own first try: that is a replay too.
 * Throws the problem `idempotency-key-reused` when the key belongs to another request.
 */
export async function acceptOnce(
  task: NewTask,
  insert: (task: NewTask) => Promise<KnownTask | undefined>,
): Promise<{ readonly task: Task; readonly replayed: boolean }> {
  const known = await insert(task)
  if (!known) return { task: foldEvents([task.created]), replayed: false }
  if (known.fingerprint === task.fingerprint) return { task: foldEvents(known.log), replayed: true }
  const taskId = known.log[0]?.task_id ?? task.taskId
  throw new ProblemError('idempotency-key-reused', 'this Idempotency-Key came with another request', taskId)
}
