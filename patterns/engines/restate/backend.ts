import { withAddresses, type NodeSettings } from '../../contract/types/settings.ts'
import type { Backend, ShownAccounts } from '../../contract/engine/backend.ts'
import type { Balance } from '../../contract/types/account.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { subTasksIn } from '../../contract/engine/sub-tasks.ts'
import { requestOf } from '../../contract/types/fold.ts'
import * as agent from '../../agent/work.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { backendOver, type TaskLogs, untilCancelShows } from '../../contract/engine/task-backend.ts'
import { timingAt } from '../../contract/types/timing.ts'
import type { Mail, Receipt, Snapshot, TopUpOutcome } from './protocol.ts'
import { commandsIn, requireSame } from '../../contract/engine/commands.ts'
import { ProblemError } from '../../contract/types/problems.ts'
import { Ingress } from './ingress.ts'

/** The API's side: a client of the server's ingress and nothing else. It keeps no state and needs no worker to accept. */
export async function openBackend(settings: NodeSettings): Promise<Backend> {
  const { engineUrl, timeScale } = withAddresses(settings, 'engineUrl')
  const ingress = new Ingress(engineUrl, timingAt(timeScale))
  const accounts = settings.balances && accountsOver(ingress)
  const cancelSubTasks = (taskId: string) => cancelFamily(ingress, taskId, timeScale)
  return backendOver({ ...openWorkflows(ingress), cancelSubTasks, accounts }, { timeScale })
}

function accountsOver(ingress: Ingress): ShownAccounts {
  return {
    read: async (principal) => (await ingress.account<Balance | null>(principal, 'read')) ?? undefined,
    topUp: (principal, topUp) => {
      const send = () => ingress.account<TopUpOutcome>(principal, 'topUp', topUp)
      return withFaultPoints('restate.top-up', send)
    },
  }
}

function openWorkflows(ingress: Ingress): TaskLogs {
  return {
    insert: async ({ taskId, created, fingerprint }) => {
      const send = () => ingress.send(taskId, { created, fingerprint })
      return (await withFaultPoints('restate.send', send)) ? undefined : readStarted(ingress, taskId)
    },
    read: (taskId) => readLog(ingress, taskId),
    follow: (taskId, after, signal) => follow(ingress, taskId, after, signal),
    // The run answers with events.
    requestCancel: async (log) => {
      const { task_id, seq } = log.at(-1)!
      await post(ingress, log, { kind: 'cancel', at: Date.now() })
      await untilCancelShows((signal) => follow(ingress, task_id, seq, signal))
      return true
    },
    requestCommand: async (log, command) => {
      const { task_id } = log.at(-1)!
      const receipt = await post(ingress, log, { kind: 'command', command, at: Date.now() })
      if (receipt === 'recorded') return receipt
      if (receipt === 'ended') throw new ProblemError('task-ended', 'the task has ended: it takes no commands', task_id)
      requireSame(receipt.known, command, task_id)
      return 'known'
    },
    [Symbol.asyncDispose]: () => ingress[Symbol.asyncDispose](),
  }
}

/**
 * Who starts sub-tasks is noted as cancelled first: those below ask for that before they begin. Then each one below has mail that a
 * log names, before its own log is read. So one that is named later begins after the note.
 */
async function cancelFamily(ingress: Ingress, taskId: string, timeScale: number): Promise<void> {
  const { log } = await ingress.read(taskId)
  if (log.length > 0 && !agent.plan(requestOf(log).input, timeScale).steps.some(({ spawns }) => spawns)) return
  await ingress.noteCancelled(taskId)
  await cancelBelow(ingress, taskId)
}

async function cancelBelow(ingress: Ingress, taskId: string): Promise<void> {
  const { log } = await ingress.read(taskId)
  for (const subTask of subTasksIn(log)) {
    await ingress.post(subTask, { mail: { kind: 'cancel', at: Date.now() }, place: 1 })
    await cancelBelow(ingress, subTask)
  }
}

/** Every command in a log had a place of its own: what comes after those is unknown here. */
function post(ingress: Ingress, log: readonly TaskEvent[], mail: Mail): Promise<Receipt> {
  const posting = { mail, place: commandsIn(log).length + 1 }
  return withFaultPoints('restate.post', () => ingress.post(log[0]!.task_id, posting))
}

/** The whole log, or undefined for an id under which nothing was ever sent. */
async function readLog(ingress: Ingress, taskId: string): Promise<readonly TaskEvent[] | undefined> {
  const { log } = await ingress.read(taskId)
  if (log.length > 0) return log
  return (await ingress.isKnown(taskId)) ? (await readStarted(ingress, taskId)).log : undefined
}

/** The state of a run that was accepted: where it has not begun, wait for its first event. */
async function readStarted(ingress: Ingress, taskId: string): Promise<Snapshot> {
  for (;;) {
    const snapshot = await ingress.read(taskId)
    if (snapshot.log.length > 0) return snapshot
    await ingress.event(taskId, 1, AbortSignal.timeout(30_000))
  }
}

/** What is there, then one waiting call per event. */
async function* follow(
  ingress: Ingress,
  taskId: string,
  after: number,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent> {
  const log = signal.aborted ? undefined : await readLog(ingress, taskId)
  if (!log) return
  yield* log.slice(after)
  let head = log.at(-1)!
  while (!isTerminal(head.status)) {
    const next = await ingress.event(taskId, head.seq + 1, signal).catch((error: unknown) => {
      if (signal.aborted) return undefined
      throw error
    })
    if (!next) return
    if (next.seq > after) yield next
    head = next
  }
}
