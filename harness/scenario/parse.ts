import { dirname, resolve } from 'node:path'
import type { z } from 'zod'
import { UsageError } from '../core/errors.ts'
import { metricNames } from '../model/metrics.ts'
import type { Published } from '../model/plan.ts'
import { checkArms } from './arm-checks.ts'
import { checkTargets } from './between-targets.ts'
import { armContext, type Located, readArm } from './arm.ts'
import { type Catalog, longestWorkMs, withTargets } from './catalog.ts'
import { checkGate, readGates } from './gates.ts'
import { readDocument, type Source } from './document.ts'
import { checkHealth, healthLimits } from './health.ts'
import {
  anyEntries,
  type Keys,
  type ParsedScenario,
  type PublishedEntry,
  scenarioEntries,
  scenarioShape,
} from './schema.ts'
import { formatProblems, isMap, type Path, type Problem, read, readKeys, describe, suggest } from './problems.ts'
import { type Scenario, loadWindowMs } from './scenario.ts'
import { highestRatePerSec, longestMs } from '../core/limits.ts'
import { formatDuration } from './units.ts'
import type { Target } from '../model/target.ts'
import type { TargetNames, TargetPlace } from './target-checks.ts'
import { readTargets, workOfTargets } from './targets.ts'

/** A scenario from its text. `file` names it in messages. Throws one UsageError with every problem, in their order. */
export function parseScenario(text: string, file: string, catalog: Catalog, files: TargetFiles = noFiles): Scenario {
  const source = readDocument(text, file)
  if (!('data' in source)) throw new UsageError(source)
  return readScenario(source, file, catalog, files)
}

/** The same from a text that was read. */
export function readScenario(
  { data, locate }: Source,
  file: string,
  known: Catalog,
  files: TargetFiles = noFiles,
): Scenario {
  if (data === null)
    throw new UsageError(`${file}:1:1: is empty; write a map with name, question, patterns, load and arms`)
  const place = { folder: folderOf(data, file), ...files }
  const read = readTargets(isMap(data) ? data['targets'] : undefined, place, targetNames(known))
  const catalog = withTargets(known, read.targets)
  const { parsed, problems: ofParts, elsewhere } = readParts(data, catalog, read.targets)
  const written = isMap(data) && isMap(data['targets']) ? Object.keys(data['targets']) : []
  const wrong = written.filter((name) => !read.targets.some((target) => target.name === name))
  const problems = [...read.problems, ...ofParts.filter(({ path }) => !isAbout(wrong, data, path))]
  const all = [...problems, ...checkScenario(parsed, catalog), ...checkArms(parsed, catalog)]
  if (all.length > 0 || elsewhere.length > 0) throw new UsageError([...formatProblems(all, locate, file), ...elsewhere])
  return buildScenario(parsed)
}

/** Whether what stands at a path is the name of one of these, as of targets in which something is wrong: that is said there. */
function isAbout(targets: readonly string[], data: unknown, path: Path): boolean {
  const named = path.reduce<unknown>((part, key) => (part as Record<PropertyKey, unknown> | undefined)?.[key], data)
  return typeof named === 'string' && targets.includes(named)
}

/** Files that targets name, read by whoever may. */
export type TargetFiles = Pick<TargetPlace, 'adapters' | 'composes'>
const noFiles: TargetFiles = { adapters: new Map(), composes: new Map() }

/** Where a scenario's relative paths begin. */
export function folderOf(data: unknown, file: string): string {
  const written = isMap(data) && typeof data['folder'] === 'string' ? data['folder'] : '.'
  return resolve(dirname(file), written)
}

function targetNames({ deliveries, engineNames, storeNames, resolvePattern }: Catalog): TargetNames {
  const taken = (name: string): boolean =>
    deliveries.has(name) || engineNames.includes(name) || resolvePattern(name) !== undefined
  return { deliveries, storeNames, taken }
}

/** Each part by its schema. `elsewhere`: problems in the files of profiles. */
function readParts(
  data: unknown,
  catalog: Catalog,
  targets: readonly Target[],
): { readonly parsed: ParsedScenario; readonly problems: readonly Problem[]; readonly elsewhere: readonly string[] } {
  const written = isMap(data) ? data : {}
  const { values: own, problems: invalid } = readKeys(scenarioShape(catalog, anyEntries), data)
  const { profile, problems: ofWork } = readWork(own, written, catalog, targets)
  const { profile: _, targets: __, folder: ___, ...others } = own
  const values = { ...others, ...(profile !== undefined && { profile }) }
  const problems = [...invalid, ...ofWork]
  const entries = scenarioEntries(catalog)
  const context = armContext(catalog, values.restartDelay ?? 0)
  const named = Object.entries(isMap(written['arms']) ? written['arms'] : {})
  const arms = new Map(named.map(([name, entries]) => [name, readArm(['arms', name], listOf(entries), context)]))
  const gates = readList(entries.gate, written['gates'], ['gates'])
  const published = readList(entries.published, written['published'], ['published'])
  const found = [...arms.values()]
  return {
    parsed: { values, targets, arms, gates: gates.entries, published: published.entries },
    problems: [...problems, ...found.flatMap((arm) => arm.problems), ...gates.problems, ...published.problems],
    elsewhere: [...new Set(found.flatMap((arm) => arm.elsewhere))],
  }
}

