import { z } from 'zod'
import type { Fault } from '../model/types.ts'
import { armEntryForEditors } from './arm-schema.ts'
import { faultEntry } from './fault.ts'
import { profileShape } from './profile.ts'
import { armsOf, scenarioShape } from './schema.ts'
import { section } from './section.ts'

/**
 * The scenario language as a JSON Schema (draft 2020-12) for editors: keys, units, faults and their parameters, with
 * descriptions. What depends on more than one place (overlaps, triggers, references) only outlast itself checks.
 */
export function formatJsonSchema(faults: ReadonlyMap<string, Fault>): string {
  const anything = {
    faults,
    resolvePattern: () => undefined,
    patternNames: [],
    deliveryNames: [],
    engineNames: [],
    profiles: new Map(),
    faultProfiles: new Map(),
  }
  const arms = armsOf(armEntryForEditors(anything))
  return format('outlast scenario', section({ ...scenarioShape(anything), arms }))
}

/** The same for the file of a profile. */
export function formatProfileSchema(faults: ReadonlyMap<string, Fault>): string {
  return format('outlast profile', section(profileShape(faultEntry(faults))))
}

function format(title: string, written: z.ZodType): string {
  const { $schema, ...schema } = z.toJSONSchema(written, { io: 'input', unrepresentable: 'any' })
  return `${JSON.stringify({ $schema, title, ...schema }, null, 2)}\n`
}
