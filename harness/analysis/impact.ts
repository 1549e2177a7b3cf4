import type { Impact } from '../model/plan.ts'
import type { FaultTrace } from './trace.ts'

type Impacted = Pick<FaultTrace, 'fault' | 'params' | 'impact'>

/** As the plan says. What an older plan does not say is listed below; a fault that is not there explains nothing. */
export function impactOf({ fault, params, impact }: Impacted): Impact {
  const old = recorded[fault]
  const known = (typeof old === 'function' ? old(params) : old) ?? { kind: 'none' }
  if (!impact) return known
  // Plans had kinds before they had what goes with them.
  return impact.kind === known.kind ? { ...known, ...impact } : impact
}

/** A silence after which all that was under way goes on where it was. */
export function isPassing(fault: FaultTrace): boolean {
  const impact = impactOf(fault)
  return impact.kind === 'silence' && !impact.loses
}

/** The shortest pause after which what met such a silence is tried again, in real milliseconds. */
export function firstPauseMs(fault: FaultTrace): number {
  const impact = impactOf(fault)
  // The first packet of a connection is sent again after a second (RFC 6298, section 2).
  return impact.kind === 'silence' && impact.dropsPackets ? 1_000 : 250
}

/** It ends its nodes in the planned moment, and they do nothing before they are started again. */
export function isSudden(fault: Impacted): boolean {
  const impact = impactOf(fault)
  return impact.kind === 'end' && impact.sudden === true
}

/** No request gets through of what it touches. */
export function stopsRequests(fault: Impacted): boolean {
  const impact = impactOf(fault)
  return (impact.kind === 'silence' || impact.kind === 'break') && impact.stopsRequests === true
}

/** Who waits for memory then waits because of it. */
export function takesMemory(fault: Impacted): boolean {
  const impact = impactOf(fault)
  return impact.kind === 'end' && impact.takesMemory === true
}

type Params = FaultTrace['params']

const end: Impact = { kind: 'end' }
const broken: Impact = { kind: 'break' }
const silence: Impact = { kind: 'silence' }
const dropped: Impact = { kind: 'silence', dropsPackets: true }

/** Of runs whose plans do not say it. Faults that came later say it themselves. */
const recorded: Readonly<Record<string, Impact | ((params: Params) => Impact)>> = {
  kill: { kind: 'end', sudden: true },
  stop: end,
  oom: { kind: 'end', takesMemory: true },
  'node-loss': end,
  'restart-loop': end,
  'rolling-deploy': end,
  refuse: broken,
  reject: broken,
  reset: broken,
  edge: broken,
  pause: silence,
  'cpu-pressure': silence,
  stall: silence,
  drop: dropped,
  partition: dropped,
  'receiver-down': (params) => ({ ...silentIf('silent', 'refused')(params), stopsRequests: true }),
  'response-lost': silentIf('silent', 'reset'),
  'idle-timeout': silentIf('silent', 'silent'),
  'idle-nat': silentIf('silent', 'silent'),
  latency: ({ delayMs, jitterMs }) => ({ kind: 'delay', ms: numberOf(delayMs) + numberOf(jitterMs) }),
  'receiver-slow': ({ delayMs }) => ({ kind: 'delay', ms: numberOf(delayMs) }),
}

function silentIf(
  silent: string,
  byDefault: string,
): (params: Params) => Extract<Impact, { kind: 'silence' | 'break' }> {
  return ({ mode = byDefault }) => (mode === silent ? { kind: 'silence', loses: true } : { kind: 'break' })
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

/** Real milliseconds: less than this is within what timers and a busy machine do by themselves. */
const feltFromMs = 5

/** A delay or a silence that is shorter than what clocks and timers resolve was felt by nobody, whatever proves it. */
export function couldBeFelt(
  fault: Pick<FaultTrace, 'fault' | 'params' | 'impact' | 'armedAt' | 'healedAt'>,
  cellEndAt: number,
): boolean {
  const impact = impactOf(fault)
  if (impact.kind === 'delay') return impact.ms >= feltFromMs
  if (impact.kind !== 'silence' || fault.armedAt === undefined) return true
  return (fault.healedAt ?? cellEndAt) - fault.armedAt >= feltFromMs
}
