import { defaultPayloadConverter } from '@temporalio/common'
import type { temporal } from '@temporalio/proto'
import type { Plan } from '../../agent/plan.ts'
import * as agent from '../../agent/work.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { atEnd, atSafePoint, noteStep } from '../../contract/engine/control.ts'
import { KnownLog } from '../../contract/engine/known-log.ts'
import {
  answerEvent,
  cancelledEvent,
  cancelRequestedEvent,
  commandedEvent,
  completedEvent,
  resultOf,
  expiredEvent,
  failedEvent,
  progressEvent,
  rejectedEvent,
  resumedEvent,
  startedEvent,
} from '../../contract/engine/log.ts'
import { requestOf } from '../../contract/types/fold.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { type Mailbox, openMailbox } from './mailbox.ts'
import { type Accepted, commandSignal, type Decider, type Ending, spawnedBy, type StepResult } from './protocol.ts'
import { openResumptions, type Resumptions } from './resumptions.ts'
import { commandIn } from './safe-point.ts'

export type HistoryEvent = temporal.api.history.v1.IHistoryEvent
type Payloads = temporal.api.common.v1.IPayloads | null | undefined

/** A task's log as it is read out of a workflow's history, page by page: the server stores the history, and nothing stores the log. */
export interface TaskLog {
  readonly events: readonly TaskEvent[]
  /** The workflow's input. Throws before the first page was added. */
  readonly accepted: Accepted
  add(page: readonly HistoryEvent[]): void
}

/** The history is append-only and each of its events means the same events of the task to every reader: gapless, and one end. */
export function openTaskLog(): TaskLog {
  const events: TaskEvent[] = []
  const scheduled = new Map<string, string>()
  let accepted: Accepted | undefined
  let reading: Reading | undefined

  function open(input: Payloads): void {
    accepted = decode(input) as Accepted
    events.push(accepted.created)
    const plan = agent.plan(requestOf(events).input, accepted.pace.timeScale)
    const [resumptions, mailbox] = [openResumptions(), openMailbox()]
    reading = { plan, log: new KnownLog(events), scheduled, resumptions, mailbox }
  }

  function addOne(event: HistoryEvent): void {
    const started = event.workflowExecutionStartedEventAttributes
    if (started) return open(started.input)
    const activity = event.activityTaskScheduledEventAttributes
    if (activity) scheduled.set(String(event.eventId), activity.activityType?.name ?? '')
    if (!reading || isTerminal(reading.log.head.status)) return
    const next = eventsOf(event, reading, timeOf(event))
    events.push(...next)
    reading.log.add(next)
  }

  return {
    events,
    get accepted() {
      if (!accepted) throw new Error('a history begins with the start of its workflow')
      return accepted
    },
    add: (page) => page.forEach(addOne),
  }
}

interface Reading {
  readonly plan: Plan
  readonly log: KnownLog
  /** Types of activities, by the id of their event. */
  readonly scheduled: ReadonlyMap<string, string>
  readonly resumptions: Resumptions
  readonly mailbox: Mailbox
}

/** What one event of the history adds to the log. Most add nothing: they are the server's own bookkeeping. */
function eventsOf(event: HistoryEvent, reading: Reading, time: Date): readonly TaskEvent[] {
  const { head } = reading.log
  const decided = event.workflowTaskCompletedEventAttributes
  // A worker has the task from its first decision on.
  if (decided) return head.status === 'queued' ? [startedEvent(head, reading.plan, decided.identity ?? '', time)] : []
  if (event.workflowExecutionCancelRequestedEventAttributes)
    return head.status === 'cancelling' ? [] : [cancelRequestedEvent(head, time)]
  const signal = event.workflowExecutionSignaledEventAttributes
  if (signal) return signal.signalName === commandSignal ? onSignal(decode(signal.input), reading, time) : []
  const decider = deciderIn(event)
  if (decider) return onDecision(decider, reading, time)
  const done = event.activityTaskCompletedEventAttributes
  if (done && reading.scheduled.get(String(done.scheduledEventId)) === 'step')
    return onStep(decode(done.result) as StepResult, reading, time)
  const ending = endingIn(event, head)
  return ending ? onEnd(ending, reading, time) : []
}

/** Its place in the history is its place in the log. One that comes after a request to cancel comes too late. */
function onSignal(signalled: unknown, { log, mailbox }: Reading, time: Date): readonly TaskEvent[] {
  if (!mailbox.receive(signalled) || log.head.status === 'cancelling') return []
  return commandIn(signalled).map((command) => commandedEvent(log.head, command, time))
}

