import { Agent, buildConnector, type Dispatcher } from 'undici'
import { loadModule } from '../../patterns/contract/server/plugins.ts'
import { mostAnswerBytes } from '../../patterns/contract/client/answer-size.ts'
import type { ClientPorts, Inbox, RunJob } from '../../patterns/contract/client/client.ts'
import { withoutInterim } from '../../patterns/contract/client/interim.ts'
import type { Task } from '../../patterns/contract/types/task.ts'
import { timingAt } from '../../patterns/contract/types/timing.ts'
import type { TargetSpeech } from '../targets/speech.ts'
import type { CallbackReceiver } from './inbox.ts'
import type { System, SystemSpec } from './system.ts'

/** A delivery's reference client, connected to a system; disposing closes its connections. */
export interface Client extends AsyncDisposable {
  readonly runJob: RunJob
  readonly ports: Omit<ClientPorts, 'observe' | 'now' | 'random'>
}

/** Connect over the links. What is recorded, the clock and the randomness are the caller's. */
export async function openClient(
  { deployment, receiver }: Pick<System<CallbackReceiver>, 'deployment' | 'receiver'>,
  { delivery, engine, token, timeScale }: Pick<SystemSpec<unknown>, 'delivery' | 'engine' | 'token' | 'timeScale'>,
  speech?: TargetSpeech,
): Promise<Client> {
  const runJob = speech?.runJob ?? (await loadModule<{ default: RunJob }>(delivery, 'client')).default
  const callbackUrl = deployment.links.find(({ kind }) => kind === 'sender->receiver')?.url
  const inbox: Inbox = {
    urlFor: (job) => `${callbackUrl}${receiver.pathFor(job)}`,
    wait: (job, signal, open) => receiver.wait<Task>(job, signal, open),
  }
  const apis = deployment.links.filter(({ kind }) => kind === 'client->api').map(({ name, url }) => ({ name, url }))
  const dispatcher = openDispatcher(timingAt(timeScale).connectTimeoutMs, timeScale)
  const { sticky } = engine
  const heard = speech?.hear(inbox) ?? inbox
  const ports = {
    apis,
    sticky,
    dispatcher,
    token,
    timeScale,
    ...(speech && { dialect: speech.dialect }),
    ...(callbackUrl !== undefined && { inbox: heard }),
  }
  return { runJob, ports, [Symbol.asyncDispose]: () => dispatcher[Symbol.asyncDispose]() }
}

/** undici's own; the kernel counts in whole seconds. */
const keepAliveMs = 60_000
const keepAliveFloorMs = 1_000

/** Connections of one cell: as many as it takes (an open loop must not queue), pipelining off. */
function openDispatcher(connectTimeoutMs: number, timeScale: number): Dispatcher & AsyncDisposable {
  const connector = buildConnector({
    timeout: Math.max(connectTimeoutMs, 250),
    // A probe is a packet, and keeps a NAT's entry: unscaled, a compressed run would lose flows that a real one keeps.
    keepAliveInitialDelay: Math.max(keepAliveFloorMs, keepAliveMs / timeScale),
  })
  const agent = new Agent({
    pipelining: 1,
    // Deadlines belong to the clients under test, which know what they wait for.
    headersTimeout: 0,
    bodyTimeout: 0,
    maxResponseSize: mostAnswerBytes,
    connect: withoutInterim(connector),
  })
  return Object.assign(agent, { [Symbol.asyncDispose]: () => agent.destroy() })
}