/** The name of the work, however it is written; undefined where what is written is wrong. */
function readWork(
  { profile, work }: Keys,
  written: Readonly<Record<string, unknown>>,
  catalog: Catalog,
  targets: readonly Target[],
): { readonly profile?: string; readonly problems: readonly Problem[] } {
  const named = written['profile'] !== undefined
  if (named && written['work'] !== undefined)
    return {
      problems: [{ path: ['work'], at: 'key', message: '"profile" already says what the work is; write one of them' }],
    }
  if (named) return { ...(profile !== undefined && { profile }), problems: [] }
  if (written['work'] === undefined) return { profile: workLike(targets, catalog) ?? usualWork, problems: [] }
  if (!work) return { problems: [] }
  const found = catalog.nameWork({ steps: work.steps, ...work.duration, resultBytes: work.resultBytes })
  return 'name' in found
    ? { profile: found.name, problems: [] }
    : { problems: [{ path: ['work'], message: found.problem }] }
}

/** Beside a target the others do work as long as its own, unless the file says otherwise. */
function workLike(targets: readonly Target[], catalog: Catalog): string | undefined {
  const work = workOfTargets(targets)
  if (!work) return undefined
  const { takesMs, steps } = work
  const named = catalog.nameWork({ steps, leastMs: takesMs, mostMs: takesMs, resultBytes: 0 })
  return 'name' in named ? named.name : undefined
}

const usualWork = 'research-write'

/** Each entry by itself. */
function readList<T>(
  schema: z.ZodType<T>,
  written: unknown,
  path: Path,
): { readonly entries: readonly Located<T>[]; readonly problems: readonly Problem[] } {
  const each = listOf(written).map((entry, i) => ({ path: [...path, i], ...read(schema, entry, [...path, i]) }))
  return {
    entries: each.flatMap(({ path, value }) => (value === undefined ? [] : [{ path, value }])),
    problems: each.flatMap(({ problems }) => problems),
  }
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

/** Takes a scenario without problems: every part is there. */
function buildScenario({ values, targets, arms, gates, published }: ParsedScenario): Scenario {
  const all = values as Required<typeof values>
  const { name, question, seed, timeScale, profile, patterns, replicas, repetitions, sideBySide, health, control } = all
  return {
    name,
    question,
    seed,
    timeScale,
    profile,
    patterns,
    targets: targets.filter((target) => patterns.includes(target.name)),
    replicas,
    repetitions,
    ...(sideBySide !== undefined && { sideBySide }),
    load: all.load,
    ...(control && { control }),
    graceMs: all.grace,
    restartDelayMs: all.restartDelay,
    arms: [...arms].map(([arm, { specs }]) => ({ name: arm, faults: specs.map(({ value }) => value) })),
    gates: gates.flatMap(({ value }) => readGates(value)),
    published: published.map(({ value }) => readPublished(value)),
    health: healthLimits(health, { timeScale, graceMs: all.grace }),
  }
}

function readPublished({ pattern, arm, source, success, overhead }: PublishedEntry): Published {
  return {
    pattern,
    arm,
    source,
    ...(success !== undefined && { success }),
    ...(overhead !== undefined && { overheadMs: overhead }),
  }
}

/** What is wrong between the parts of a scenario, each of which is right by itself. The faults of arms are left out. */
function checkScenario(scenario: ParsedScenario, catalog: Catalog): readonly Problem[] {
  const { values, gates, published } = scenario
  return [
    ...checkArmNames(scenario),
    ...checkLoad(scenario, catalog),
    ...checkCells(scenario),
    ...checkTargets(scenario),
    ...checkHealth(values),
    ...[...gates, ...published].flatMap((entry) => checkReference(entry, scenario)),
    ...gates.flatMap((gate) => [...checkMetric(gate, metricNames), ...checkGate(gate, scenario)]),
    ...published.flatMap((entry) => checkMetric(entry, ['success', 'overhead'])),
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

/** Of half a minute each they would take a week. */
const mostCells = 20_000

function checkCells({ arms, values: { patterns = [], repetitions = 1 } }: ParsedScenario): readonly Problem[] {
  const cells = patterns.length * arms.size * repetitions
  if (cells <= mostCells) return []
  const product = `${patterns.length} patterns, ${arms.size} arms and ${repetitions} repetitions`
  const message = `${product} are ${cells} cells; write fewer: at most ${mostCells}`
  return [{ path: [repetitions > 1 ? 'repetitions' : 'arms'], message }]
}

/** Refuses a load that would not end, or that is faster than any client can send. */
function checkLoad({ values }: ParsedScenario, catalog: Catalog): readonly Problem[] {
  const { load, timeScale, profile: name } = values
  const profile = name === undefined ? undefined : catalog.workOf(name)
  if (!load || !profile || timeScale === undefined) return []
  const patterns = (values.patterns ?? []).flatMap((one) => catalog.resolvePattern(one) ?? [])
  const windowMs = loadWindowMs(load, longestWorkMs(patterns, profile))
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

function checkMetric(entry: Located<object>, metrics: readonly string[]): readonly Problem[] {
  const written = entry.value as Readonly<Record<string, unknown>>
  if (metrics.some((metric) => written[metric] !== undefined)) return []
  return [{ path: entry.path, message: `has no metric; write at least one of ${metrics.join(', ')}` }]
}