/** A safe point, if anything was to be decided. Commands that came while that was decided wait for the next one. */
function onDecision(decider: Decider, { plan, log, resumptions, mailbox }: Reading, time: Date): readonly TaskEvent[] {
  const { head, control } = log
  const { executor, standing } = decider
  const resumed = resumptions.decidedBy(decider)
    ? [resumedEvent(head, plan, { executor, completed: control.completed }, time)]
    : []
  if (!standing || head.status === 'cancelling') return resumed
  const taken = mailbox.first(standing.taken)
  const known = { ...control, pending: control.pending.filter(({ id }) => taken.has(id)) }
  const answers = atSafePoint(known, resumed[0] ?? head, plan, time)
  // An end is the workflow's to say: before it the commands are answered that came meanwhile.
  const begun = [...resumed, ...answers.filter(({ status }) => !isTerminal(status))]
  return (decider.spawned ?? []).reduce<readonly TaskEvent[]>((events, subTask) => {
    const data = spawnedBy(control.completed + 1, subTask)
    return [...events, answerEvent(events.at(-1) ?? head, 'task.spawned', data, time)]
  }, begun)
}

function onStep(result: StepResult, { plan, log, resumptions }: Reading, time: Date): readonly TaskEvent[] {
  const { head, control } = log
  const { completed } = control
  if (result.kind === 'refused') return []
  if (result.kind === 'resumed') {
    resumptions.stepResumed()
    return [resumedEvent(head, plan, { executor: result.executor, completed }, time)]
  }
  const step = completed + 1
  const noted = noteStep(control, head, { step, name: plan.steps[completed]!.name }, time)
  return [...noted, progressEvent(noted.at(-1) ?? head, plan, { step, ...result }, time)]
}

function onEnd(ending: End, { plan, log }: Reading, time: Date): readonly TaskEvent[] {
  const voided = atEnd(log.control, log.head, time)
  const head = voided.at(-1) ?? log.head
  // Somebody has cancelled a task above this one: the log does not say so yet.
  const asked = ending.kind === 'cancelled' && head.status !== 'cancelling' ? [cancelRequestedEvent(head, time)] : []
  return [...voided, ...asked, endEvent(ending, asked[0] ?? head, plan, time)]
}

/** The only local activity is that by which a decider names itself. */
function deciderIn(event: HistoryEvent): Decider | undefined {
  const result = event.markerRecordedEventAttributes?.details?.['result']
  return result ? (decode(result) as Decider) : undefined
}

type End = Ending | { readonly kind: 'rejected' }

/** The end is on record as input of the callback, where one is owed, else as the workflow's result; or the server says it. */
function endingIn(event: HistoryEvent, { status }: TaskEvent): End | undefined {
  const activity = event.activityTaskScheduledEventAttributes
  if (activity?.activityType?.name === 'notify') return decode(activity.input) as Ending
  const completed = event.workflowExecutionCompletedEventAttributes
  if (completed) return decode(completed.result) as Ending
  if (event.workflowExecutionTimedOutEventAttributes) return { kind: 'expired', reason: 'the workflow timed out' }
  const reason =
    event.workflowExecutionFailedEventAttributes?.failure?.message ??
    (event.workflowExecutionTerminatedEventAttributes && 'somebody terminated the workflow')
  if (reason === undefined || reason === null) return undefined
  return status === 'queued' ? { kind: 'rejected' } : { kind: 'failed', reason }
}

function endEvent(ending: End, head: TaskEvent, plan: Plan, time: Date): TaskEvent {
  switch (ending.kind) {
    case 'completed':
      return completedEvent(head, resultOf(plan, ending.digest), time)
    case 'cancelled':
      return cancelledEvent(head, time)
    case 'failed':
      return failedEvent(head, ending.reason, time)
    case 'expired':
      return expiredEvent(head, ending.reason, time)
    default:
      return rejectedEvent(head, 'somebody terminated the workflow', time)
  }
}

/** The first of them; undefined where there is none. */
function decode(payloads: Payloads): unknown {
  const [payload] = payloads?.payloads ?? []
  return payload && defaultPayloadConverter.fromPayload(payload)
}

function timeOf({ eventTime }: HistoryEvent): Date {
  return new Date(Number(eventTime?.seconds ?? 0) * 1000 + (eventTime?.nanos ?? 0) / 1e6)
}
