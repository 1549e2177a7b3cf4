import * as restate from '@restatedev/restate-sdk'
import * as agent from '../../agent/work.ts'
import type { WorkPlan } from '../../contract/engine/workplace.ts'
import { controlOf } from '../../contract/engine/control.ts'
import { afterStep, stops, deadlineOf } from '../../contract/engine/after-step.ts'
import type { CallbackAttempt } from '../../contract/types/callback.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import {
  cancelledEvent,
  cancelRequestedEvent,
  expiredEvent,
  failedEvent,
  resumedEvent,
  startedEvent,
} from '../../contract/engine/log.ts'
import { completedSteps, foldEvents, requestOf } from '../../contract/types/fold.ts'
import { postCallback } from '../../contract/engine/post-callback.ts'
import { isTerminal } from '../../contract/types/task.ts'
import type { Executor, StepResult, Work } from './executor.ts'
import { type Accepted, cancelPromise, eventKey, type Snapshot, type State, workflowName } from './protocol.ts'

type Run = restate.WorkflowContext<State>
type Shared = restate.WorkflowSharedContext<State>
const { shared, workflow } = restate.handlers.workflow
/** Questions leave no trace in the server. */
const asked = { journalRetention: 0 }

/** One workflow per task: `run` performs it, the other handlers read its log, wait for more of it, or ask `run` to stop. */
export function taskWorkflow(executor: Executor) {
  return restate.workflow({
    name: workflowName,
    options: executor.options,
    handlers: {
      run: workflow({}, (ctx: Run, accepted: Accepted) => performTask(ctx, accepted, executor)),
      read: shared(asked, readSnapshot),
      // It reads no state, so none is sent to it.
      event: shared({ ...asked, enableLazyState: true }, awaitEvent),
      cancel: shared(asked, askToCancel),
    },
  })
}

async function readSnapshot(ctx: Shared): Promise<Snapshot> {
  const log: TaskEvent[] = []
  for (let event = await ctx.get(eventKey(1)); event; event = await ctx.get(eventKey(log.length + 1))) log.push(event)
  return { log, fingerprint: await ctx.get('fingerprint') }
}

/** Event `seq`, as soon as there is one. */
function awaitEvent(ctx: Shared, seq: number): Promise<TaskEvent> {
  return ctx.promise<TaskEvent>(eventKey(seq)).get()
}

async function askToCancel(ctx: Shared, { time }: { time: string }): Promise<void> {
  const request = ctx.promise<string>(cancelPromise)
  if ((await request.peek()) !== undefined) return
  await withFaultPoints('restate.ask', async () => request.resolve(time))
}

/** What may happen to a task while a step is in flight; `at` is milliseconds since 1970, journaled. */
type Happening = StepResult | { readonly kind: 'cancel' | 'expire'; readonly at: number }

/**
 * Perform a task from its first step to its end. After a crash the server calls it again and replays its journal up to
 * the step in flight, so everything here follows from the input and from journaled results: whatever else (the clock,
 * who executes, effects) happens inside `ctx.run`.
 */
async function performTask(ctx: Run, accepted: Accepted, executor: Executor): Promise<void> {
  ctx.set('fingerprint', accepted.fingerprint)
  const log = openLog(ctx)
  await log.append(accepted.created)
  const plan = agent.plan(requestOf(log.events).input, executor.timeScale)
  try {
    await performSteps(ctx, plan, log, executor)
  } finally {
    executor.forget(ctx.key)
  }
  await oweCallback(ctx, log.events, executor)
}

/** Each attempt is journaled. Each wait takes a place in the server alone. */
async function oweCallback(ctx: Run, log: readonly TaskEvent[], executor: Executor): Promise<void> {
  const url = requestOf(log).delivery?.webhook_url
  if (url === undefined) return
  const attempt = (earlier: readonly CallbackAttempt[]) => {
    const notify = async () => ctx.run('notify', () => executor.notify({ task: foldEvents(log), url, earlier }))
    return withFaultPoints('restate.notify', notify)
  }
  await postCallback(attempt, (delayMs) => ctx.sleep(delayMs, 'next attempt'))
}

