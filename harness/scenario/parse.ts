import { UsageError } from '../core/errors.ts'
import type { Gate, Published } from '../model/plan.ts'
import type { Catalog } from './catalog.ts'
import { checkDraft, readLoad } from './checks.ts'
import { readDocument } from './document.ts'
import { type Draft, readDraft } from './draft.ts'
import { healthLimits } from './health.ts'
import { findProblems, formatProblems } from './problems.ts'
import type { Scenario } from './scenario.ts'
import { scenarioShape, type GateEntry, type PublishedEntry } from './schema.ts'
import { section } from './section.ts'

/** A scenario from its text. `file` names it in messages. Throws one UsageError with every problem, in their order. */
export function parseScenario(text: string, file: string, catalog: Catalog): Scenario {
  const source = readDocument(text, file)
  if (!('data' in source)) throw new UsageError(source)
  const { data } = source
  if (data === null)
    throw new UsageError(`${file}:1:1: is empty; write a map with name, question, patterns, load and arms`)
  const shape = scenarioShape(catalog)
  const draft = isMap(data) ? readDraft(shape, data, catalog) : undefined
  const problems = [...findProblems(section(shape), data), ...(draft ? checkDraft(draft, catalog) : [])]
  const elsewhere = new Set([...(draft?.arms.values() ?? [])].flatMap((arm) => arm.elsewhere))
  if (problems.length > 0 || elsewhere.size > 0 || !draft)
    throw new UsageError([...formatProblems(problems, source, file), ...elsewhere])
  return buildScenario(draft)
}

/** Only of a draft without problems: then every part is there. */
function buildScenario({ parts, arms, gates, published }: Draft): Scenario {
  const all = parts as Required<Draft['parts']>
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
    load: readLoad(all.load),
    graceMs: all.grace,
    restartDelayMs: all.restartDelay,
    arms: [...arms].map(([arm, { specs }]) => ({ name: arm, faults: specs.map(({ value }) => value) })),
    gates: gates.map(({ value }) => readGate(value)),
    published: published.map(({ value }) => readPublished(value)),
    health: healthLimits(health, { timeScale, graceMs: all.grace }),
  }
}

function readGate({ pattern, arm, success, 'exposed-success': ofExposed, exposed }: GateEntry): Gate {
  const metric = success === undefined ? 'exposed-success' : 'success'
  return { pattern, arm, metric, min: (success ?? ofExposed)!, ...(exposed !== undefined && { exposed }) }
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

function isMap(data: unknown): data is Readonly<Record<string, unknown>> {
  return typeof data === 'object' && data !== null && !Array.isArray(data)
}
