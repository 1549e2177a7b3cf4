import type { Plan } from '../../agent/plan.ts'
import * as agent from '../../agent/work.ts'
import type { Spawned, TaskEvent } from '../types/events.ts'
import { ancestorsOf, subTaskId } from '../types/family.ts'
import type { SpawnLimits } from '../types/settings.ts'
import type { TaskRequest } from '../types/task.ts'
import { monotonicMs } from '../types/timer.ts'
import { deadlineOf, type Progressed } from './after-step.ts'
import { atEnd, unspawned } from './control.ts'
import { withFaultPoints } from './fault-point.ts'
import { answerEvent, createdEvent, failedEvent } from './log.ts'
import type { NewTask } from './task-backend.ts'

/** Four generations at most, and no more than 585 tasks in all of them. */
export const defaultSpawnLimits: SpawnLimits = { depth: 3, width: 8 }

/** Sub-tasks as an executor makes them: in the engine's own store, and durably. Absent: this engine has none. */
export interface SubTasks {
  readonly limits: SpawnLimits
  /** Accepts a task on the way on which those of clients are. One that is there already stays as it is. */
  accept(task: NewTask): Promise<unknown>
  /** Whether somebody has asked to cancel one of these tasks, in whatever state it was. */
  isCancelled(taskIds: readonly string[]): Promise<boolean>
}

/**
 * Before a step: the sub-tasks that it starts, in the log of their parent and not accepted yet, so that the log names each one
 * that there may ever be. All of a step, or none: where there would be too many the task fails. Nothing: they are in the log.
 */
export function spawnFor(
  { head, control }: Progressed,
  plan: Plan,
  limits: SpawnLimits,
  time: Date,
): readonly TaskEvent[] {
  const wanted = unspawned(control, plan)
  if (wanted.length === 0 || head.status !== 'running') return []
  const flaw = flawOf(head.task_id, control.spawned.length + wanted.length, limits)
  if (flaw) {
    const voided = atEnd(control, head, time)
    return [...voided, failedEvent(voided.at(-1) ?? head, flaw, time)]
  }
  const step = control.completed + 1
  const credits = shareOf(control.creditsLeft - (plan.steps[control.completed]!.credits ?? 0), wanted.length)
  return wanted.reduce<readonly TaskEvent[]>((events, input, i) => {
    const data = { sub_task: subTaskId(head.task_id, step, i + 1), step, input, ...credits } satisfies Spawned
    return [...events, answerEvent(events.at(-1) ?? head, 'task.spawned', data, time)]
  }, [])
}

function flawOf(taskId: string, width: number, limits: SpawnLimits): string | undefined {
  if (ancestorsOf(taskId).length >= limits.depth) return 'spawn-depth-exceeded'
  return width > limits.width ? 'spawn-width-exceeded' : undefined
}

/** Of a budget each sub-task gets an equal part, and the task itself keeps one. Nothing comes back. */
function shareOf(left: number, subTasks: number): Pick<Spawned, 'credits'> {
  return left === Infinity ? {} : { credits: Math.floor(left / (subTasks + 1)) }
}

/**
 * The task that an event of its parent's log starts: whoever makes it again makes the same one. Principal and grant are the
 * parent's, and so is its deadline.
 */
export function subTaskOf(parent: TaskEvent, spawned: TaskEvent, timeScale: number): NewTask {
  const { sub_task: taskId, input, credits } = spawned.data as unknown as Spawned
  const { request: parents, principal, tools, grant } = parent.data as unknown as Inherited
  const { budget } = parents
  const deadlineS = deadlineLeftS(parent, spawned, timeScale)
  const request: TaskRequest = {
    type: 'agent',
    input,
    ...(parents.tools && { tools: parents.tools }),
    ...(deadlineS !== undefined && { deadline_s: deadlineS }),
    ...(budget && credits !== undefined && { budget: { ...budget, credits } }),
  }
  const plan = agent.plan(input, timeScale)
  const created = createdEvent(taskId, request, plan, new Date(spawned.time))
  const inherited = {
    parent: parent.task_id,
    ...(principal && { principal }),
    ...(tools && { tools }),
    ...(grant && { grant }),
  }
  const data = { ...created.data, ...inherited }
  // No client's key has a space.
  return { key: `sub-task ${taskId}`, fingerprint: taskId, request, taskId, plan, created: { ...created, data } }
}

interface Inherited {
  readonly request: TaskRequest
  readonly principal?: string
  readonly tools?: readonly string[]
  readonly grant?: string
}

/** Until the parent's own deadline, which had not passed. */
function deadlineLeftS(parent: TaskEvent, { time }: TaskEvent, timeScale: number): number | undefined {
  const endsAt = deadlineOf([parent], timeScale)
  return endsAt === undefined ? undefined : Math.max(1, endsAt - Date.parse(time)) * (timeScale / 1000)
}

/** Ids of the sub-tasks that a log names, in order. */
export function subTasksIn(log: readonly TaskEvent[]): readonly string[] {
  return log.flatMap(({ type, data }) => (type === 'task.spawned' ? (data as unknown as Spawned).sub_task : []))
}

/** Accepts the sub-tasks of the next step, which are in the log. Whoever does it again finds them there. */
export async function acceptSpawned(
  subTasks: Pick<SubTasks, 'accept'>,
  created: TaskEvent,
  { control }: Pick<Progressed, 'control'>,
  timeScale: number,
): Promise<void> {
  const due = control.spawned.filter(({ data }) => data['step'] === control.completed + 1)
  for (const spawned of due)
    await withFaultPoints('sub-task.accept', () => subTasks.accept(subTaskOf(created, spawned, timeScale)))
}

/** An answer is about now: after a longer wait for it, in milliseconds, it is asked for again. */
export const freshAnswerMs = 1000

/** Whether a task above this one is cancelled: then no step of it may begin. The task of a client asks nothing. */
export async function isCancelledAbove(
  { isCancelled }: Pick<SubTasks, 'isCancelled'>,
  taskId: string,
): Promise<boolean> {
  const above = ancestorsOf(taskId)
  if (above.length === 0) return false
  for (;;) {
    const askedAt = monotonicMs()
    if (await isCancelled(above)) return true
    if (monotonicMs() - askedAt <= freshAnswerMs) return false
  }
}