async function performSteps(ctx: Run, plan: WorkPlan, log: Log, executor: Executor): Promise<void> {
  let by = await withFaultPoints('restate.open', async () => ctx.run('open', () => executor.open()))
  await log.append(startedEvent(log.head, plan, by.executor, new Date(by.at)))
  const interruptions = interruptionsOf(ctx, log.events, executor.timeScale)
  while (!isTerminal(log.head.status)) {
    const { step, digest } = completedSteps(log.events)
    const work = { taskId: ctx.key, plan, step: step + 1, digest, attempt: log.head.attempt, life: by.life }
    const race = () => raceStep(ctx, { ...work, job: requestOf(log.events).input.job }, interruptions, executor)
    const happened = await withFaultPoints('restate.step', race)
    for (const event of eventsOf(happened, plan, step, log)) await log.append(event)
    if (happened.kind === 'resumed') by = happened
  }
}

/** Made once: an error with a stack for every step would cost more than the step's bookkeeping. */
const over = new Error('the step is over')

/** The step, unless something ends the task first. Then the step is aborted, and its answer is ignored. */
async function raceStep(
  ctx: Run,
  work: Work,
  interruptions: readonly restate.RestatePromise<Happening>[],
  executor: Executor,
): Promise<Happening> {
  const dropped = new AbortController()
  const { attemptCompletedSignal } = ctx.request()
  const { name } = work.plan.steps[work.step - 1]!
  const step = ctx.run<Happening>(name, () => executor.perform(work, attemptCompletedSignal, dropped.signal))
  const happened = await restate.RestatePromise.race([step, ...interruptions])
  dropped.abort(over)
  return happened
}

function interruptionsOf(ctx: Run, log: readonly TaskEvent[], timeScale: number): restate.RestatePromise<Happening>[] {
  const cancelled = ctx.promise<string>(cancelPromise).get()
  const cancel = cancelled.map((time): Happening => ({ kind: 'cancel', at: Date.parse(time!) }))
  const at = deadlineOf(log, timeScale)
  if (at === undefined) return [cancel]
  const expire = ctx
    .sleep(Math.ceil(Math.max(0, at - Date.now())), 'deadline')
    .map((): Happening => ({ kind: 'expire', at }))
  return [cancel, expire]
}

/** What a happening adds to the log after `completed` steps. */
function eventsOf(happened: Happening, plan: WorkPlan, completed: number, { head, events }: Log): readonly TaskEvent[] {
  const time = new Date(happened.at)
  if (happened.kind === 'done') {
    const { digest, credits } = happened
    return afterStep({ head, control: controlOf(events) }, plan, { step: completed + 1, digest, credits }, time)
  }
  if (happened.kind === 'resumed') return [resumedEvent(head, plan, { executor: happened.executor, completed }, time)]
  if (happened.kind === 'refused') return [failedEvent(head, happened.reason, time)]
  if (happened.kind === 'expire') return [expiredEvent(head, stops.expire.message, time)]
  const requested = cancelRequestedEvent(head, time)
  return [requested, cancelledEvent(requested, time)]
}

interface Log {
  readonly events: readonly TaskEvent[]
  readonly head: TaskEvent
  /** Into the state, for readers. It also resolves the promise that followers wait for. */
  append(event: TaskEvent): Promise<void>
}

function openLog(ctx: Run): Log {
  const events: TaskEvent[] = []
  return {
    events,
    get head() {
      return events.at(-1)!
    },
    append: async (event) => {
      events.push(event)
      ctx.set(eventKey(event.seq), event)
      await withFaultPoints('restate.append', async () => ctx.promise<TaskEvent>(eventKey(event.seq)).resolve(event))
    },
  }
}
