import { defaultPayloadConverter } from '@temporalio/common'
import { planTask } from '../../patterns/agent/plan.ts'
import { createdEvent } from '../../patterns/contract/engine/log.ts'
import type { TaskRequest } from '../../patterns/contract/types/task.ts'
import { type HistoryEvent, openTaskLog, type TaskLog } from '../../patterns/engines/temporal/history.ts'
import type { Accepted, Decider, Ending, StepResult } from '../../patterns/engines/temporal/protocol.ts'

const input = { seed: 7, profile: 'smoke', job: 'it' }
export const plan = planTask(input, 1)

/** A task of three steps, as the API hands it to its workflow. */
export function acceptedFor(asked: Partial<TaskRequest> = {}): Accepted {
  return {
    created: createdEvent('task_it', { type: 'agent', input, ...asked }, plan, new Date(0)),
    fingerprint: 'f',
    pace: { tuning: 'tuned', timeScale: 1 },
    stepDurationsMs: plan.steps.map(({ durationMs }) => durationMs),
    spawningSteps: [],
    owesCallback: false,
  }
}

/** An event of a history, as a server tells it: but for its id and time, which follow from its place. */
export type Part = Partial<HistoryEvent>

const payloads = (value: unknown) => ({ payloads: [defaultPayloadConverter.toPayload(value)!] })

export const parts = {
  started: (accepted: Accepted): Part => ({ workflowExecutionStartedEventAttributes: { input: payloads(accepted) } }),
  decided: { workflowTaskCompletedEventAttributes: { identity: 'worker-1' } } as Part,
  cancelRequested: { workflowExecutionCancelRequestedEventAttributes: {} } as Part,
  terminated: { workflowExecutionTerminatedEventAttributes: {} } as Part,
  scheduled: (name: string, asked: unknown = {}): Part => ({
    activityTaskScheduledEventAttributes: { activityType: { name }, input: payloads(asked) },
  }),
  answered: (result: StepResult | undefined, scheduledEventId: number): Part => ({
    activityTaskCompletedEventAttributes: { result: payloads(result), scheduledEventId: scheduledEventId as never },
  }),
  marked: (decider: Decider): Part => ({ markerRecordedEventAttributes: { details: { result: payloads(decider) } } }),
  signalled: (command: unknown, signalName = 'command'): Part => ({
    workflowExecutionSignaledEventAttributes: {
      signalName,
      ...(command !== undefined && { input: payloads(command) }),
    },
  }),
  closed: (ending: Ending): Part => ({ workflowExecutionCompletedEventAttributes: { result: payloads(ending) } }),
}

/** Read page by page, as a follower gets it. Ids count from 1. */
export function logOf(...history: readonly Part[]): TaskLog {
  const log = openTaskLog()
  for (const [i, part] of history.entries())
    log.add([{ ...part, eventId: (i + 1) as never, eventTime: { seconds: i as never, nanos: 0 } }])
  return log
}

export function typesOf(...history: readonly Part[]): readonly string[] {
  return logOf(...history).events.map(({ type }) => type)
}
