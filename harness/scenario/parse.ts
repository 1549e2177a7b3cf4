import type { z } from 'zod'
import { UsageError } from '../core/errors.ts'
import { countedMetrics, type Gate, type Published } from '../model/plan.ts'
import { checkArms } from './arm-checks.ts'
import { armContext, type Located, readArm } from './arm.ts'
import type { Catalog } from './catalog.ts'
import { checkScenario } from './checks.ts'
import { readDocument, type Source } from './document.ts'
import { healthLimits } from './health.ts'
import { formatProblems, isMap, type Path, type Problem, read, readKeys } from './problems.ts'
import type { Scenario } from './scenario.ts'
import {
  anyEntries,
  type GateEntry,
  type Keys,
  type ParsedScenario,
  type PublishedEntry,
  scenarioEntries,
  scenarioShape,
} from './schema.ts'

/** A scenario from its text. `file` names it in messages. Throws one UsageError with every problem, in their order. */
export function parseScenario(text: string, file: string, catalog: Catalog): Scenario {
  const source = readDocument(text, file)
  if (!('data' in source)) throw new UsageError(source)
  return readScenario(source, file, catalog)
}

/** The same from a text that was read. */
export function readScenario({ data, locate }: Source, file: string, catalog: Catalog): Scenario {
  if (data === null)
    throw new UsageError(`${file}:1:1: is empty; write a map with name, question, patterns, load and arms`)
  const { parsed, problems, elsewhere } = readParts(data, catalog)
  const all = [...problems, ...checkScenario(parsed, catalog), ...checkArms(parsed, catalog)]
  if (all.length > 0 || elsewhere.length > 0) throw new UsageError([...formatProblems(all, locate, file), ...elsewhere])
  return buildScenario(parsed)
}

/** Each part by its schema. `elsewhere`: problems in the files of profiles. */
function readParts(
  data: unknown,
  catalog: Catalog,
): { readonly parsed: ParsedScenario; readonly problems: readonly Problem[]; readonly elsewhere: readonly string[] } {
  const written = isMap(data) ? data : {}
  const { values: own, problems: invalid } = readKeys(scenarioShape(catalog, anyEntries), data)
  const { profile, problems: ofWork } = readWork(own, written, catalog)
  const { profile: _, ...others } = own
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
    parsed: { values, arms, gates: gates.entries, published: published.entries },
    problems: [...problems, ...found.flatMap((arm) => arm.problems), ...gates.problems, ...published.problems],
    elsewhere: [...new Set(found.flatMap((arm) => arm.elsewhere))],
  }
}

/** The name of the work, however it is written; undefined where what is written is wrong. */
function readWork(
  { profile, work }: Keys,
  written: Readonly<Record<string, unknown>>,
  catalog: Catalog,
): { readonly profile?: string; readonly problems: readonly Problem[] } {
  const named = written['profile'] !== undefined
  if (named && written['work'] !== undefined)
    return {
      problems: [{ path: ['work'], at: 'key', message: '"profile" already says what the work is; write one of them' }],
    }
  if (named) return { ...(profile !== undefined && { profile }), problems: [] }
  if (written['work'] === undefined) return { profile: usualWork, problems: [] }
  if (!work) return { problems: [] }
  const found = catalog.nameWork({ steps: work.steps, ...work.duration, resultBytes: work.resultBytes })
  return 'name' in found
    ? { profile: found.name, problems: [] }
    : { problems: [{ path: ['work'], message: found.problem }] }
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
function buildScenario({ values, arms, gates, published }: ParsedScenario): Scenario {
  const all = values as Required<typeof values>
  const { name, question, seed, timeScale, profile, patterns, replicas, repetitions, sideBySide, health } = all
  return {
    name,
    question,
    seed,
    timeScale,
    profile,
    patterns,
    replicas,
    repetitions,
    ...(sideBySide !== undefined && { sideBySide }),
    load: all.load,
    graceMs: all.grace,
    restartDelayMs: all.restartDelay,
    arms: [...arms].map(([arm, { specs }]) => ({ name: arm, faults: specs.map(({ value }) => value) })),
    gates: gates.map(({ value }) => readGate(value)),
    published: published.map(({ value }) => readPublished(value)),
    health: healthLimits(health, { timeScale, graceMs: all.grace }),
  }
}

function readGate({ pattern, arm, success, 'exposed-success': ofExposed, exposed, ...counted }: GateEntry): Gate {
  const about = { pattern, arm, ...(exposed !== undefined && { exposed }) }
  const metric = countedMetrics.find((name) => counted[name] !== undefined)
  if (metric) return { ...about, metric, ...counted[metric]! }
  if (success !== undefined) return { ...about, metric: 'success', min: success }
  return { ...about, metric: 'exposed-success', min: ofExposed! }
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
