import type { Op, TaskIntent } from '../../harness/model/history.ts'
import type { CellPlan } from '../../harness/model/plan.ts'
import { createRng, type Rng } from '../../harness/core/rng.ts'
import { downMs, graceMs, type Imagined, leaseMs, planCell, ratePerSec, replicas } from './imagined.ts'

const stepMs = 250
const steps = 4

/** Ops name their invoke by key; numbers come when all are in order. */
type Draft = { [F in Op['f']]: Omit<Extract<Op, { f: F }>, 'index' | 'invoke'> & Keys }[Op['f']]
interface Keys {
  key?: string
  completes?: string
}

/** The history that a correct system would leave: a pure function of its description. */
export function simulate(imagined: Imagined): Op[] {
  const cell = planCell(imagined)
  const rng = createRng(imagined.seed, 'simulate')
  const arrivals = planArrivals(imagined.tasks, rng.fork('arrivals'))
  const world = new World(imagined, cell)
  arrivals.forEach((at, ordinal) => world.runTask(ordinal, at, rng.fork(`task/${ordinal}`)))
  return world.conclude(arrivals.at(-1) ?? 0)
}

function planArrivals(tasks: number, rng: Rng): number[] {
  let at = 0
  return Array.from({ length: tasks }, () => (at += rng.exponential(1000 / ratePerSec)))
}

interface Executed {
  /** When the last step was done; undefined: the task died with its executor at `diedAt`. */
  readonly doneAt?: number
  readonly diedAt?: number
  /** What the task's log holds, by time. */
  readonly log: readonly {
    readonly at: number
    readonly type: string
    readonly status: 'queued' | 'running' | 'completed'
  }[]
}

/** Collects what happens; every method is the behaviour of one part of a correct system. */
class World {
  readonly #imagined: Imagined
  readonly #cell: CellPlan
  readonly #drafts: Draft[] = []
  readonly #late: Draft[] = []

  constructor(imagined: Imagined, cell: CellPlan) {
    this.#imagined = imagined
    this.#cell = cell
  }

  runTask(ordinal: number, intendedAt: number, rng: Rng): void {
    const task = `t-${String(ordinal + 1).padStart(5, '0')}`
    const idealMs = stepMs * steps
    const deadlineAt = intendedAt + idealMs + graceMs
    const expectedDigest = `digest-of-${task}`
    const intent: TaskIntent = {
      ordinal,
      intendedAt,
      idealMs,
      steps,
      deadlineAt,
      giveUpAt: deadlineAt + graceMs,
      expectedDigest,
    }
    this.#drafts.push({ f: 'task', type: 'invoke', at: intendedAt, process: 'client', task, key: task, value: intent })
    const acceptedAt = this.#submit(task, ordinal, intendedAt + 0.5 + rng.next())
    const executed = this.#execute(task, ordinal, acceptedAt + 1)
    this.#deliver(task, intent, executed, acceptedAt, rng)
  }

