import { setTimeout as delay } from 'node:timers/promises'
import type { Agent } from 'undici'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import { loadModule } from '../../patterns/contract/server/plugins.ts'
import {
  JobFailed,
  type ClientPorts,
  type Job,
  type Inbox,
  type RunJob,
} from '../../patterns/contract/client/client.ts'
import type { Observe } from '../../patterns/contract/types/observations.ts'
import type { Balance } from '../../patterns/contract/types/account.ts'
import { operator } from '../../patterns/contract/types/principal.ts'
import type { CallbackDelivery } from '../../patterns/contract/types/callback.ts'
import type { Command } from '../../patterns/contract/types/command.ts'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { type Answer, authorization, exchange, jsonOf } from '../../patterns/contract/client/http.ts'
import { sendCommand } from '../../patterns/contract/client/command.ts'
import { submitJob } from '../../patterns/contract/client/submit.ts'
import { Talk } from '../../patterns/contract/client/talk.ts'
import { isTerminal, type Task } from '../../patterns/contract/types/task.ts'
import { monotonicMs } from '../../patterns/contract/types/timer.ts'
import type { CallbackReceiver } from '../../harness/run/inbox.ts'
import type { EngineCluster } from './engine-cluster.ts'
import type { SupervisedNode } from './supervised-node.ts'

/**
 * What a client does with a task. It learns its end by this delivery, cancels it when it has started, interrupts and
 * steers it then and lets it go on, tops up the balance that it is paid from, or has its callback sent again. Two kinds start
 * sub-tasks by themselves; the rogue one is cancelled when one of them is at work.
 */
export type Kind = 'cancel' | 'steer' | 'top-up' | 'replay' | 'spawn' | 'rogue' | (string & {})
export const reference = 'sse-polling'

/** A task, as its client knows it at the end. */
export interface Ran {
  readonly kind: Kind
  readonly job: Job
  /** Every id under which its submission was accepted. */
  readonly taskIds: ReadonlySet<string>
  /** Of the events that its stream carried, over all connections. */
  readonly seqs: readonly number[]
  /** What the delivery's own client learned, or why it did not. */
  readonly learned: Task | Error
  /** Ids of the commands that were acknowledged, in that order. */
  readonly acknowledged: readonly string[]
  /** When its cancellation was acknowledged, in monotonic milliseconds; of a rogue one. */
  readonly cancelledAt?: number | undefined
}

export interface Run {
  readonly ended: Promise<readonly Ran[]>
  /** Resolves when a first step is done, or all is over. */
  readonly underWay: Promise<unknown>
}

export interface Clients {
  /** One task of each of these kinds, at once, from submission to what its client learns. */
  run(wanted: readonly Kind[]): Run
  /** As the API shows it when it has ended; undefined when that knows it no more. */
  readEnd(ran: Ran): Promise<Task | undefined>
  readEvents(ran: Ran): Promise<readonly TaskEvent[]>
  /** The account of all these tasks, and what it was ever given; undefined: there is none. */
  readAccount(): Promise<{ readonly balance: Balance; readonly given: number } | undefined>
  /** The same submission under the same key. */
  submitAgain(ran: Ran): Promise<{ readonly task: Task; readonly replayed: boolean }>
}

export interface ClientParts {
  readonly engine: Engine
  readonly cluster: EngineCluster
  readonly token: string
  readonly apis: ReadonlyMap<string, SupervisedNode>
  readonly dispatcher: Agent
  /** Longest time for anything; clients give up after it. */
  readonly limitMs: number
  /** Its callbacks are received until the scene ends. */
  readonly openReceiver: () => Promise<CallbackReceiver>
  /** Deliveries that post callbacks. */
  readonly posting: readonly string[]
}

/** Clients wait four times as long as the servers' own scale asks: many engines crash side by side here. */
const patientScale = 20

let ordinal = 0

/** What the account of all tasks has to begin with, in credits: enough. */
export const balanceAtFirst = 1_000_000
const account = `accounts/${operator}`

