import { join } from 'node:path'
import { timeoutsAt, type Tuning } from '../../patterns/contract/types/timeouts.ts'
import type { Deployment, DeployRequest, CellContext as Place, Runtime } from '../model/runtime.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import { openGateway } from './gateway.ts'
import { type Ledger, type LedgerEvents, openLedger } from './ledger.ts'

/** A system under test, and what it needs around it. */
export interface SystemSpec<R> {
  readonly runtime: Runtime
  /** Its name, and the folders that it may use. */
  readonly place: Place
  readonly delivery: string
  readonly engine: Engine
  readonly tuning: Tuning
  readonly timeScale: number
  /** Bearer token that its API accepts. */
  readonly token: string
  /** What its nodes call it in every answer (`strangers.ts`); by default nothing. */
  readonly name?: string
  /** Of its API nodes alone: who may do what. With OUTLAST_GRANT_KEY a tool gateway stands between executors and the ledger. */
  readonly apiEnv?: Readonly<Record<string, string>> | undefined
  /** Of every node: the limits that tasks live under. */
  readonly nodeEnv?: Readonly<Record<string, string>> | undefined
  readonly onEffect?: LedgerEvents['onEffect']
  /** As `LedgerEvents` has it. */
  readonly nameEnd?: string | undefined
  /** Opens the callback receiver at this address of the harness. */
  readonly openReceiver: (host: string) => Promise<R>
  readonly deploy: Omit<DeployRequest, 'services' | 'env' | 'apiEnv' | 'timeouts' | 'outside'>
}

/** It runs; disposing ends all of it. */
export interface System<R> extends AsyncDisposable {
  readonly deployment: Deployment
  readonly ledger: Ledger
  readonly receiver: R
}

/** What receives callbacks, at `host:port`. */
interface Listener extends AsyncDisposable {
  readonly address: string
}

/**
 * Start the ledger, the callback receiver and every node. Cells, verification and benchmarks all start their systems here.
 * The ledger's files are in the folder of the place. Rejects when something cannot be started, and leaves nothing then.
 */
export async function openSystem<R extends Listener>(spec: SystemSpec<R>, signal: AbortSignal): Promise<System<R>> {
  const { runtime, place, engine, onEffect, nameEnd } = spec
  await using stack = new AsyncDisposableStack()
  const testbed = stack.use(await runtime.open(place, signal))
  const [file, log] = [join(place.folder, 'ledger.ndjson'), join(place.folder, 'logs', 'ledger.log')]
  const events = { onEffect, nameEnd, ...(place.lost && { onLost: place.lost }) }
  const ledger = stack.use(await openLedger(file, log, testbed.host, events))
  const grantKey = spec.apiEnv?.['OUTLAST_GRANT_KEY']
  const door = {
    host: testbed.host,
    tools: ledger.address,
    folder: place.folder,
    ...(place.lost && { onLost: place.lost }),
  }
  const tools = grantKey === undefined ? ledger : stack.use(await openGateway({ ...door, grantKey }))
  const receiver = stack.use(await spec.openReceiver(testbed.host))
  const request = {
    ...spec.deploy,
    ...(spec.apiEnv && { apiEnv: spec.apiEnv }),
    services: engine.services,
    env: nodeEnvironment(
      { ...spec, engine: engine.name, network: testbed.network },
      { ...engine.env, ...spec.nodeEnv },
    ),
    timeouts: timeoutsAt(engine.timeouts, spec),
    outside: { tools: tools.address, receiver: receiver.address },
  }
  const deployment = stack.use(await testbed.deploy(request, signal))
  const owned = stack.move()
  return { deployment, ledger, receiver, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

interface NodeSettings extends Pick<SystemSpec<unknown>, 'delivery' | 'tuning' | 'timeScale' | 'token' | 'name'> {
  readonly engine: string
  /** Of the callback receiver, as CIDR: on loopback or in a private network, which a sender must otherwise refuse to dial. */
  readonly network: string
}

/** What every node is given, as `patterns/contract/server/settings.ts` reads it; a runtime adds who each node is. */
export function nodeEnvironment(
  { delivery, engine, tuning, timeScale, token, network, name }: NodeSettings,
  more: Readonly<Record<string, string>> = {},
): Readonly<Record<string, string>> {
  return {
    OUTLAST_DELIVERY: delivery,
    OUTLAST_ENGINE: engine,
    OUTLAST_TUNING: tuning,
    OUTLAST_TIME_SCALE: String(timeScale),
    OUTLAST_TOKEN: token,
    OUTLAST_WEBHOOK_ALLOW: network,
    ...(name !== undefined && { OUTLAST_SYSTEM: name }),
    ...more,
  }
}
