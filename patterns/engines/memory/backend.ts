import { randomUUID } from 'node:crypto'
import { Agent } from 'undici'
import { acceptOnce, type NewTask, newTask } from '../../contract/engine/task-backend.ts'
import { withAddresses, type NodeSettings } from '../../contract/types/settings.ts'
import type { Backend } from '../../contract/engine/backend.ts'
import type { Notify } from '../../contract/types/callback.ts'
import { type Accounts, type Charge, chargeFor, holdFor, openAccounts } from '../../contract/engine/accounts.ts'
import { isOnRecord, requireTakes } from '../../contract/engine/commands.ts'
import { asksBalance, atSafePoint } from '../../contract/engine/control.ts'
import { cancelRequestedEvent, commandedEvent, failedEvent, startedEvent } from '../../contract/engine/log.ts'
import type { Command, CommandAck } from '../../contract/types/command.ts'
import {
  acceptSpawned,
  defaultSpawnLimits,
  isCancelledAbove,
  spawnFor,
  type SubTasks,
} from '../../contract/engine/sub-tasks.ts'
import { isOfFamily } from '../../contract/types/family.ts'
import { grantIn } from '../../contract/types/granted.ts'
import type { Task } from '../../contract/types/task.ts'
import { timingAt } from '../../contract/types/timing.ts'
import { stops, afterStep, endingBy, armDeadline } from '../../contract/engine/after-step.ts'
import { openAccountStore } from './accounts.ts'
import { deliveriesOf, TaskRecord } from './record.ts'
import { emptyDigest } from '../../agent/plan.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { logError } from '../../contract/engine/log-error.ts'
import { performAt, type Workplace } from '../../contract/engine/workplace.ts'
import { OwedCallback } from './callback.ts'

interface Place extends Workplace {
  readonly subTasks: SubTasks
}

/** Everything in this process: what a crash or a deployment takes with it. Logs are kept as long as the process lives. */
export async function openBackend(settings: NodeSettings, notify: Notify): Promise<Backend> {
  const { node, toolsUrl, timeScale } = withAddresses(settings, 'toolsUrl')
  const timing = timingAt(timeScale)
  const dispatcher = new Agent({ connections: 128, connect: { timeout: timing.connectTimeoutMs } })
  const records = new Map<string, TaskRecord>()
  const hasEnded = (taskId: string): boolean => records.get(taskId)?.ended ?? true
  const accounts = await openAccounts(settings, (given) => openAccountStore(given, hasEnded))
  const submissions = new Map<string, { readonly fingerprint: string; readonly record: TaskRecord }>()
  const accept = async ({ key, fingerprint, request, taskId, plan, created }: NewTask) => {
    const known = submissions.get(key)
    if (known) return { fingerprint: known.fingerprint, log: known.record.after(0) }
    const record = new TaskRecord(request, plan, created)
    submissions.set(key, { fingerprint, record })
    records.set(taskId, record)
    void executeTask(record, place, notify)
    return undefined
  }
  const cancelled = new Set<string>()
  const isCancelled: SubTasks['isCancelled'] = async (taskIds) => taskIds.some((taskId) => cancelled.has(taskId))
  const subTasks = { limits: settings.spawnLimits ?? defaultSpawnLimits, accept, isCancelled }
  const place: Place = { node, toolsUrl, dispatcher, timeScale, timing, accounts, subTasks }
  return {
    submit: (submission) => acceptOnce(newTask(submission, timeScale, `task_${randomUUID()}`), accept),
    read: async (taskId) => records.get(taskId)?.task,
    events: async (taskId, after) => records.get(taskId)?.after(after),
    follow: (taskId, after, signal) => records.get(taskId)?.follow(after, signal) ?? nothing(),
    cancel: async (taskId) => {
      const task = cancelTask(records.get(taskId))
      if (task) cancelled.add(taskId)
      for (const [id, { stop }] of records) if (isOfFamily(id, taskId)) stop.abort(stops.cancel)
      return task
    },
    command: async (taskId, command) => commandTask(records.get(taskId), command),
    deliveries: deliveriesOf(records),
    ...(accounts?.keepsBalances && { accounts: accounts.store }),
    [Symbol.asyncDispose]: async () => {
      for (const record of records.values()) record.stop.abort(exit)
      await dispatcher.destroy()
    },
  }
}

