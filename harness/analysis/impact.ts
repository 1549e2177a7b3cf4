import type { Impact } from '../model/plan.ts'
import type { FaultTrace } from './trace.ts'

/** As the plan says. A fault of an older plan that is not listed below explains nothing. */
export function impactOf({ fault, params, impact }: Pick<FaultTrace, 'fault' | 'params' | 'impact'>): Impact {
  const kind = impact ?? recorded[fault] ?? 'none'
  return typeof kind === 'string' ? { kind } : typeof kind === 'function' ? kind(params) : kind
}

/** What these keep silent is lost, and does not come when they are over. */
const swallowing: ReadonlySet<string> = new Set(['response-lost', 'receiver-down', 'idle-timeout', 'idle-nat'])

/** A silence after which all that was under way goes on where it was. */
export function isPassing(fault: FaultTrace): boolean {
  return impactOf(fault).kind === 'silence' && !swallowing.has(fault.fault)
}

/** Packets are lost, and TCP sends them again: the first of a connection after a second (RFC 6298, section 2). */
const dropping: ReadonlySet<string> = new Set(['drop', 'partition'])

/** The shortest pause after which what met such a silence is tried again, in real milliseconds. */
export function firstPauseMs({ fault }: FaultTrace): number {
  return dropping.has(fault) ? 1_000 : 250
}

type Params = FaultTrace['params']

/** Of runs whose plans do not say it. Faults that came later say it themselves. */
const recorded: Readonly<Record<string, 'end' | 'break' | 'silence' | ((params: Params) => Impact)>> = {
  kill: 'end',
  stop: 'end',
  oom: 'end',
  'node-loss': 'end',
  'restart-loop': 'end',
  'rolling-deploy': 'end',
  refuse: 'break',
  reject: 'break',
  reset: 'break',
  edge: 'break',
  pause: 'silence',
  'cpu-pressure': 'silence',
  stall: 'silence',
  drop: 'silence',
  partition: 'silence',
  'receiver-down': silentIf('silent', 'refused'),
  'response-lost': silentIf('silent', 'reset'),
  'idle-timeout': silentIf('silent', 'silent'),
  'idle-nat': silentIf('silent', 'silent'),
  latency: ({ delayMs, jitterMs }) => ({ kind: 'delay', ms: numberOf(delayMs) + numberOf(jitterMs) }),
  'receiver-slow': ({ delayMs }) => ({ kind: 'delay', ms: numberOf(delayMs) }),
}

function silentIf(silent: string, byDefault: string): (params: Params) => Impact {
  return ({ mode = byDefault }) => ({ kind: mode === silent ? 'silence' : 'break' })
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
