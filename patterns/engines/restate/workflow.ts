import * as restate from '@restatedev/restate-sdk'
import { ToolRefusal } from '../../agent/step.ts'
import * as agent from '../../agent/work.ts'
import type { WorkPlan } from '../../contract/engine/workplace.ts'
import { bucketsOf, type Charge, chargeFor, pauseMs } from '../../contract/engine/accounts.ts'
import { asksBalance, atSafePoint, standsStill } from '../../contract/engine/control.ts'
import { afterStep, deadlineOf, endingBy, stops } from '../../contract/engine/after-step.ts'
import type { CallbackAttempt } from '../../contract/types/callback.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { resumedEvent, startedEvent } from '../../contract/engine/log.ts'
import { completedSteps, foldEvents, requestOf } from '../../contract/types/fold.ts'
import { grantIn } from '../../contract/types/granted.ts'
import { postCallback } from '../../contract/engine/post-callback.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { askAbove, startSubTasks } from './family.ts'
import type { Executor, Opening, StepResult, Turn } from './executor.ts'
import { postMail } from './mailbox.ts'
import { Payment } from './payment.ts'
import {
  type Accepted,
  eventKey,
  type Mail,
  type Posting,
  type Snapshot,
  type State,
  workflowName,
} from './protocol.ts'
import { openLog, type RunLog } from './run-log.ts'

type Run = restate.WorkflowContext<State>
type Shared = restate.WorkflowSharedContext<State>
const { shared, workflow } = restate.handlers.workflow
/** Questions leave no trace in the server. */
const asked = { journalRetention: 0 }
/** Handlers that read no state: then none is sent to them. */
const stateless = { ...asked, enableLazyState: true }

