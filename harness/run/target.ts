import { randomBytes } from 'node:crypto'
import { request } from 'undici'
import { digestOf, planTask } from '../../patterns/agent/plan.ts'
import { loadDeliveryServer, loadModule } from '../../patterns/contract/server/plugins.ts'
import type { RunJob } from '../../patterns/contract/client/client.ts'
import type { TaskInput } from '../../patterns/contract/types/task.ts'
import { timingAt } from '../../patterns/contract/types/timing.ts'
import type { Tuning } from '../../patterns/contract/types/timeouts.ts'
import { HarnessError } from '../core/errors.ts'
import type { Link } from '../model/link.ts'
import type { Capability, Deployment, Node, CellContext, Runtime } from '../model/runtime.ts'
import type { Delivery } from '../../patterns/contract/types/delivery.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import { sleep } from '../../patterns/contract/types/timer.ts'
import { askedFor, inputFor } from '../conform/body.ts'
import type { Abilities, Body, Target, Work } from '../conform/case.ts'
import { Conversation } from '../conform/conversation.ts'
import { lossyLink, silentLink } from '../conform/harms.ts'
import { probe } from '../conform/probe.ts'
import { openReceiver, type Receiver } from '../conform/receiver.ts'
import { currentRun } from '../os/label.ts'
import type { Ledger } from './ledger.ts'
import { nameSystem } from './strangers.ts'
import { openSystem } from './system.ts'

/** What is started to be held against the contract. */
export interface TargetPattern {
  readonly name: string
  readonly delivery: Delivery
  readonly engine: Engine
  readonly tuning: Tuning
}

export interface TargetContext {
  readonly place: CellContext
  readonly runtime: Runtime
  readonly timeScale: number
  readonly signal: AbortSignal
}

/** A pattern that runs, as a target for the contract's cases; disposing ends everything of it. */
export interface RunningTarget extends AsyncDisposable {
  readonly target: Target
}

/** Start one API node, one executor, and what they need around them. Rejects when they cannot be started. */
export async function openTarget(pattern: TargetPattern, context: TargetContext): Promise<RunningTarget> {
  const { runtime, place, timeScale, signal } = context
  const { delivery, engine, tuning } = pattern
  await using stack = new AsyncDisposableStack()
  const token = randomBytes(24).toString('base64url')
  const name = nameSystem(currentRun(), place.cell)
  const spec = { runtime, place, delivery: delivery.name, engine, tuning, timeScale, token, name }
  const deploy = {
    replicas: { api: 1, executor: 1 },
    // Doubles with every crash in a row: cases crash nodes often.
    restartDelayMs: 50,
    seed: 1,
    edge: false,
    onNodeEvent: () => {},
  }
  const system = stack.use(await openSystem({ ...spec, openReceiver, deploy }, signal))
  const { deployment, ledger, receiver } = system
  const running = { pattern, deployment, ledger, token, system: name, offers: runtime.offers }
  const target = await describeTarget(running, context)
  const callbacks = callbacksOf(receiver, deployment)
  // Another protocol is asked in its own way, by its own cases.
  const probed = delivery.ownProtocol ? target : await probe(target, callbacks ?? `${engine.name} dials no receiver`)
  const owned = stack.move()
  return { target: probed, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

interface Running {
  readonly pattern: TargetPattern
  readonly deployment: Deployment
  readonly ledger: Ledger
  readonly token: string
  readonly system: string
  readonly offers: readonly Capability[]
}

async function describeTarget(running: Running, context: TargetContext): Promise<Target> {
  const { timeScale, signal } = context
  const { pattern, deployment, token, system } = running
  return {
    name: pattern.name,
    url: deployment.nodes.find(({ role }) => role === 'api')!.url,
    token,
    system,
    timeScale,
    timing: timingAt(timeScale),
    bodyFor,
    promises: {
      callbacks: pattern.delivery.callback,
      events: pattern.delivery.events,
    },
    able: await abilitiesOf(running, context),
    unable: reasonsOf(running),
    signal,
    conversation: new Conversation(),
  }
}

function bodyFor(key: string, work: Work = {}): Body {
  return { type: 'agent', input: inputFor(key, work), ...askedFor(work) }
}

async function abilitiesOf(running: Running, { timeScale, signal }: TargetContext): Promise<Partial<Abilities>> {
  const { pattern, deployment, ledger, token, system, offers } = running
  const { delivery, engine } = pattern
  const [{ default: run }, { endpointSecret }] = await Promise.all([
    loadModule<{ default: RunJob }>(delivery.name, 'client'),
    loadDeliveryServer(delivery.name),
  ])
  const link = (kind: Link['kind']): Link | undefined => deployment.links.find((one) => one.kind === kind)
  const [client, tools] = [link('client->api'), link('worker->tools')]
  return {
    answerTo: ({ input }) => rightAnswer(input as TaskInput, timeScale, ledger),
    effects: async () =>
      (await ledger.readAll()).effects.map(({ task, taskId, step }) => ({ job: task, taskId, step })),
    client: { run, sticky: engine.sticky, events: delivery.events },
    ...(engine.durable ? { durable: true } : { forgetful: true }),
    ...(endpointSecret && { secretOf: () => endpointSecret(token) }),
    ...(offers.includes('kill') && { restart: () => restart(deployment, system, signal) }),
    ...(offers.includes('stall') && tools && { hold: silentLink(tools).harm }),
    ...(offers.includes('stall') && client && { silentLink: silentLink(client) }),
    ...(offers.includes('response-lost') && client && { lossyLink: lossyLink(client) }),
  }
}

function rightAnswer(input: TaskInput, timeScale: number, ledger: Ledger): string {
  return digestOf(planTask(input, timeScale), (step) => ledger.nonceOf(input.job, step))
}

function reasonsOf({ pattern: { engine, delivery }, offers }: Running): Target['unable'] {
  const stalls = offers.includes('stall') ? '' : 'the runtime cannot silence a link'
  return {
    durable: `tasks of ${engine.name} die with their process`,
    forgetful: `tasks of ${engine.name} outlive their process`,
    secretOf: `${delivery.name} signs nothing`,
    restart: 'the runtime cannot kill a node',
    hold: stalls || `${engine.name} calls no tools over a link`,
    silentLink: stalls,
    lossyLink: 'the runtime cannot lose the answers of a link',
  }
}

function callbacksOf(receiver: Receiver, { links }: Deployment): Abilities['callbacks'] | undefined {
  const link = links.find(({ kind }) => kind === 'sender->receiver')
  return link && receiver.callbacksAt(link.url)
}

/** All at once; the runtime starts them again, and again where they find no engine yet. */
async function restart({ nodes }: Deployment, system: string, signal: AbortSignal): Promise<void> {
  const ours = nodes.filter(({ role }) => role === 'api' || role === 'worker')
  await Promise.all(ours.map((node) => node.crash()))
  const limit = AbortSignal.any([signal, AbortSignal.timeout(startLimitMs)])
  await Promise.all(ours.map((node) => answers(node, system, limit)))
}

const startLimitMs = 60_000

async function answers({ name, url }: Node, system: string, limit: AbortSignal): Promise<void> {
  for (;;) {
    const answer = await request(`${url}/healthz`, { reset: true, headersTimeout: 2_000 }).catch(() => undefined)
    const health = await answer?.body.json().catch(() => undefined)
    if (answer?.statusCode === 200 && (health as { system?: unknown } | undefined)?.system === system) return
    if (limit.aborted) throw new HarnessError(`${name} does not come back`)
    await sleep(25)
  }
}
