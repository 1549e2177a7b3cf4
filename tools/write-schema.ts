/** The scenario language as JSON Schemas (draft 2020-12) for editors. `npm run schema` writes the files that scenarios and profiles name. */
import { writeFile } from 'node:fs/promises'
import { z } from 'zod'
import { discover } from '../harness/core/discover.ts'
import type { Fault } from '../harness/model/fault.ts'
import { profileShape } from '../harness/scenario/arm.ts'
import { faultEntry } from '../harness/scenario/fault.ts'
import { section } from '../harness/scenario/problems.ts'
import { scenarioEntries, scenarioShape } from '../harness/scenario/schema.ts'

type Faults = ReadonlyMap<string, Fault>

/** Keys, units, faults and parameters, described. Overlaps, triggers and references only outlast itself checks. */
export function formatScenarioSchema(faults: Faults): string {
  const anything = {
    faults,
    resolvePattern: () => undefined,
    patternNames: [],
    deliveries: new Map(),
    engineNames: [],
    profileNames: [],
    faultProfiles: new Map(),
  }
  return format('outlast scenario', section(scenarioShape(anything, scenarioEntries(anything))))
}

/** The same for the file of a profile. */
export function formatProfileSchema(faults: Faults): string {
  return format('outlast profile', section(profileShape(faultEntry(faults))))
}

function format(title: string, written: z.ZodType): string {
  const { $schema, ...schema } = z.toJSONSchema(written, { io: 'input', unrepresentable: 'any' })
  return `${JSON.stringify({ $schema, title, ...schema }, null, 2)}\n`
}

if (import.meta.main) {
  const faults = await discover<Fault>(new URL('../harness/faults/', import.meta.url))
  const folder = new URL('../scenarios/', import.meta.url)
  await writeFile(new URL('scenario.schema.json', folder), formatScenarioSchema(faults))
  await writeFile(new URL('profile.schema.json', folder), formatProfileSchema(faults))
}