  /** Sticky to one replica; a refused connection is tried again. */
  #submit(task: string, ordinal: number, firstAt: number): number {
    const node = ordinal % replicas
    const api = `client->api-${node}`
    for (let attempt = 1, at = firstAt; ; attempt++, at += 150) {
      const key = `${task}/submit/${attempt}`
      const about = { f: 'submit', process: 'client', task } as const
      this.#drafts.push({ ...about, type: 'invoke', at, key, value: { attempt, api } })
      const refused = this.#imagined.engine === 'memory' && this.#isDown(node, at)
      const value = refused ? { attempt, api } : { attempt, api, taskId: `id-${task}`, replayed: false, status: 202 }
      this.#drafts.push({ ...about, type: refused ? 'fail' : 'ok', at: at + 1, completes: key, value })
      if (!refused) return at + 1
    }
  }

  #execute(task: string, ordinal: number, from: number): Executed {
    const role = this.#imagined.engine === 'memory' ? 'api' : 'worker'
    const log: Executed['log'][number][] = [
      { at: from - 0.5, type: 'task.created', status: 'queued' },
      { at: from, type: 'task.started', status: 'running' },
    ]
    let [node, attempt, at] = [ordinal % replicas, 1, from]
    for (let step = 1; step <= steps;) {
      if (role === 'worker') node = this.#nextAlive(node, at)
      const killedAt = this.#firstKill(node, at, at + stepMs)
      const about = { task, step, attempt, executor: `${role}-${node}`, startedAt: at }
      if (killedAt === undefined) {
        this.#effect(about, at + stepMs)
        at += stepMs
        if (step < steps) log.push({ at, type: 'task.progress', status: 'running' })
        step++
        continue
      }
      if (role === 'api') return { diedAt: killedAt, log: log.filter((entry) => entry.at < killedAt) }
      // Almost done at the kill: its effect got out, the note of it did not, so that this step will repeat.
      if (killedAt - at > 0.8 * stepMs) this.#effect(about, killedAt)
      ;[at, node, attempt] = [killedAt + leaseMs, (node + 1) % replicas, attempt + 1]
      log.push({ at, type: 'task.resumed', status: 'running' })
    }
    return { doneAt: at, log: [...log, { at: at + 0.5, type: 'task.completed', status: 'completed' }] }
  }

  #effect(
    about: { task: string; step: number; attempt: number; executor: string; startedAt: number },
    endedAt: number,
  ): void {
    const { task, ...rest } = about
    const value = { taskId: `id-${task}`, ...rest, endedAt, idempotencyKey: `id-${task}/${about.step}` }
    this.#late.push({ f: 'effect', type: 'observe', at: endedAt, process: 'ledger', task, value })
  }

  #deliver(task: string, intent: TaskIntent, executed: Executed, acceptedAt: number, rng: Rng): void {
    const { delivery } = this.#imagined
    if (delivery === 'webhook') this.#callBack(task, intent, executed, rng)
    else if (delivery === 'polling') this.#poll(task, intent, executed, acceptedAt)
    else this.#stream(task, intent, executed, acceptedAt)
  }

  #callBack(task: string, intent: TaskIntent, { doneAt }: Executed, rng: Rng): void {
    if (doneAt === undefined) return this.#giveUp(task, intent)
    const at = doneAt + 1 + rng.next()
    const value = {
      taskId: `id-${task}`,
      deliveryId: `d-${task}`,
      status: 'completed',
      digest: intent.expectedDigest,
      httpStatus: 204,
    } as const
    this.#drafts.push({ f: 'callback', type: 'observe', at, process: 'receiver', task, value })
    this.#succeed(task, intent, at + 0.5, 'callback')
  }

  #poll(task: string, intent: TaskIntent, { log, diedAt }: Executed, acceptedAt: number): void {
    const taskId = `id-${task}`
    for (let at = acceptedAt + 100; ; at += 100) {
      if (diedAt !== undefined && at > diedAt + downMs) return this.#learnGone(task, at)
      const seen = log.filter((entry) => entry.at <= at)
      const status = seen.at(-1)?.status ?? 'queued'
      const down = diedAt !== undefined && at > diedAt
      const value = {
        taskId,
        waitedMs: 1,
        ...(!down && { status, version: Math.max(1, seen.length), httpStatus: 200 }),
      }
      this.#drafts.push({ f: 'poll', type: down ? 'fail' : 'ok', at, process: 'client', task, value })
      if (status === 'completed') return this.#succeed(task, intent, at + 0.1, 'poll')
    }
  }

  #stream(task: string, intent: TaskIntent, { log, doneAt, diedAt }: Executed, acceptedAt: number): void {
    const taskId = `id-${task}`
    const about = { type: 'observe', process: 'client', task } as const
    this.#drafts.push({ ...about, f: 'stream', at: acceptedAt + 0.2, value: { taskId, state: 'open' } })
    log.forEach(({ at, type, status }, i) => {
      const value = { taskId, seq: i + 1, type, status }
      this.#drafts.push({ ...about, f: 'event', at: Math.max(at + 1, acceptedAt + 0.3 + i / 100), value })
    })
    if (doneAt !== undefined) return this.#succeed(task, intent, doneAt + 2, 'stream')
    this.#drafts.push({ ...about, f: 'stream', at: diedAt! + 1.5, value: { taskId, state: 'closed', reason: 'reset' } })
    this.#learnGone(task, diedAt! + downMs + 50)
  }

  #succeed(task: string, intent: TaskIntent, at: number, via: 'callback' | 'poll' | 'stream'): void {
    const value = { taskId: `id-${task}`, status: 'completed', digest: intent.expectedDigest, via } as const
    this.#drafts.push({ f: 'task', type: 'ok', at, process: 'client', task, completes: task, value })
  }

  #learnGone(task: string, at: number): void {
    const poll = { taskId: `id-${task}`, httpStatus: 404, waitedMs: 1 }
    this.#drafts.push({ f: 'poll', type: 'fail', at, process: 'client', task, value: poll })
    const value = { taskId: `id-${task}`, reason: 'gone' } as const
    this.#drafts.push({ f: 'task', type: 'fail', at: at + 0.1, process: 'client', task, completes: task, value })
    this.#readFinal(task)
  }

  #giveUp(task: string, intent: TaskIntent): void {
    const value = { taskId: `id-${task}` }
    const at = intent.giveUpAt
    this.#drafts.push({
      f: 'task',
      type: 'info',
      at,
      process: 'client',
      task,
      completes: task,
      value,
      error: 'gave up',
    })
    this.#readFinal(task)
  }

  /** The memory of the node is gone, and with it the task. */
  #readFinal(task: string): void {
    const value = { taskId: `id-${task}`, found: false }
    this.#late.push({ f: 'final', type: 'ok', at: Infinity, process: 'harness', task, value })
  }

  #nextAlive(from: number, at: number): number {
    let node = from
    while (this.#isDown(node, at)) node = (node + 1) % replicas
    return node
  }

  #isDown(node: number, at: number): boolean {
    return this.#imagined.kills.some(({ ordinal, atMs }) => ordinal === node && atMs <= at && at < atMs + downMs)
  }

  #firstKill(node: number, from: number, to: number): number | undefined {
    const own = this.#imagined.kills.filter(({ ordinal, atMs }) => ordinal === node && from < atMs && atMs <= to)
    return own.length === 0 ? undefined : Math.min(...own.map(({ atMs }) => atMs))
  }

  conclude(loadEndsAt: number): Op[] {
    const role = this.#imagined.engine === 'memory' ? 'api' : 'worker'
    this.#imagined.kills.forEach(({ ordinal, atMs }, i) => this.#kill(`kill-1#${i + 1}`, `${role}-${ordinal}`, atMs))
    const lastAt = this.#drafts.reduce((latest, { at }) => Math.max(latest, at), loadEndsAt)
    const harness = { type: 'observe', process: 'harness' } as const
    const health = {
      pacerLagP99Ms: 1,
      pacerLagMaxMs: 2,
      eventLoopDelayP99Ms: 3,
      notOffered: 0,
      cpuShare: 0.2,
      ledgerGaps: 0,
      machine: { standstill: { at: 0, ms: 5 }, cores: 2, unwatched: 'nobody watched a simulation' },
    }
    const inOrder: Draft[] = [
      { ...harness, f: 'cell', at: -1000, value: this.#cell },
      { ...harness, f: 'phase', at: 0, value: { phase: 'load' } },
      ...this.#drafts.toSorted((a, b) => a.at - b.at),
      { ...harness, f: 'phase', at: lastAt, value: { phase: 'heal' } },
      { ...harness, f: 'phase', at: lastAt, value: { phase: 'drain' } },
      { ...harness, f: 'phase', at: lastAt + 1, value: { phase: 'final' } },
      ...this.#late.map((draft) => ({ ...draft, at: Math.min(draft.at, lastAt + 2) })),
      { ...harness, f: 'health', at: lastAt + 3, value: health },
      { ...harness, f: 'phase', at: lastAt + 4, value: { phase: 'end' } },
    ]
    return number(inOrder)
  }

  #kill(id: string, target: string, at: number): void {
    const fault = { f: 'fault', type: 'observe', process: 'nemesis' } as const
    const about = { id, fault: 'kill', target: [{ node: target }] }
    const node = { f: 'node', type: 'observe', process: `node:${target}` } as const
    this.#drafts.push(
      { ...node, at, value: { node: target, state: 'exited', signal: 'SIGKILL' } },
      { ...fault, at: at + 0.5, value: { ...about, state: 'armed', evidence: { signal: 'SIGKILL' } } },
      { ...fault, at: at + downMs - 1, value: { ...about, state: 'proven', firings: 1 } },
      { ...node, at: at + downMs, value: { node: target, state: 'ready' } },
      { ...fault, at: at + downMs + 0.5, value: { ...about, state: 'healed' } },
    )
  }
}

function number(drafts: readonly Draft[]): Op[] {
  const indexes = new Map(drafts.flatMap(({ key }, index) => (key === undefined ? [] : [[key, index] as const])))
  return drafts.map((draft, index) => {
    const invoke = draft.completes === undefined ? undefined : indexes.get(draft.completes)
    const op = { index, ...draft, ...(invoke !== undefined && { invoke }) }
    delete op.key
    delete op.completes
    return op as Op
  })
}
