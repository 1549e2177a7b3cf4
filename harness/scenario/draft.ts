import type { z } from 'zod'
import { readArm, type ArmDraft } from './arm.ts'
import type { Catalog } from './catalog.ts'
import { accept, type Placed } from './fault-list.ts'
import { gateEntry, publishedEntry, type GateEntry, type PublishedEntry, type ScenarioShape } from './schema.ts'

/**
 * Every part of a file that is right by itself, whatever is wrong elsewhere: so that what is wrong between parts is
 * reported together with what is wrong inside them.
 */
export interface Draft {
  readonly parts: Partial<{ readonly [K in keyof ScenarioShape]: z.output<ScenarioShape[K]> }>
  /** Arms by name, as far as their entries could be read. */
  readonly arms: ReadonlyMap<string, ArmDraft>
  readonly armNames: readonly string[]
  readonly gates: readonly Placed<GateEntry>[]
  readonly published: readonly Placed<PublishedEntry>[]
}

export function readDraft(shape: ScenarioShape, data: Readonly<Record<string, unknown>>, catalog: Catalog): Draft {
  const parts = Object.fromEntries(
    Object.entries(shape).map(([key, schema]) => [key, accept(schema as z.ZodType, data[key])]),
  ) as Draft['parts']
  const written = Object.entries(isRecord(data['arms']) ? data['arms'] : {})
  const context = { ...catalog, restartDelayMs: parts.restartDelay ?? 0 }
  const arms = written.map(([arm, entries]) => [arm, readArm(['arms', arm], listOf(entries), context)] as const)
  return {
    parts,
    arms: new Map(arms),
    armNames: written.map(([arm]) => arm),
    gates: readList('gates', gateEntry(shape.patterns.element), data),
    published: readList('published', publishedEntry(shape.patterns.element), data),
  }
}

function readList<T>(key: string, schema: z.ZodType<T>, data: Readonly<Record<string, unknown>>): Placed<T>[] {
  return listOf(data[key]).flatMap((written, i) => {
    const value = accept(schema, written)
    return value === undefined ? [] : [{ path: [key, i], value }]
  })
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
