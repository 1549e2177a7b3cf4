import { highestRatePerSec, longestMs } from '../core/limits.ts'
import { countedMetrics } from '../model/plan.ts'
import type { Located } from './arm.ts'
import type { Catalog } from './catalog.ts'
import { checkHealth } from './health.ts'
import { describe, type Path, type Problem, suggest } from './problems.ts'
import { loadWindowMs } from './scenario.ts'
import type { ParsedScenario } from './schema.ts'
import { formatDuration } from './units.ts'

/** What is wrong between the parts of a scenario, each of which is right by itself. The faults of arms are left out. */
export function checkScenario(scenario: ParsedScenario, catalog: Catalog): readonly Problem[] {
  const { values, gates, published } = scenario
  return [
    ...checkArmNames(scenario),
    ...checkLoad(scenario, catalog),
    ...checkHealth(values),
    ...[...gates, ...published].flatMap((entry) => checkReference(entry, scenario)),
    ...gates.flatMap((gate) => checkMetric(gate, ['success', 'exposed-success', ...countedMetrics], 'exactly one')),
    ...published.flatMap((entry) => checkMetric(entry, ['success', 'overhead'], 'at least one')),
  ]
}

function checkArmNames({ arms, values }: ParsedScenario): readonly Problem[] {
  if (values.arms && arms.size === 0)
    return [{ path: ['arms'], message: 'there is no arm; write at least none: [], the control' }]
  // Names become keys of objects, in files and in programs that read them.
  const taken = [...arms.keys()].filter((name) => name in {})
  if (taken.length > 0)
    return taken.map((name) => ({ path: ['arms', name], at: 'key', message: 'this cannot be a name; choose another' }))
  if (!arms.get('none')?.specs.length) return []
  return [{ path: ['arms', 'none'], message: 'none is the control; leave it empty and give the faults another arm' }]
}

/** Refuses a load that would not end, or that is faster than any client can send. */
function checkLoad({ values }: ParsedScenario, catalog: Catalog): readonly Problem[] {
  const { load, timeScale, profile: name } = values
  const profile = name === undefined ? undefined : catalog.workOf(name)
  if (!load || !profile || timeScale === undefined) return []
  const windowMs = loadWindowMs(load, profile.idealMs)
  const realRate = load.ratePerSec * timeScale
  const path: Path = ['load', 'rate']
  if (windowMs > longestMs) {
    const most = `write a higher rate, or fewer tasks: at most ${formatDuration(longestMs)}`
    return [{ path, message: `the load would last ${formatDuration(windowMs)}; ${most}` }]
  }
  if (realRate <= highestRatePerSec) return []
  const message = `${Math.round(realRate)} arrivals a second at timeScale ${timeScale}; at most ${highestRatePerSec}`
  return [{ path, message }]
}

function checkReference(
  entry: Located<{ pattern: string; arm: string }>,
  scenario: ParsedScenario,
): readonly Problem[] {
  const { pattern, arm } = entry.value
  const { patterns } = scenario.values
  return [
    ...(patterns ? unlisted([...entry.path, 'pattern'], pattern, 'pattern', patterns) : []),
    ...(scenario.arms.size > 0 ? unlisted([...entry.path, 'arm'], arm, 'arm', [...scenario.arms.keys()]) : []),
  ]
}

function unlisted(path: Path, name: string, what: string, names: readonly string[]): readonly Problem[] {
  if (names.includes(name)) return []
  const message = `${describe(name)} is no ${what} of this scenario${suggest(name, names)}; ${what}s: ${names.join(', ')}`
  return [{ path, message }]
}

function checkMetric(entry: Located<object>, metrics: readonly string[], wanted: string): readonly Problem[] {
  const given = metrics.filter((metric) => (entry.value as Record<string, unknown>)[metric] !== undefined)
  const right = wanted === 'exactly one' ? given.length === 1 : given.length > 0
  if (right) return []
  return [
    {
      path: entry.path,
      message: `has ${given.join(' and ') || 'no metric'}; write ${wanted} of ${metrics.join(', ')}`,
    },
  ]
}
