import { type MetricName, metricNames, metricOf } from '../model/metrics.ts'
import type { Gate } from '../model/plan.ts'
import type { Located, ParsedArm } from './arm.ts'
import type { Path, Problem } from './problems.ts'
import type { GateEntry, ParsedScenario } from './schema.ts'

/** One for each metric that an entry names. Times are still in the task's own world. */
export function readGates(entry: GateEntry): readonly Gate[] {
  const { pattern, arm, confidence, exposed, minSamples, minFaults, severity, onInconclusive } = entry
  return metricsIn(entry).map((metric) => ({
    pattern,
    arm,
    metric,
    ...entry[metric],
    ...(confidence !== undefined && { confidence }),
    ...(exposed !== undefined && { exposed }),
    ...(minSamples !== undefined && { minSamples }),
    ...(minFaults !== undefined && { minFaults }),
    ...(severity !== undefined && { severity }),
    ...(onInconclusive !== undefined && { onInconclusive }),
  }))
}

function metricsIn(entry: GateEntry): readonly MetricName[] {
  return metricNames.filter((name) => entry[name] !== undefined)
}

/** Refuses what no run of this scenario could decide. */
export function checkGate({ path, value: entry }: Located<GateEntry>, scenario: ParsedScenario): readonly Problem[] {
  const at = (key: string): Path => [...path, key]
  const { severity, onInconclusive } = entry
  const contradicts = severity === 'warn' && onInconclusive === 'fail'
  return [
    ...metricsIn(entry).flatMap((metric) => checkMetric(metric, at(metric), entry, scenario)),
    ...checkMinimum(entry, at, scenario),
    ...(contradicts
      ? [{ path: at('onInconclusive'), message: '"severity: warn" never fails a run; leave one of them out' }]
      : []),
  ]
}

function checkMetric(
  name: MetricName,
  path: Path,
  { arm, confidence, [name]: limit }: GateEntry,
  { values, arms }: ParsedScenario,
): readonly Problem[] {
  const { fullLengthOnly, fixedConfidence, needsFaults, controls, unit } = metricOf(name)
  const { timeScale, control } = values
  if (controls && !controls.some((kind) => (control?.[kind] ?? 0) > 0))
    return [{ path, message: `nothing is controlled so; add control: { ${controls[0]}: 20 } to the scenario` }]
  if (controls && unit === 'percent' && limit!.max! >= 1)
    return [{ path, message: `100 % and more holds whatever happens; write a limit such as '<= 5 %'` }]
  if (fullLengthOnly && timeScale !== undefined && timeScale !== 1)
    return [
      {
        path,
        message: `milliseconds do not scale, and timeScale is ${timeScale}; gate on it in a scenario at timeScale 1`,
      },
    ]
  if (fixedConfidence && confidence !== undefined)
    return [
      { path, message: 'its interval is known at 95 % alone; leave confidence out, or write it as another entry' },
    ]
  return needsFaults && isControl(arms.get(arm)) ? [{ path, message: nothingToMeasure(arm) }] : []
}

/** What could not be read may have been a fault. */
function isControl(arm: ParsedArm | undefined): boolean {
  return arm !== undefined && arm.specs.length + arm.problems.length + arm.elsewhere.length === 0
}

function nothingToMeasure(arm: string): string {
  return `arm ${arm} has no fault, so that there is nothing to measure; name an arm with faults`
}

/** More than the scenario offers can never be seen. */
function checkMinimum(
  entry: GateEntry,
  at: (key: string) => Path,
  { values, arms }: ParsedScenario,
): readonly Problem[] {
  const { minSamples = 0, minFaults, arm } = entry
  const { load, repetitions } = values
  const offered = load && repetitions !== undefined ? load.tasks * repetitions : Infinity
  const isOfLoad = (name: MetricName): boolean => !metricOf(name).controls && metricOf(name).over !== 'outages'
  const few = metricsIn(entry).find((name) => isOfLoad(name) && minSamples > offered)
  return [
    ...(few
      ? [
          {
            path: at('minSamples'),
            message: `${minSamples} can never be seen: there are ${offered} tasks, all repetitions together`,
          },
        ]
      : []),
    ...(minFaults !== undefined && isControl(arms.get(arm))
      ? [{ path: at('minFaults'), message: nothingToMeasure(arm) }]
      : []),
  ]
}
