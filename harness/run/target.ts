import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { request } from 'undici'
import { digestOf, planTask } from '../../patterns/agent/plan.ts'
import { loadDeliveryServer, loadModule } from '../../patterns/contract/types/axes.ts'
import type { RunJob } from '../../patterns/contract/client/client.ts'
import type { TaskInput } from '../../patterns/contract/types/task.ts'
import { timeoutsAt } from '../../patterns/contract/types/timeouts.ts'
import { timingAt } from '../../patterns/contract/types/timing.ts'
import { HarnessError } from '../core/errors.ts'
import type { Link } from '../model/link.ts'
import type { Tuning } from '../model/timeouts.ts'
import type { Capability, Delivery, Deployment, Engine, Node, Place, Runtime } from '../model/types.ts'
import { sleep } from '../core/timer.ts'
import type { Abilities, Body, Target, Work } from '../conform/case.ts'
import { lossyLink, silentLink } from '../conform/harms.ts'
import { probe } from '../conform/probe.ts'
import { openReceiver, type Receiver } from '../conform/receiver.ts'
import { currentRun } from '../os/label.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { nodeEnvironment } from './node-environment.ts'
import { nameSystem } from './strangers.ts'

/** What is deployed to be held against the contract. */
export interface ScenePattern {
  readonly name: string
  readonly delivery: Delivery
  readonly engine: Engine
  readonly tuning: Tuning
}

export interface SceneContext extends Place {
  readonly runtime: Runtime
  readonly timeScale: number
  readonly signal: AbortSignal
}

/** A pattern that runs, as a target for the contract's cases; disposing ends everything of it. */
export interface Scene extends AsyncDisposable {
  readonly target: Target
}

/** Start one API node, one executor, and the world around them. Rejects when they cannot be started. */
export async function openScene(pattern: ScenePattern, context: SceneContext): Promise<Scene> {
  const { runtime, folder, signal, timeScale } = context
  const { delivery, engine, tuning } = pattern
  const pace = { tuning, timeScale }
  await using stack = new AsyncDisposableStack()
  const ground = stack.use(await runtime.open(context, signal))
  const logs = join(folder, 'logs')
  const ledgerLog = join(logs, 'ledger.log')
  const events = context.lost && { onLost: context.lost }
  const ledger = stack.use(await openLedger(join(folder, 'ledger.ndjson'), ledgerLog, ground.host, events))
  const receiver = stack.use(await openReceiver(ground.host))
  const token = randomBytes(24).toString('base64url')
  const system = nameSystem(currentRun(), context.cell)
  const deployment = stack.use(
    await ground.deploy(
      {
        services: engine.services,
        timeouts: timeoutsAt(engine.timeouts, pace),
        replicas: { api: 1, executor: 1 },
        env: nodeEnvironment({
          delivery: delivery.name,
          engine: engine.name,
          ...pace,
          token,
          system,
          network: ground.network,
        }),
        outside: { tools: ledger.address, receiver: receiver.address },
        // Doubles with every crash in a row: cases crash nodes often.
        restartDelayMs: 50,
        seed: 1,
        edge: false,
        onNodeEvent: () => {},
      },
      signal,
    ),
  )
  const parts = { pattern, deployment, ledger, token, system, offers: runtime.offers }
  const target = await describeTarget(parts, context)
  const callbacks = callbacksOf(receiver, deployment)
  const probed = await probe(target, callbacks ?? `${engine.name} dials no receiver`)
  const owned = stack.move()
  return { target: probed, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

interface Parts {
  readonly pattern: ScenePattern
  readonly deployment: Deployment
  readonly ledger: Ledger
  readonly token: string
  readonly system: string
  readonly offers: readonly Capability[]
}

async function describeTarget(parts: Parts, context: SceneContext): Promise<Target> {
  const { timeScale, signal } = context
  const { pattern, deployment, token, system } = parts
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
      events: pattern.delivery.promises.includes('sse-continuity'),
    },
    able: await abilitiesOf(parts, context),
    unable: reasonsOf(parts),
    signal,
  }
}

/** The same key is the same work; the key is the name of the job in everything that the tool server records. */
function bodyFor(key: string, { long = false, callbackUrl, deadlineS }: Work = {}): Body {
  return {
    type: 'agent',
    input: { seed: key.length, profile: long ? 'research-write' : 'smoke', job: key },
    ...(callbackUrl !== undefined && { delivery: { webhook_url: callbackUrl } }),
    ...(deadlineS !== undefined && { deadline_s: deadlineS }),
  }
}

async function abilitiesOf(parts: Parts, { timeScale, signal }: SceneContext): Promise<Partial<Abilities>> {
  const { pattern, deployment, ledger, token, system, offers } = parts
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
    client: { run, sticky: engine.sticky, events: delivery.promises.includes('sse-continuity') },
    ...(keeps(engine) ? { durable: true } : { forgetful: true }),
    ...(endpointSecret && { secretOf: (url) => endpointSecret(token, url) }),
    ...(offers.includes('kill') && { restart: () => restart(deployment, system, signal) }),
    ...(offers.includes('stall') && tools && { hold: silentLink(tools).harm }),
    ...(offers.includes('stall') && client && { silentLink: silentLink(client) }),
    ...(offers.includes('response-lost') && client && { lossyLink: lossyLink(client) }),
  }
}

function rightAnswer(input: TaskInput, timeScale: number, ledger: Ledger): string {
  return digestOf(planTask(input, timeScale), (step) => ledger.nonceOf(input.job, step))
}

function keeps({ promises }: Engine): boolean {
  return promises.includes('no-lost-task')
}

function reasonsOf({ pattern: { engine, delivery }, offers }: Parts): Target['unable'] {
  const stalls = offers.includes('stall') ? '' : 'the runtime cannot silence a link'
  return {
    durable: `${engine.name} does not promise to keep a task when its process dies`,
    forgetful: `${engine.name} promises to keep every task`,
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
