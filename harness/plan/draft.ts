import type { z } from 'zod'
import type { Catalog } from './catalog.ts'
import type { Path, Problem } from './document.ts'
import { faultEntry } from './fault-schema.ts'
import { readFaultSpec } from './fault-spec.ts'
import type { FaultSpec } from './scenario.ts'
import { gateEntry, publishedEntry, type GateEntry, type PublishedEntry, type ScenarioShape } from './schema.ts'

/** An entry of a list, and where it stands. */
export interface Placed<T> {
  readonly path: Path
  readonly value: T
}

/**
 * Every part of a file that is right by itself, whatever is wrong elsewhere: so that what is wrong between parts is
 * reported together with what is wrong inside them.
 */
export interface Draft {
  readonly parts: Partial<{ readonly [K in keyof ScenarioShape]: z.output<ScenarioShape[K]> }>
  /** Arms by name, as far as their entries could be read. */
  readonly arms: ReadonlyMap<string, readonly Placed<FaultSpec>[]>
  readonly armNames: readonly string[]
  readonly gates: readonly Placed<GateEntry>[]
  readonly published: readonly Placed<PublishedEntry>[]
  /** Found while reading entries that their schema had accepted. */
  readonly problems: readonly Problem[]
}

export function readDraft(shape: ScenarioShape, data: Readonly<Record<string, unknown>>, catalog: Catalog): Draft {
  const parts = Object.fromEntries(
    Object.entries(shape).map(([key, schema]) => [key, accept(schema as z.ZodType, data[key])]),
  ) as Draft['parts']
  const problems: Problem[] = []
  const written = Object.entries(isRecord(data['arms']) ? data['arms'] : {})
  const restartDelayMs = parts.restartDelay ?? 0
  const arms = written.map(([arm, entries]) => {
    const read = readArm(['arms', arm], listOf(entries), catalog, restartDelayMs)
    problems.push(...read.problems)
    return [arm, read.specs] as const
  })
  return {
    parts,
    arms: new Map(arms),
    armNames: written.map(([arm]) => arm),
    gates: readList('gates', gateEntry(shape.patterns.element), data),
    published: readList('published', publishedEntry(shape.patterns.element), data),
    problems,
  }
}

function readArm(path: Path, entries: readonly unknown[], catalog: Catalog, restartDelayMs: number) {
  const schema = faultEntry(catalog.faults)
  const counts = new Map<string, number>()
  const specs: Placed<FaultSpec>[] = []
  const problems: Problem[] = []
  entries.forEach((written, i) => {
    const entry = accept(schema, written)
    if (!entry) return
    const number = (counts.get(entry.fault) ?? 0) + 1
    counts.set(entry.fault, number)
    const place = [...path, i]
    const context = { path: place, id: `${entry.fault}-${number}`, restartDelayMs }
    const { spec, problems: found } = readFaultSpec(entry, catalog.faults.get(entry.fault)!, context)
    problems.push(...found)
    if (spec) specs.push({ path: place, value: spec })
  })
  return { specs, problems }
}

function readList<T>(key: string, schema: z.ZodType<T>, data: Readonly<Record<string, unknown>>): Placed<T>[] {
  return listOf(data[key]).flatMap((written, i) => {
    const value = accept(schema, written)
    return value === undefined ? [] : [{ path: [key, i], value }]
  })
}

function accept<T>(schema: z.ZodType<T>, value: unknown): T | undefined {
  const parsed = schema.safeParse(value)
  return parsed.success ? parsed.data : undefined
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
