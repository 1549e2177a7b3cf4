import { writeFile } from 'node:fs/promises'
import { discover } from '../core/discover.ts'
import type { Fault } from '../core/types.ts'
import { formatJsonSchema } from './json-schema.ts'

// `npm run schema`: the file that scenarios name in their first line.
const faults = await discover<Fault>(new URL('../faults/', import.meta.url))
await writeFile(new URL('../../scenarios/scenario.schema.json', import.meta.url), formatJsonSchema(faults))
