import { defaultPayloadConverter } from '@temporalio/common'
import type { temporal } from '@temporalio/proto'
import type { Plan } from '../../agent/plan.ts'
import * as agent from '../../agent/work.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import {
  cancelledEvent,
  cancelRequestedEvent,
  completedEvent,
  resultOf,
  expiredEvent,
  failedEvent,
  progressEvent,
  rejectedEvent,
  resumedEvent,
  startedEvent,
} from '../../contract/engine/log.ts'
import { completedSteps, requestOf } from '../../contract/types/fold.ts'
import { isTerminal } from '../../contract/types/task.ts'
import type { Accepted, Decider, Ending, StepResult } from './protocol.ts'
import { openResumptions, type Resumptions } from './resumptions.ts'

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
  const resumptions = openResumptions()
  let accepted: Accepted | undefined
  let plan: Plan | undefined

  function open(input: Payloads): void {
    accepted = decode(input) as Accepted
    events.push(accepted.created)
    plan = agent.plan(requestOf(events).input, accepted.pace.timeScale)
  }

  function addOne(event: HistoryEvent): void {
    const started = event.workflowExecutionStartedEventAttributes
    if (started) return open(started.input)
    const activity = event.activityTaskScheduledEventAttributes
    if (activity) scheduled.set(String(event.eventId), activity.activityType?.name ?? '')
    if (!plan || isTerminal(events.at(-1)!.status)) return
    events.push(...eventsOf(event, events, plan, { scheduled, resumptions }))
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
  /** Types of activities, by the id of their event. */
  readonly scheduled: ReadonlyMap<string, string>
  readonly resumptions: Resumptions
}

/** What one event of the history adds to the log. Most add nothing: they are the server's own bookkeeping. */
function eventsOf(
  event: HistoryEvent,
  log: readonly TaskEvent[],
  plan: Plan,
  { scheduled, resumptions }: Reading,
): readonly TaskEvent[] {
  const head = log.at(-1)!
  const time = timeOf(event)
  const decided = event.workflowTaskCompletedEventAttributes
  // A worker has the task from its first decision on.
  if (decided) return head.status === 'queued' ? [startedEvent(head, plan, decided.identity ?? '', time)] : []
  if (event.workflowExecutionCancelRequestedEventAttributes)
    return head.status === 'cancelling' ? [] : [cancelRequestedEvent(head, time)]
  const decider = deciderIn(event)
  if (decider && resumptions.decidedBy(decider))
    return [resumedEvent(head, plan, { executor: decider.executor, completed: completedSteps(log).step }, time)]
  const done = event.activityTaskCompletedEventAttributes
  if (done && scheduled.get(String(done.scheduledEventId)) === 'step') {
    const result = decode(done.result) as StepResult
    if (result.kind === 'resumed') resumptions.stepResumed()
    return afterStep(result, log, plan, time)
  }
  const ending = endingIn(event, head)
  return ending ? [endEvent(ending, head, plan, time)] : []
}

function afterStep(result: StepResult, log: readonly TaskEvent[], plan: Plan, time: Date): readonly TaskEvent[] {
  const head = log.at(-1)!
  const { step } = completedSteps(log)
  if (result.kind === 'resumed') return [resumedEvent(head, plan, { executor: result.executor, completed: step }, time)]
  if (result.kind === 'refused') return []
  return [progressEvent(head, plan, { step: step + 1, ...result }, time)]
}

/** The only local activity is that by which a decider names itself. */
function deciderIn(event: HistoryEvent): Decider | undefined {
  const result = event.markerRecordedEventAttributes?.details?.['result']
  return result ? (decode(result) as Decider) : undefined
}

/** The end is on record as input of the callback, where one is owed, else as the workflow's result; or the server says it. */
function endingIn(event: HistoryEvent, { status }: TaskEvent): Ending | { readonly kind: 'rejected' } | undefined {
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

function endEvent(ending: Ending | { readonly kind: 'rejected' }, head: TaskEvent, plan: Plan, time: Date): TaskEvent {
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

function decode(payloads: Payloads): unknown {
  return defaultPayloadConverter.fromPayload(payloads!.payloads![0]!)
}

function timeOf({ eventTime }: HistoryEvent): Date {
  return new Date(Number(eventTime?.seconds ?? 0) * 1000 + (eventTime?.nanos ?? 0) / 1e6)
}