function cancelTask(record: TaskRecord | undefined): Task | undefined {
  if (!record) return undefined
  if (record.ended || record.task.status === 'cancelling') return record.task
  record.append(cancelRequestedEvent(record.head, new Date()))
  return record.task
}

function commandTask(record: TaskRecord | undefined, command: Command): CommandAck | undefined {
  if (!record) return undefined
  const log = record.after(0)
  if (isOnRecord(log, command)) return { replayed: true }
  requireTakes(log, command)
  record.append(commandedEvent(record.head, command, new Date()))
  return { replayed: false }
}

async function* nothing(): AsyncGenerator<never> {}

/** Why an execution is cut short that does not end its task: the process leaves, and takes the task with it. */
const exit = new Error('exit')

/** Perform every step of a task in this process and begin to post the callback. Never rejects. */
async function executeTask(record: TaskRecord, place: Place, notify: Notify): Promise<void> {
  using _ = armDeadline(record.after(0), place.timeScale, record.stop)
  try {
    await performSteps(record, place)
  } catch (error) {
    if (error === exit) return
    for (const event of endOf(record, error, place.node)) record.append(event)
  }
  const url = record.request.delivery?.webhook_url
  if (url !== undefined) record.owed = new OwedCallback(record.task, url, notify)
}

async function performSteps(record: TaskRecord, place: Place): Promise<void> {
  const { plan } = record
  const { job } = record.request.input
  record.append(startedEvent(record.head, plan, place.node, new Date()))
  const grant = grantIn(record.after(0))
  let digest = emptyDigest
  for (const { index: step } of plan.steps) {
    const charge = chargeFor(record.after(0)[0]!, plan, step - 1)
    await passSafePoint(record, place.accounts, charge)
    if (!record.ended) await startSubTasks(record, place)
    if (record.ended) return
    const { task_id: taskId, attempt } = record.task
    const done = await performAt(place, { taskId, job, plan, step, digest, attempt, grant, charge }, record.stop.signal)
    for (const event of afterStep(record, plan, { step, ...done })) record.append(event)
    if (record.ended) return
    digest = done.digest
  }
}

/** Before a step. Rejects with `stops.cancel` where a task above was cancelled before this one was there. */
async function startSubTasks(record: TaskRecord, { subTasks, timeScale }: Place): Promise<void> {
  for (const event of spawnFor(record, record.plan, subTasks.limits, new Date())) record.append(event)
  if (record.ended) return
  await acceptSpawned(subTasks, record.after(0)[0]!, record, timeScale)
  if (await isCancelledAbove(subTasks, record.head.task_id)) throw stops.cancel
}

/** Nobody tells a task of a top-up: it asks again after so many real milliseconds. */
const balancePollMs = 200

/** Answers commands, and waits while the task stands still. */
async function passSafePoint(record: TaskRecord, accounts: Accounts | undefined, charge: Charge): Promise<void> {
  const answer = (isHeld?: boolean): void => {
    const events = atSafePoint({ ...record.control, isHeld }, record.head, record.plan, new Date())
    for (const event of events) record.append(event)
  }
  for (;;) {
    answer()
    if (asksBalance(record.control)) answer(await holdFor(accounts, charge))
    if (record.task.status !== 'input_required') return
    await record.growth(record.stop.signal, accounts && balancePollMs)
  }
}

function endOf(record: TaskRecord, error: unknown, node: string): readonly TaskEvent[] {
  try {
    return endingBy(error)(record)
  } catch {
    logError(node, `task ${record.head.task_id}`, error)
    return [failedEvent(record.head, 'the executor failed', new Date())]
  }
}
