import { planTask } from '../../patterns/agent/plan.ts'
import { cancelTask } from '../../patterns/contract/client/cancel.ts'
import { type ClientPorts, type Job, JobFailed } from '../../patterns/contract/client/client.ts'
import { sendCommand } from '../../patterns/contract/client/command.ts'
import { commonHeaders, exchange, taskAddress, taskOf } from '../../patterns/contract/client/http.ts'
import { submitJob } from '../../patterns/contract/client/submit.ts'
import { Talk } from '../../patterns/contract/client/talk.ts'
import type { Command } from '../../patterns/contract/types/command.ts'
import { isTerminal, type Task, type TaskStatus } from '../../patterns/contract/types/task.ts'
import { monotonicMs, sleep, startTimer } from '../../patterns/contract/types/timer.ts'
import { firstMemory, type ControlProbe, type ControlSeen } from '../model/control.ts'
import type { CellPlan } from '../model/plan.ts'
import { untilFamilyEnded } from './family-end.ts'
import { briefS, hasPrincipal, type PrincipalParts, tokenOf, toolsAskedBy, tryAttempt } from './permission-probes.ts'
import type { Recorder } from './recorder.ts'

/** What probes are carried out with: the clients' own way to the system, faults included. */
export interface ProbeParts {
  readonly cell: CellPlan
  readonly ports: Omit<ClientPorts, 'observe' | 'now' | 'random'>
  readonly recorder: Recorder
  readonly epochMs: number
  readonly signal: AbortSignal
  /** Ids of the tasks, by key, as their clients learn them. */
  readonly taskIds: Map<string, string>
  /** Where tasks have principals beside the operator. */
  readonly principals?: PrincipalParts | undefined
}

/**
 * Carry out the control probes of a cell: each submits a task beside the load, gives it its commands as any client would, again
 * until they are acknowledged, and waits for its end. Resolves when all have ended or were given up. Never rejects.
 */
export async function runProbes(parts: ProbeParts): Promise<void> {
  await Promise.all((parts.cell.control ?? []).map((probe) => runProbe(probe, parts)))
}

