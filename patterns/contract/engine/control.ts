import type { Plan } from '../../agent/plan.ts'
import type { Command } from '../types/command.ts'
import { type Context, digestOf, openContext, type Patch } from '../types/context.ts'
import type { Commanded, ContextPatched, Interrupted, Progress, Spawned, TaskEvent } from '../types/events.ts'
import type { Head } from '../types/fold.ts'
import { isTerminal, type TaskInput, type TaskRequest, type TaskStatus } from '../types/task.ts'
import { answerEvent, failedEvent } from './log.ts'
import { patchContext } from './patch-context.ts'

/** What a task's log says of its control: all that decides what happens at the agent's next safe point. */
export interface Control {
  readonly status: TaskStatus
  /** Commands on record that have no answer yet, in order. */
  readonly pending: readonly Command[]
  /** The agent's memory; undefined: it has none. */
  readonly context: Context | undefined
  /** Of the budget and its top-ups; Infinity: there is no limit. */
  readonly creditsLeft: number
  readonly onExhausted: 'wait' | 'fail'
  /** What an agent that stands still waits for. */
  readonly waitsFor: Interrupted['reason'] | undefined
  /** Steps done, by the executor that has the task now. */
  readonly completed: number
  /** Each event that has started a sub-task, in order. */
  readonly spawned: readonly TaskEvent[]
  /** Steps that the budget has paid for: one that is done again after a crash costs nothing more. */
  readonly paid: number
}

/** What the balance of the task's principal has said of the next step: it covers it or not; undefined: nobody has asked. */
interface Asked {
  readonly isHeld?: boolean | undefined
}

/** The control of a log. It is folded event by event, so that a log of thousands costs no more per step. */
export function controlOf(log: readonly TaskEvent[]): Control {
  const [created, ...rest] = log
  return rest.reduce(controlAfter, openControl(created!))
}

export function openControl(created: TaskEvent): Control {
  const { memory, budget } = (created.data as { readonly request: TaskRequest }).request
  return {
    status: created.status,
    pending: [],
    context: memory && openContext(memory),
    creditsLeft: budget?.credits ?? Infinity,
    onExhausted: budget?.on_exhausted ?? 'wait',
    waitsFor: undefined,
    completed: 0,
    spawned: [],
    paid: 0,
  }
}

export function controlAfter(control: Control, event: TaskEvent): Control {
  const { type, status, data } = event
  const answered = data['command'] as string | undefined
  const pending = typeof answered === 'string' ? control.pending.filter(({ id }) => id !== answered) : control.pending
  const next = { ...control, status, pending, ...(status === 'running' && { waitsFor: undefined }) }
  if (type === 'task.commanded') return { ...next, pending: [...pending, (data as unknown as Commanded).command] }
  if (type === 'task.interrupted') return { ...next, waitsFor: (data as unknown as Interrupted).reason }
  if (type === 'task.topped_up') return { ...next, creditsLeft: control.creditsLeft + (data['credits'] as number) }
  if (type === 'task.spawned')
    return { ...next, spawned: [...control.spawned, event], creditsLeft: control.creditsLeft - given(data) }
  if (type === 'context.patch')
    return { ...next, context: contextAfter(control.context!, data as unknown as ContextPatched) }
  if (type === 'task.resumed') return { ...next, completed: data['step'] as number }
  if (type !== 'task.progress') return next
  const { step, credits } = data as unknown as Progress
  return { ...next, completed: step, paid: Math.max(step, control.paid), creditsLeft: control.creditsLeft - credits }
}

function given({ credits = 0 }: Partial<Spawned>): number {
  return credits
}

/** What the next step costs, and a credit for each sub-task that it has still to start, and one for the task itself. */
function costOfNext(control: Control, plan: Plan): number {
  const { completed, paid } = control
  const own = completed < paid ? 0 : (plan.steps[completed]?.credits ?? 0)
  const subTasks = unspawned(control, plan).length
  return subTasks > 0 ? own + subTasks + 1 : own
}

/** What the sub-tasks are asked for that the next step starts, and that the log has not; none: they are in it, or there are none. */
export function unspawned({ completed, spawned }: Control, plan: Plan): readonly TaskInput[] {
  const wanted = plan.steps[completed]?.spawns ?? []
  return spawned.some(({ data }) => data['step'] === completed + 1) ? [] : wanted
}

function contextAfter(context: Context, { patch }: ContextPatched): Context {
  const next = patchContext(context, patch)
  if (typeof next === 'string') throw new Error(`the log has a patch that does not apply: ${next}`)
  return next
}

/**
 * What happens before a step begins, and while the agent stands still: each command on record has its answer, in order, and a
 * step that the budget does not cover stops the agent or fails the task. Nothing: the step may begin, or the agent goes on waiting.
 */
