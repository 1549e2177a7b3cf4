import type { Delivery } from '../../patterns/contract/types/delivery.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import { busyMachine, silencesAt, type Timeouts } from '../../patterns/contract/types/timeouts.ts'
import type { Capability } from '../model/runtime.ts'
import type { Target, TargetProcess } from '../model/target.ts'
import type { OwnService } from '../../servers/server.ts'
import { serverFor } from './program.ts'

/** A target as the two halves of a pattern. Both have its name; neither has a folder. */
export interface TargetPattern {
  readonly name: string
  readonly delivery: Delivery
  readonly engine: Engine
  readonly tuning: 'default'
  /** What cannot be done to it, by what a fault needs, and why. */
  readonly lacks: Readonly<Partial<Record<Capability, string>>>
}

/** `ofClient`: the delivery whose client waits for its outcome. */
export function patternOf(target: Target, ofClient: Delivery): TargetPattern {
  const { name, promises } = target
  const delivery: Delivery = {
    ...ofClient,
    name,
    summary: `your own service, asked as ${ofClient.name} does`,
    promises,
  }
  return { name, delivery, engine: engineOf(target, ofClient), tuning: 'default', lacks: lacksOf(target) }
}

function engineOf(target: Target, { callback }: Delivery): Engine {
  const { name, promises, durable, sticky, processes } = target
  const worker = processes.some(({ role }) => role === 'worker') ? 'worker' : 'api'
  return {
    name,
    summary: `your own service ${name}`,
    promises,
    durable,
    executor: worker,
    notifier: worker,
    sticky,
    ...patienceOf(target),
    services: processes.map((process) => serviceOf(target, process, callback && process.role === worker)),
  }
}

/** Where its owner says how long it waits for a silent process, silences are told from deaths by that. */
function patienceOf({ patienceMs: ms }: Target): Pick<Engine, 'timeouts' | 'patience'> {
  if (ms === undefined) return { timeouts: {} }
  const timeouts: Timeouts = { patienceMs: { default: ms, tuned: ms, floorMs: 0, why: busyMachine } }
  return { timeouts, patience: (at) => at['patienceMs']! }
}

/** Of a service that does not say, the machine must not be slower than most leases would bear. */
const usualPatienceMs = 10_000

/** How long a part of it waits before it takes a silence for death, by name and in real milliseconds. */
export function targetSilencesAt(
  { target, pattern }: { readonly target: Target; readonly pattern: TargetPattern },
  timeScale: number,
) {
  const { patienceMs, work } = target
  const assumed = { usualPatienceMs: Math.min(usualPatienceMs, work.takesMs) / timeScale }
  return { ...silencesAt(pattern, timeScale), ...(patienceMs === undefined && assumed) }
}

function serviceOf(target: Target, process: TargetProcess, notifies: boolean): OwnService {
  const { role, replicas = 1, dials } = process
  return {
    role,
    program: `${target.name}.${role}`,
    replicas,
    dials: notifies ? [...new Set([...dials, 'receiver' as const])] : dials,
    server: serverFor(target, process),
  }
}

/** Faults of nodes that none of its processes can have. */
function lacksOf({ processes }: Target): TargetPattern['lacks'] {
  const api = processes.find(({ role }) => role === 'api')!
  const ours = 'it is no node of outlast’s own, whose event loop could be kept busy'
  if (api.program.kind !== 'url') return { block: ours }
  const where = `it runs at ${api.program.url}`
  const { kill } = api.program
  return {
    block: ours,
    pause: `${where}: nobody here can pause it`,
    stop: `${where}: nobody here can stop it in order`,
    ...(kill === undefined && {
      kill: `${where}: write kill and restart, commands that take it down and bring it back`,
    }),
  }
}
