import { effectNote } from '../harness/model/gate-effect.ts'
import { metricOf, type Unit } from '../harness/model/metrics.ts'
import { type Gate, limitOf, metricName } from '../harness/model/plan.ts'
import type { GateResult } from '../harness/model/judgements.ts'
import { duration, percent } from './numbers.ts'

/** `webhook under kill: success`, `polling under none: posts <= 1 in`. */
export function gateName(gate: Gate): string {
  return `${gate.pattern} under ${gate.arm}: ${metricName(gate)}`
}

/** `≥ 99.0%`, `≤ 2.00 s`. */
export function gateLimit(gate: Gate): string {
  const { good, unit } = metricOf(gate.metric)
  return `${good === 'high' ? '≥' : '≤'} ${figure(unit, limitOf(gate))}`
}

/** The same in ASCII. */
export function plainGateLimit(gate: Gate): string {
  return gateLimit(gate).replace('≥', '>=').replace('≤', '<=')
}

/** What was measured, in the unit of the gate; `–` where nothing was. */
export function gateObserved({ gate, observed, n }: GateResult): string {
  return n === 0 ? '–' : figure(metricOf(gate.metric).unit, observed)
}

/** The interval of that, with its confidence where it is not 95 %; or why there is none. */
export function gateInterval(result: GateResult): string {
  const { interval, note, n } = result
  if (n === 0) return '–'
  return interval ? shownInterval(result) : (note ?? '–')
}

function shownInterval({ gate, interval }: GateResult): string {
  const { unit } = metricOf(gate.metric)
  const ends = interval!.map((end) => figure(unit, end)).join(', ')
  return `[${ends}]${gate.confidence === undefined ? '' : ` at ${percent(gate.confidence)}`}`
}

/** `FAIL`, `FAIL (severity: warn)`: its verdict, and why the run makes something else of it. */
export function gateVerdict(result: GateResult): string {
  const note = effectNote(result)
  return note === '' ? result.verdict : `${result.verdict} (${note})`
}

function figure(unit: Unit, value: number | null): string {
  if (unit === 'ms') return value !== null && value < 0 ? `-${duration(-value)}` : duration(value)
  if (unit === 'points') return value === null ? 'n/a' : `${Number((value * 100).toFixed(2))} points`
  return percent(value ?? Number.NaN)
}