export function atSafePoint(control: Control & Asked, head: Head, plan: Plan, time: Date): readonly TaskEvent[] {
  const { isHeld } = control
  const steps = new Appending(control, head, time)
  const costs = costOfNext(control, plan)
  while (steps.control.pending.length > 0) answer(steps, steps.control.pending[0]!, costs)
  if (steps.control.waitsFor === 'budget-exhausted' && steps.control.creditsLeft >= costs)
    steps.add('task.continued', {})
  if (steps.control.waitsFor === 'balance-exhausted' && isHeld) steps.add('task.continued', {})
  if (steps.control.status === 'running' && steps.control.creditsLeft < costs) stopFor(steps, 'budget-exhausted')
  if (steps.control.status === 'running' && isHeld === false) stopFor(steps, 'balance-exhausted')
  return steps.events
}

/** Whether it is the balance's turn: the agent runs, or stands still for want of credits there. Its own budget is asked first. */
export function asksBalance({ status, waitsFor }: Pick<Control, 'status' | 'waitsFor'>): boolean {
  return status === 'running' || waitsFor === 'balance-exhausted'
}

/** Before the last event of a task: what was asked of it, and not done, is answered too. */
export function atEnd(control: Control, head: Head, time: Date): readonly TaskEvent[] {
  const steps = new Appending(control, head, time)
  for (const { id } of control.pending) steps.add('task.command_void', { command: id, reason: 'the task has ended' })
  return steps.events
}

/** What the agent notes of a step that it has done. A human's patches may have removed where it noted those before. */
export function noteStep(control: Control, head: Head, note: Note, time: Date): readonly TaskEvent[] {
  const { context } = control
  if (!context) return []
  const steps = new Appending(control, head, time)
  const { notes, instruction = null } = context.document
  const hasNotes = typeof notes === 'object' && notes !== null && !Array.isArray(notes)
  const path = `/notes/${note.step}`
  const value = { did: note.name, instruction }
  const patch: Patch = [
    ...(hasNotes ? [] : [{ op: 'add', path: '/notes', value: {} } as const]),
    { op: 'add', path, value },
  ]
  const reason = addPatch(steps, patch, { step: note.step })
  // A memory that is full keeps what it has.
  return reason === undefined ? steps.events : []
}

export interface Note {
  readonly step: number
  readonly name: string
}

/** Events that continue a log, and the control after them. */
class Appending {
  readonly events: TaskEvent[] = []
  readonly time: Date
  control: Control
  #head: Head

  constructor(control: Control, head: Head, time: Date) {
    this.control = control
    this.#head = head
    this.time = time
  }

  get head(): Head {
    return this.#head
  }

  add(type: Parameters<typeof answerEvent>[1], data: object): void {
    this.push(answerEvent(this.#head, type, data, this.time))
  }

  push(event: TaskEvent): void {
    this.events.push(event)
    this.control = controlAfter(this.control, event)
    this.#head = event
  }
}

function answer(steps: Appending, command: Command, costs: number): void {
  const { id } = command
  const { waitsFor, creditsLeft } = steps.control
  const refuse = (reason: string): void => steps.add('task.command_void', { command: id, reason })
  if (command.type === 'steer') {
    const reason = addPatch(steps, command.patch, { command: id })
    if (reason !== undefined) refuse(reason)
  } else if (command.type === 'top_up') {
    if (creditsLeft === Infinity) refuse('the task has no budget')
    else steps.add('task.topped_up', { command: id, credits: command.credits })
  } else if (command.type === 'interrupt') {
    if (waitsFor === 'asked') refuse('the agent has stopped already')
    else steps.add('task.interrupted', { reason: 'asked', command: id })
  } else if (waitsFor === undefined) refuse('the agent is not stopped')
  else if (waitsFor === 'balance-exhausted') refuse('the balance is exhausted: it goes on when that is topped up')
  else if (creditsLeft < costs) refuse('the budget is exhausted: top it up')
  else steps.add('task.continued', { command: id })
}

/** Adds the patch, or says why it does not apply. */
function addPatch(
  steps: Appending,
  patch: Patch,
  by: { readonly command?: string; readonly step?: number },
): string | undefined {
  const { context } = steps.control
  if (!context) return 'the task has no memory'
  const next = patchContext(context, patch)
  if (typeof next === 'string') return next
  const data: ContextPatched = { ...by, base: context.version, version: next.version, digest: digestOf(next), patch }
  steps.add('context.patch', data)
  return undefined
}

function stopFor(steps: Appending, reason: 'budget-exhausted' | 'balance-exhausted'): void {
  if (steps.control.onExhausted === 'wait') return steps.add('task.interrupted', { reason })
  steps.push(failedEvent(steps.head, reason, steps.time))
}

/** Whether the task has ended, or waits for somebody. */
export function standsStill({ status }: Pick<Control, 'status'>): boolean {
  return status === 'input_required' || isTerminal(status)
}