async function runProbe(probe: ControlProbe, parts: ProbeParts): Promise<void> {
  const { epochMs, signal } = parts
  const limit = new AbortController()
  const onAbort = (): void => limit.abort(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await sleep(Math.max(0, epochMs + probe.atMs - monotonicMs()), signal)
    using _ = startTimer(() => limit.abort(new DOMException('given up', 'TimeoutError')), lifeMs(probe, parts.cell))
    await new Probe(probe, parts, limit.signal).run()
  } catch (error) {
    record(probe, parts, { moment: 'given-up' }, String(error))
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

/**
 * Its work, what it stands still for or is slowed down by, and two graces, as a task of the load has them. A rogue one works
 * until it is cancelled.
 */
function lifeMs(probe: ControlProbe, cell: CellPlan): number {
  const workMs = probe.kind === 'rogue' ? probe.afterMs : Math.max(planOf(probe, cell).idealMs, probe.lastsMs ?? 0)
  return 2 * workMs + 2 * cell.graceMs + replayMs(probe)
}

/** Tokens end in real time, whatever the time scale. */
function replayMs({ attempt }: ControlProbe): number {
  return attempt === 'replayed-token' ? 10_000 : 0
}

function planOf(probe: ControlProbe, cell: CellPlan) {
  return planTask(workOf(probe, cell), cell.timeScale)
}

function workOf({ seed, profile }: ControlProbe, cell: CellPlan) {
  return { seed, profile: profile ?? cell.profile }
}

function record(
  { key, kind }: ControlProbe,
  { recorder }: ProbeParts,
  seen: Omit<ControlSeen, 'kind'>,
  error?: string,
): void {
  const value = { kind, ...seen }
  recorder.record({ f: 'control', type: 'observe', process: 'client', task: key, value, ...(error && { error }) })
}

/** One controlled task, from its submission on. */
class Probe {
  readonly #probe: ControlProbe
  readonly #parts: ProbeParts
  readonly #talk: Talk
  #taskId = ''

  constructor(probe: ControlProbe, parts: ProbeParts, signal: AbortSignal) {
    const { cell, ports, principals } = parts
    const { key, seed } = probe
    const own = principals && hasPrincipal(probe) ? { token: tokenFor(probe, principals) } : {}
    const giveUpAt = monotonicMs() + lifeMs(probe, cell)
    const input = { ...workOf(probe, cell), job: key }
    const job: Job = { key, ordinal: seed, input, ...asksOf(probe, cell), giveUpAt }
    this.#probe = probe
    this.#parts = parts
    this.#talk = new Talk(job, { ...ports, ...own, observe: () => {}, now: monotonicMs, random: Math.random }, signal)
  }

  async run(): Promise<void> {
    const { kind, afterMs } = this.#probe
    if (kind === 'permission') return this.#tryWhatItMayNot()
    const accepted = await submitJob(this.#talk, { headers: { prefer: 'respond-async' } })
    this.#taskId = accepted.task.task_id
    this.#parts.taskIds.set(this.#probe.key, this.#taskId)
    const about = kind === 'budget' && { covered: coveredSteps(creditsOf(this.#probe, this.#parts.cell)) }
    this.#record({ moment: 'accepted', status: accepted.task.status, ...about })
    if (kind === 'cancel' || kind === 'rogue' || kind === 'steer') await sleep(afterMs, this.#talk.signal)
    if (kind === 'cancel' || kind === 'rogue') await this.#cancel()
    else if (kind === 'steer') await this.#steer()
    else if (kind === 'budget') await this.#topUp()
    await this.#until(isTerminal)
    if (kind === 'rogue') await untilFamilyEnded(this.#talk, this.#taskId)
  }

  async #tryWhatItMayNot(): Promise<void> {
    this.#record({ moment: 'ordered' })
    const { taskId, ...outcome } = await tryAttempt(this.#probe, this.#talk, this.#parts.principals!)
    if (taskId !== undefined) this.#parts.taskIds.set(this.#probe.key, (this.#taskId = taskId))
    this.#record(outcome)
    if (this.#probe.attempt === 'lacks-tool' && taskId !== undefined) await this.#until(isTerminal)
  }

  async #cancel(): Promise<void> {
    const about = { command: 'cancel', type: 'cancel' }
    this.#record({ moment: 'ordered', ...about })
    const { status } = await cancelTask(this.#talk, this.#taskId)
    this.#record({ moment: 'acknowledged', ...about, status })
  }

  async #steer(): Promise<void> {
    await this.#order({ id: 'interrupt-1', type: 'interrupt' })
    await this.#until((status) => status === 'input_required' || isTerminal(status))
    await this.#order({
      id: 'steer-1',
      type: 'steer',
      patch: [{ op: 'replace', path: '/instruction', value: 'be brief' }],
    })
    await this.#order({ id: 'resume-1', type: 'resume' })
  }

  async #topUp(): Promise<void> {
    await this.#until((status) => status === 'input_required' || isTerminal(status))
    const credits = sum(creditsOf(this.#probe, this.#parts.cell))
    await this.#order({ id: 'top-up-1', type: 'top_up', credits })
  }

  async #order(command: Command): Promise<void> {
    const about = { command: command.id, type: command.type }
    this.#record({ moment: 'ordered', ...about })
    try {
      await sendCommand(this.#talk, this.#taskId, command)
      this.#record({ moment: 'acknowledged', ...about })
    } catch (error) {
      if (!(error instanceof JobFailed)) throw error
      this.#record({ moment: 'refused', ...about }, error.message)
    }
  }

  /** Asks every replica by turns until one says so. */
  async #until(isSo: (status: TaskStatus) => boolean): Promise<void> {
    const { job, ports, signal, timing } = this.#talk
    for (let replica = job.ordinal; ; replica++) {
      const { url } = ports.apis[replica % ports.apis.length]!
      const task = await this.#read(url)
      if (task && isSo(task.status)) return this.#record({ moment: 'seen', status: task.status })
      await sleep(Math.max(leastPauseMs, timing.paceMs / 2), signal)
    }
  }

  async #read(url: string): Promise<Task | undefined> {
    const { ports, signal, timing } = this.#talk
    const call = { method: 'GET', url: taskAddress(url, this.#taskId), headers: commonHeaders(this.#talk) } as const
    const answer = await exchange(ports.dispatcher, call, timing.requestTimeoutMs, signal).catch(() => undefined)
    signal.throwIfAborted()
    return answer && taskOf(answer)
  }

  #record(seen: Omit<ControlSeen, 'kind' | 'taskId'>, error?: string): void {
    record(this.#probe, this.#parts, { taskId: this.#taskId, ...seen }, error)
  }
}

function tokenFor(probe: ControlProbe, { issuer }: PrincipalParts): string {
  return probe.attempt === 'replayed-token' ? tokenOf(probe, issuer, briefS) : tokenOf(probe, issuer)
}

/** Real milliseconds: what a probe sees is no finer, and it must not be a load. */
const leastPauseMs = 150

/**
 * What a submission has beside its work: a memory to be steered by, a budget that covers the first half of the steps, or one that
 * covers all of them and says that a balance which does not must end the task.
 */
function asksOf(probe: ControlProbe, cell: CellPlan): Pick<Job, 'budget' | 'memory' | 'tools'> {
  const { kind } = probe
  if (kind === 'permission') return toolsAskedBy(probe)
  if (kind === 'steer') return { memory: firstMemory }
  const credits = creditsOf(probe, cell)
  if (kind === 'budget')
    return { budget: { credits: sum(credits.slice(0, coveredSteps(credits))), on_exhausted: 'wait' } }
  return kind === 'balance' ? { budget: { credits: sum(credits), on_exhausted: 'fail' } } : {}
}

/** Credits of each step, in order. */
function creditsOf(probe: ControlProbe, cell: CellPlan): readonly number[] {
  return planOf(probe, cell).steps.map(({ credits }) => credits)
}

/** How many of them the first budget covers: half. */
function coveredSteps({ length }: readonly number[]): number {
  return Math.max(1, Math.floor(length / 2))
}

function sum(values: readonly number[]): number {
  return values.reduce((all, value) => all + value, 0)
}
