import { z } from 'zod'
import type { Fault } from '../core/types.ts'
import { scenarioShape } from './schema.ts'
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
  }
  const { $schema, ...schema } = z.toJSONSchema(section(scenarioShape(anything)), {
    io: 'input',
    unrepresentable: 'any',
  })
  return `${JSON.stringify({ $schema, title: 'outlast scenario', ...schema }, null, 2)}\n`
}
