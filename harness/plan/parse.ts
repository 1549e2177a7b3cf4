import { UsageError } from '../core/errors.ts'
import type { Gate, Published } from '../core/plan.ts'
import type { Catalog } from './catalog.ts'
import { checkDraft, readLoad } from './checks.ts'
import { readDocument, type Problem, type Source } from './document.ts'
import { type Draft, readDraft } from './draft.ts'
import { findProblems, formatPath } from './problems.ts'
import type { Scenario } from './scenario.ts'
import { scenarioShape, type GateEntry, type PublishedEntry } from './schema.ts'
import { section } from './section.ts'

/** Nobody repairs more than this at once. */
const maxProblems = 50

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
  if (problems.length > 0 || !draft) throw new UsageError(formatProblems(problems, source, file))
  return buildScenario(draft)
}

/** `file:line:column: what is wrong; what is allowed`, in the order of the file. */
export function formatProblems(problems: readonly Problem[], source: Source, file: string): readonly string[] {
  // Finding a place costs time: a file of nothing but mistakes must not take minutes.
  const placed = problems.slice(0, 10 * maxProblems).map(({ path, at, message }) => ({
    ...source.locate(path, at),
    text: sentence(formatPath(at === 'key' ? path.slice(0, -1) : path), message),
  }))
  placed.sort((a, b) => a.line - b.line || a.column - b.column)
  const lines = [...new Set(placed.map(({ line, column, text }) => `${file}:${line}:${column}: ${text}`))]
  const more = Math.max(lines.length, problems.length) - maxProblems
  return more > 0 ? [...lines.slice(0, maxProblems), `${file}: and ${more} more problems`] : lines
}

function sentence(subject: string, message: string): string {
  if (subject === '') return message
  return /^(?:is|has) /.test(message) ? `${subject} ${message}` : `${subject}: ${message}`
}

/** Only of a draft without problems: then every part is there. */
function buildScenario({ parts, arms, gates, published }: Draft): Scenario {
  const all = parts as Required<Draft['parts']>
  const { name, question, seed, timeScale, profile, patterns, replicas, repetitions, health } = all
  return {
    name,
    question,
    seed,
    timeScale,
    profile,
    patterns,
    replicas,
    repetitions,
    load: readLoad(all.load),
    graceMs: all.grace,
    restartDelayMs: all.restartDelay,
    arms: [...arms].map(([arm, specs]) => ({ name: arm, faults: specs.map(({ value }) => value) })),
    gates: gates.map(({ value }) => readGate(value)),
    published: published.map(({ value }) => readPublished(value)),
    health: { pacerLagP99Ms: health.pacerLagP99, eventLoopDelayP99Ms: health.eventLoopDelayP99 },
  }
}

function readGate({ pattern, arm, success, 'exposed-success': exposed }: GateEntry): Gate {
  const metric = success === undefined ? 'exposed-success' : 'success'
  return { pattern, arm, metric, min: (success ?? exposed)! }
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
