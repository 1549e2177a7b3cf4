import { writeFile } from 'node:fs/promises'
import { discover } from '../harness/core/discover.ts'
import type { Fault } from '../harness/model/types.ts'
import { formatJsonSchema, formatProfileSchema } from '../harness/scenario/json-schema.ts'

// `npm run schema`: the files that scenarios and profiles name in their first line.
const faults = await discover<Fault>(new URL('../harness/faults/', import.meta.url))
const folder = new URL('../scenarios/', import.meta.url)
await writeFile(new URL('scenario.schema.json', folder), formatJsonSchema(faults))
await writeFile(new URL('profile.schema.json', folder), formatProfileSchema(faults))