export function openClients(parts: ClientParts): Clients {
  const { engine, cluster, token, apis, dispatcher, limitMs, openReceiver, posting } = parts
  const deliveryOf = (kind: Kind): string => {
    if (kind === 'replay') return posting[0]!
    return ['cancel', 'steer', 'top-up', 'spawn', 'rogue'].includes(kind) ? reference : kind
  }
  let topUps = 0
  const inTime = (): AbortSignal => AbortSignal.timeout(limitMs)
  /** By job, each an origin of its own: a node asks an origin for its consent once in its life. */
  const receivers = new Map<string, CallbackReceiver>()
  const urlFor = (key: string): string => `http://${receivers.get(key)!.address}/callbacks/${key}`
  const inbox: Inbox = { urlFor, wait: (key, ...more) => receivers.get(key)!.wait(key, ...more) }

  function portsFor(kind: Kind, observe: Observe = () => {}): ClientPorts {
    const { name, url } = apis.get(deliveryOf(kind))!
    const time = { now: () => performance.now(), random: Math.random, timeScale: patientScale }
    return { apis: [{ name, url }], sticky: engine.sticky, dispatcher, token, ...time, observe, inbox }
  }

  async function runOne(kind: Kind, job: Job): Promise<Ran> {
    const { default: runJob } = await loadModule<{ default: RunJob }>(deliveryOf(kind), 'client')
    if (posting.includes(deliveryOf(kind))) receivers.set(job.key, await openReceiver())
    const seen = openRecord()
    const ports = portsFor(kind, seen.observe)
    const learning = runJob(job, ports, inTime()).then(
      ({ task }) => task,
      (error: unknown) => error as Error,
    )
    if (kind === 'cancel')
      await Promise.race([learning, seen.started.then((id) => call('POST', ports, `${id}:cancel`))])
    const cancelledAt =
      kind === 'rogue'
        ? await Promise.race([
            learning.then(() => undefined),
            cancelFamily(ports, job, seen.started).catch(() => undefined),
          ])
        : undefined
    if (kind === 'top-up') await topUp(ports, job.key)
    const acknowledged: string[] = []
    if (kind === 'steer') await Promise.race([learning, seen.started.then((id) => steer(ports, job, id, acknowledged))])
    const learned = await learning
    if (kind === 'replay' && !(learned instanceof Error)) await replay(ports, learned.task_id)
    return { kind, job, taskIds: seen.taskIds, seqs: seen.seqs, learned, acknowledged, cancelledAt }
  }

  /** When one of its sub-tasks is at work. Resolves with the time of the answer. */
  async function cancelFamily(ports: ClientPorts, { key }: Job, started: Promise<string>): Promise<number> {
    await until(() => cluster.effects.some(({ task }) => task.startsWith(`${key}/`)) || undefined, inTime())
    await call('POST', ports, `${await started}:cancel`)
    return monotonicMs()
  }

  /** Each until it is acknowledged, as any client does. A task that has ended, or is lost, takes no more. */
  async function steer(ports: ClientPorts, job: Job, taskId: string, acknowledged: string[]): Promise<void> {
    const talk = new Talk(job, ports, inTime())
    talk.follow(taskId)
    for (const command of commands) {
      const isTaken = await sendCommand(talk, taskId, command).then(
        () => true,
        () => false,
      )
      if (!isTaken) return
      acknowledged.push(command.id)
    }
  }

  /** One credit, until it is known to be made: however often it is asked for, it is one. */
  async function topUp(ports: ClientPorts, id: string): Promise<void> {
    const answer = await call('POST', ports, `../${account}/top-ups`, { id, credits: 1 })
    if (answer.status === 200) topUps++
  }

  /** Where callbacks are on record: ask for one more attempt, until it was made. */
  async function replay(ports: ClientPorts, taskId: string): Promise<void> {
    for (const signal = inTime(); ; await delay(20, undefined, { signal })) {
      const answer = await call('GET', ports, `${taskId}/deliveries`)
      const [delivery] = (jsonOf(answer) as { deliveries?: readonly CallbackDelivery[] }).deliveries ?? []
      if (answer.status !== 200 || delivery?.attempts.some(({ manual }) => manual)) return
      if (delivery) await call('POST', ports, `${taskId}/deliveries/${delivery.id}:replay`)
    }
  }

  /** Until somebody answers it. */
  async function call(method: 'GET' | 'POST', ports: ClientPorts, path: string, body?: object): Promise<Answer> {
    const url = new URL(path, `${ports.apis[0]!.url}/v1/tasks/`).href
    const sent = body && { body: JSON.stringify(body) }
    const headers = { ...authorization(ports), ...(body && { 'content-type': 'application/json' }) }
    const request = { method, url, headers, ...sent }
    for (const signal = inTime(); ; await delay(20, undefined, { signal })) {
      const answer = await exchange(dispatcher, request, 5000, signal).catch(() => undefined)
      if (answer && (answer.status < 500 || answer.status === 501)) return answer
    }
  }

  const read = ({ kind, taskIds }: Ran, path = ''): Promise<Answer> =>
    call('GET', portsFor(kind), `${[...taskIds].at(-1)}${path}`)

  return {
    run: (wanted) => {
      const jobs = wanted.map((kind) => ({ kind, job: nextJob(kind, limitMs) }))
      const ended = Promise.all(jobs.map(({ kind, job }) => runOne(kind, job)))
      const hasEffect = (): true | undefined =>
        cluster.effects.some(({ task }) => jobs.some(({ job }) => job.key === task)) || undefined
      return { ended, underWay: Promise.race([ended, until(hasEffect, inTime()).catch(() => {})]) }
    },
    readEnd: async (ran) => {
      for (const signal = inTime(); ; await delay(20, undefined, { signal })) {
        const answer = await read(ran)
        if (answer.status === 404) return undefined
        const task = jsonOf(answer) as Task
        if (isTerminal(task.status)) return task
      }
    },
    readEvents: async (ran) => (jsonOf(await read(ran, '/events')) as { events: TaskEvent[] }).events,
    readAccount: async () => {
      const answer = await call('GET', portsFor(reference), `../${account}`)
      return answer.status === 200 ? { balance: jsonOf(answer) as Balance, given: balanceAtFirst + topUps } : undefined
    },
    submitAgain: async ({ kind, job }) => {
      const seen = openRecord()
      const options = posting.includes(deliveryOf(kind)) ? { delivery: { webhook_url: urlFor(job.key) } } : {}
      const { task } = await submitJob(new Talk(job, portsFor(kind, seen.observe), inTime()), options)
      return { task, replayed: seen.replayed() }
    },
  }
}