/** One workflow per task: `run` performs it, the other handlers read its log, wait for more of it, or tell `run` something. */
export function taskWorkflow(executor: Executor) {
  return restate.workflow({
    name: workflowName,
    options: executor.options,
    handlers: {
      run: workflow({}, (ctx: Run, accepted: Accepted) => performTask(ctx, accepted, executor)),
      read: shared(asked, readSnapshot),
      event: shared(stateless, awaitEvent),
      post: shared(stateless, (ctx: Shared, posting: Posting) => postMail(ctx, posting)),
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

/**
 * Perform a task from its first step to its end. After a crash the server calls it again and replays its journal up to
 * the step in flight, so everything here follows from the input and from journaled results: whatever else (the clock,
 * who executes, effects) happens inside `ctx.run`.
 */
async function performTask(ctx: Run, accepted: Accepted, executor: Executor): Promise<void> {
  ctx.set('fingerprint', accepted.fingerprint)
  const plan = agent.plan(requestOf([accepted.created]).input, executor.timeScale)
  const payment = new Payment(ctx, chargeFor(accepted.created, plan, 0))
  const log = await openLog(ctx, accepted.created, () => payment.release())
  try {
    await performSteps({ ctx, plan, log, executor, payment })
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

/** What the performance of a task goes by. */
interface Performance {
  readonly ctx: Run
  readonly plan: WorkPlan
  readonly log: RunLog
  readonly executor: Executor
  readonly payment: Payment
  /** Of a sub-task, before a step: when the tasks above it were asked for, in milliseconds since 1970. */
  readonly askedAboveAt?: number | undefined
}

async function performSteps(performance: Performance): Promise<void> {
  const { ctx, plan, log, executor } = performance
  let startedFor = 0
  let by = await withFaultPoints('restate.open', async () => ctx.run('open', () => executor.open()))
  await log.write(() => [startedEvent(log.head, plan, by.executor, log.timeAt(by.at))])
  const deadline = deadlineIn(performance)
  while (!isTerminal(log.head.status)) {
    const { seq } = log.head
    await log.write(() => beforeStep(performance))
    // With the answers there may have come more to answer.
    if (log.head.seq > seq) continue
    if (by.limits?.keepsBalances && asksBalance(log.control)) {
      const isHeld = await performance.payment.hold(chargeOfNext(performance))
      await log.write(() => beforeStep(performance, isHeld))
      if (log.head.seq > seq) continue
    }
    // After its first step a request for it comes as mail.
    const above = log.control.completed === 0 ? await askAbove(ctx) : undefined
    if (above?.isCancelled) await log.write(() => endingBy(stops.cancel, log.timeAt(above.at))(log))
    else if (standsStill(log.control)) await waitForMail(performance, deadline)
    else if (plan.steps[log.control.completed]?.spawns && startedFor <= log.control.completed) {
      // That may have taken its time: whether the step may begin is asked again.
      startedFor = log.control.completed + 1
      await startSubTasks(ctx, { log, plan, limits: by.spawnLimits, timeScale: executor.timeScale })
    } else by = await doStep({ ...performance, askedAboveAt: above?.at }, by, deadline)
  }
}

/** Resolves with who executes from here on. */
async function doStep(performance: Performance, by: Opening, deadline: Deadline): Promise<Opening> {
  const { log } = performance
  const { step: completed } = completedSteps(log.events)
  const happened = await withFaultPoints('restate.step', () => tryStep(performance, by, deadline))
  if (happened && happened.kind !== 'stale') await log.write(() => eventsAfter(happened, completed, performance))
  return happened?.kind === 'resumed' ? happened : by
}

/** What stands in the log decides, and at the time of its last event: a replay comes to the same. */
function beforeStep({ log, plan }: Performance, isHeld?: boolean): readonly TaskEvent[] {
  const time = new Date(log.head.time)
  if (log.head.status === 'cancelling') return endingBy(stops.cancel, time)(log)
  return atSafePoint({ ...log.control, isHeld }, log.head, plan, time)
}

function chargeOfNext({ log, plan }: Performance): Charge {
  return chargeFor(log.events[0]!, plan, completedSteps(log.events).step)
}

/** The deadline has passed; `at` is when it did, in milliseconds since 1970. */
interface Expiry {
  readonly kind: 'expire'
  readonly at: number
}

/** None, or the one. */
type Deadline = readonly restate.RestatePromise<Expiry>[]

function deadlineIn({ ctx, log, executor }: Performance): Deadline {
  const at = deadlineOf(log.events, executor.timeScale)
  if (at === undefined) return []
  const passed = ctx.sleep(Math.ceil(Math.max(0, at - Date.now())), 'deadline')
  return [passed.map((): Expiry => ({ kind: 'expire', at }))]
}

/** While an agent stands still, its task takes a place in the server alone. */
async function waitForMail({ log, payment }: Performance, deadline: Deadline): Promise<void> {
  const happened = await restate.RestatePromise.race([...log.mail, ...deadline, ...payment.grant])
  if (happened.kind === 'granted') return payment.accept(happened)
  if (happened.kind !== 'expire') return log.take(happened)
  await log.write(() => endingBy(stops.expire, log.timeAt(happened.at))(log))
}

/** Made once: an error with a stack for every step would cost more than the step's bookkeeping. */
const over = new Error('the step is over')

/** The step, unless something ends the task first: then the step is aborted, and its answer is ignored. Undefined: a cancellation is on record. */
async function tryStep(performance: Performance, by: Opening, deadline: Deadline): Promise<Happened | undefined> {
  const { ctx, plan, log, executor, askedAboveAt } = performance
  const { step: completed, digest } = completedSteps(log.events)
  const { name, index } = plan.steps[completed]!
  const { job } = requestOf(log.events).input
  const task = { taskId: ctx.key, job, attempt: log.head.attempt, grant: grantIn(log.events) }
  const work = { ...task, plan, step: index, digest, life: by.life, isLimited: by.limits !== undefined, askedAboveAt }
  const dropped = new AbortController()
  const { attemptCompletedSignal } = ctx.request()
  const within: Within = (happening) => unlessOver(happening, log, deadline)
  const perform = () => executor.perform(work, attemptCompletedSignal, dropped.signal)
  let happened = await within(ctx.run<StepResult>(name, perform))
  while (happened?.kind === 'ready') {
    const turn = await untilTurn(performance, by, within)
    const callTool = () => executor.callTool({ ...work, ...turn }, attemptCompletedSignal, dropped.signal)
    happened = turn?.kind === 'turn' ? await within(ctx.run<StepResult>(`${name}: tool`, callTool)) : turn
  }
  dropped.abort(over)
  return happened
}

type Happened = Exclude<StepResult, { readonly kind: 'ready' }> | Expiry
/** It leaves something in the log. */
type Ended = Exclude<Happened, { readonly kind: 'stale' }>
/** Undefined: a cancellation is on record. */
type Within = <T extends object>(happening: restate.RestatePromise<T>) => Promise<T | Expiry | undefined>

/** Until it has happened, unless something ends the task first. Commands go on record meanwhile. */
async function unlessOver<T extends object>(
  happening: restate.RestatePromise<T>,
  log: RunLog,
  deadline: Deadline,
): Promise<T | Expiry | undefined> {
  while (log.head.status !== 'cancelling') {
    const first = await restate.RestatePromise.race([happening, ...log.mail, ...deadline])
    if (!isMail(first)) return first
    await log.take(first)
  }
  return undefined
}

function isMail(happened: object | Mail): happened is Mail {
  return 'kind' in happened && (happened.kind === 'command' || happened.kind === 'cancel')
}

type InTurn = { readonly kind: 'turn' } & Turn

/** Pays the step, then has a token for its tool call. It is paid first: who dies after the call leaves nobody who knows of it. */
async function untilTurn(
  performance: Performance,
  { limits }: Opening,
  within: Within,
): Promise<InTurn | Expiry | undefined> {
  const { ctx, payment } = performance
  const charge = chargeOfNext(performance)
  if (limits?.keepsBalances) await payment.pay(charge)
  const buckets = bucketsOf(limits?.rates ?? {}, charge)
  for (let tries = 0; buckets.length > 0; tries++) {
    const taken = await withFaultPoints('restate.take', () => within(payment.take(buckets)))
    if (!taken || 'kind' in taken) return taken
    if (taken.waitMs === 0) return { kind: 'turn', tokenAt: taken.at }
    const pause = ctx.sleep(Math.ceil(pauseMs(taken.waitMs, tries, ctx.rand.random())), 'next token')
    const ended = await within(pause.map(() => ({ kind: 'slept' as const })))
    if (ended?.kind !== 'slept') return ended
  }
  return { kind: 'turn' }
}

/** What becomes of the log by what happened after `completed` steps. */
function eventsAfter(happened: Ended, completed: number, { log, plan }: Performance): readonly TaskEvent[] {
  const time = log.timeAt(happened.at)
  if (happened.kind === 'done') {
    const { digest, credits } = happened
    return afterStep(log, plan, { step: completed + 1, digest, credits }, time)
  }
  if (happened.kind === 'resumed')
    return [resumedEvent(log.head, plan, { executor: happened.executor, completed }, time)]
  const reason = happened.kind === 'expire' ? stops.expire : new ToolRefusal(happened.reason)
  return endingBy(reason, time)(log)
}
