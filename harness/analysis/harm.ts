import type { FaultTrace } from './trace.ts'

/**
 * What a fault does to what it acts on, which decides how much it can explain:
 * - `end`: nodes end; their exits are in the history, each at its own time;
 * - `break`: connections break, or are refused, at once;
 * - `silence`: nothing moves while it lasts, and then all goes on: it matters to who waits for less long than that;
 * - `delay`: all moves, this much later: it matters to who waits for less than `ms`;
 * - `unknown`: a fault that is not listed here. It explains nothing.
 */
export type Harm = { readonly kind: 'end' | 'break' | 'silence' | 'unknown' } | { readonly kind: 'delay'; ms: number }

/** The kind of a fault, by its name and its parameters as planned. */
export function harmOf({ fault, params }: Pick<FaultTrace, 'fault' | 'params'>): Harm {
  const kind = kinds[fault]
  if (kind === undefined) return { kind: 'unknown' }
  return typeof kind === 'function' ? kind(params) : { kind }
}

type Params = FaultTrace['params']

const kinds: Readonly<Record<string, 'end' | 'break' | 'silence' | ((params: Params) => Harm)>> = {
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

function silentIf(silent: string, byDefault: string): (params: Params) => Harm {
  return ({ mode = byDefault }) => ({ kind: mode === silent ? 'silence' : 'break' })
}

function numberOf(value: unknown): number {
  return typeof value === 'number' ? value : 0
}

/** Real milliseconds: less than this is within what timers and a busy machine do by themselves. */
const feltFromMs = 5

/** A delay or a silence that is shorter than what clocks and timers resolve was felt by nobody, whatever proves it. */
export function couldBeFelt(
  fault: Pick<FaultTrace, 'fault' | 'params' | 'armedAt' | 'healedAt'>,
  cellEndAt: number,
): boolean {
  const harm = harmOf(fault)
  if (harm.kind === 'delay') return harm.ms >= feltFromMs
  if (harm.kind !== 'silence' || fault.armedAt === undefined) return true
  return (fault.healedAt ?? cellEndAt) - fault.armedAt >= feltFromMs
}