/** The client learned that there is no result. */
export function hasFailed(learned: Task | Error): learned is JobFailed {
  return learned instanceof JobFailed && learned.reason === 'task-failed'
}

const commands: readonly Command[] = [
  { id: 'stop', type: 'interrupt' },
  { id: 'turn', type: 'steer', patch: [{ op: 'replace', path: '/instruction', value: 'be brief' }] },
  { id: 'go', type: 'resume' },
]

/** What every job's work is. */
export const profileOfJob = new Map<string, string>()

function nextJob(kind: Kind, limitMs: number): Job {
  const key = `crash-${process.pid}-${++ordinal}`
  const profile = { spawn: 'recursive/2/1', rogue: 'rogue/1' }[kind as string] ?? 'smoke'
  profileOfJob.set(key, profile)
  const input = { seed: ordinal, profile, job: key }
  const asks = kind === 'steer' && { memory: { instruction: 'be thorough' } }
  return { key, ordinal, input, ...asks, giveUpAt: performance.now() + limitMs }
}

/** What a client reports of one task. */
function openRecord() {
  const taskIds = new Set<string>()
  const seqs: number[] = []
  let replayed = false
  const started = Promise.withResolvers<string>()
  const observe: Observe = (_job, seen) => {
    if (seen.f === 'submit' && seen.type === 'ok') {
      taskIds.add(seen.value.taskId)
      replayed = seen.value.replayed
    }
    if (seen.f !== 'event') return
    const { seq, taskId, type } = seen.value
    seqs.push(seq)
    if (type === 'task.started') started.resolve(taskId)
  }
  return { taskIds, seqs, replayed: () => replayed, started: started.promise, observe }
}

/** As soon as there is one. Rejects when the signal aborts. */
async function until<T>(look: () => T | undefined, signal: AbortSignal): Promise<T> {
  for (; ; await delay(10, undefined, { signal })) {
    const found = look()
    if (found !== undefined) return found
  }
}
