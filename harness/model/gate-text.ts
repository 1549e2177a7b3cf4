import { percentOf } from '../core/numbers.ts'
import { figureText, metricOf } from './metrics.ts'
import { type Gate, limitOf, metricName } from './plan.ts'

type Limited = Pick<Gate, 'metric' | 'atMost' | 'min' | 'max'>

/** `>=` or `<=`: on which side of its limit the figure is to be. */
export function signOf({ metric }: Pick<Gate, 'metric'>): '>=' | '<=' {
  return metricOf(metric).good === 'high' ? '>=' : '<='
}

/** `success >= 99 %`, `posts <= 1 in >= 95 %`, `takeover p90 <= 33 ms`. */
export function gateLabel(gate: Limited, digits = 9): string {
  const limit = limitOf(gate)
  const { unit } = metricOf(gate.metric)
  return `${metricName(gate)} ${signOf(gate)} ${unit === 'ms' ? figureText(unit, limit) : percentOf(limit, digits)}`
}

/** `at 99 %, warns only`: what an entry says beside its limit; empty where it says nothing. */
export function gateTerms({ confidence, minSamples, minFaults, exposed, severity, onInconclusive }: Gate): string {
  return [
    confidence !== undefined && `at ${percentOf(confidence)}`,
    minSamples !== undefined && `from ${minSamples} samples`,
    minFaults !== undefined && `from ${minFaults} faults`,
    exposed !== undefined && `from ${exposed} touched tasks`,
    severity === 'warn' && 'a warning only',
    onInconclusive !== undefined && `inconclusive: ${onInconclusive}`,
  ]
    .filter((term) => term !== false)
    .join(', ')
}
