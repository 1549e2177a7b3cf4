import { RestatePromise, type WorkflowContext } from '@restatedev/restate-sdk'
import { planTask, type AgentPlan } from '../../agent/plan.ts'
import type { CallbackAttempt } from '../../contract/types/callback.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import {
  cancelledEvent,
  cancelRequestedEvent,
  completedEvent,
  completedSteps,
  expiredEvent,
  failedEvent,
  foldEvents,
  progressEvent,
  requestOf,
  resumedEvent,
  startedEvent,
} from '../../contract/engine/log.ts'
import { isTerminal } from '../../contract/types/task.ts'
import type { Executor, StepResult, Work } from './executor.ts'
import { type Accepted, cancelPromise, eventKey, type State } from './protocol.ts'

type Run = WorkflowContext<State>

/** What may happen to a task while a step is in flight; `at` is milliseconds since 1970, journaled. */
type Happening = StepResult | { readonly kind: 'cancel' | 'expire'; readonly at: number }

/**
 * Perform a task from its first step to its end. After a crash the server calls it again and replays its journal up to
 * the step in flight, so everything here follows from the input and from journaled results: whatever else (the clock,
 * who executes, effects) happens inside `ctx.run`.
 */
export async function performTask(ctx: Run, accepted: Accepted, executor: Executor): Promise<void> {
  ctx.set('fingerprint', accepted.fingerprint)
  const log = openLog(ctx)
  await log.append(accepted.created)
  const plan = planTask(requestOf(log.events).input, executor.timeScale)
  try {
    await performSteps(ctx, plan, log, executor)
  } finally {
    executor.forget(ctx.key)
  }
  await postCallback(ctx, log.events, executor)
}

/** Each attempt is on record before the wait for the next, which takes a place in the server alone. */
async function postCallback(ctx: Run, log: readonly TaskEvent[], executor: Executor): Promise<void> {
  const url = requestOf(log).delivery?.webhook_url
  const earlier: CallbackAttempt[] = []
  while (url !== undefined) {
    const callback = { task: foldEvents(log), url, earlier }
    const notify = async () => ctx.run('notify', () => executor.notify(callback))
    const attempt = await withFaultPoints('restate.notify', notify)
    if (attempt.decision.next !== 'retry') return
    earlier.push(attempt)
    await ctx.sleep(attempt.decision.delay_ms, 'next attempt')
  }
}

async function performSteps(ctx: Run, plan: AgentPlan, log: Log, executor: Executor): Promise<void> {
  let by = await withFaultPoints('restate.open', async () => ctx.run('open', () => executor.open()))
  await log.append(startedEvent(log.head, plan, by.executor, new Date(by.at)))
  const interruptions = interruptionsOf(ctx, log.events, executor.timeScale)
  while (!isTerminal(log.head.status)) {
    const { step, digest } = completedSteps(log.events)
    const work = { taskId: ctx.key, plan, step: step + 1, digest, attempt: log.head.attempt, life: by.life }
    const race = () => raceStep(ctx, { ...work, job: requestOf(log.events).input.job }, interruptions, executor)
    const happened = await withFaultPoints('restate.step', race)
    for (const event of eventsOf(happened, plan, step, log.head)) await log.append(event)
    if (happened.kind === 'resumed') by = happened
  }
}

/** Made once: an error with a stack for every step would cost more than the step's bookkeeping. */
const over = new Error('the step is over')

/** The step, unless something ends the task first; then the step is told, and what it still answers is not heard. */
async function raceStep(
  ctx: Run,
  work: Work,
  interruptions: readonly RestatePromise<Happening>[],
  executor: Executor,
): Promise<Happening> {
  const dropped = new AbortController()
  const { attemptCompletedSignal } = ctx.request()
  const { name } = work.plan.steps[work.step - 1]!
  const step = ctx.run<Happening>(name, () => executor.perform(work, attemptCompletedSignal, dropped.signal))
  const happened = await RestatePromise.race([step, ...interruptions])
  dropped.abort(over)
  return happened
}

function interruptionsOf(ctx: Run, log: readonly TaskEvent[], timeScale: number): RestatePromise<Happening>[] {
  const cancelled = ctx.promise<string>(cancelPromise).get()
  const cancel = cancelled.map((time): Happening => ({ kind: 'cancel', at: Date.parse(time!) }))
  const seconds = requestOf(log).deadline_s
  if (seconds === undefined) return [cancel]
  const at = Date.parse(log[0]!.time) + (seconds * 1000) / timeScale
  const expire = ctx
    .sleep(Math.ceil(Math.max(0, at - Date.now())), 'deadline')
    .map((): Happening => ({ kind: 'expire', at }))
  return [cancel, expire]
}

/** What a happening adds to the log after `completed` steps. */
function eventsOf(happened: Happening, plan: AgentPlan, completed: number, head: TaskEvent): readonly TaskEvent[] {
  const time = new Date(happened.at)
  if (happened.kind === 'done') return afterStep(head, plan, { step: completed + 1, ...happened }, time)
  if (happened.kind === 'resumed') return [resumedEvent(head, plan, happened.executor, completed, time)]
  if (happened.kind === 'refused') return [failedEvent(head, happened.reason, time)]
  if (happened.kind === 'expire') return [expiredEvent(head, 'the deadline has passed', time)]
  const requested = cancelRequestedEvent(head, time)
  return [requested, cancelledEvent(requested, time)]
}

function afterStep(
  head: TaskEvent,
  plan: AgentPlan,
  done: { readonly step: number; readonly digest: string; readonly credits: number },
  time: Date,
): readonly TaskEvent[] {
  const progress = progressEvent(head, plan, done, time)
  const { step: steps, digest } = done
  return steps < plan.steps.length ? [progress] : [progress, completedEvent(progress, { digest, steps }, time)]
}

interface Log {
  readonly events: readonly TaskEvent[]
  readonly head: TaskEvent
  /** Into the state, for readers, and to whoever waits for it. */
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
