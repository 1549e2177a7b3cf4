import { z } from 'zod'
import { cellSchema, environmentSchema } from './results.ts'
import { stored, type Stored } from './stored.ts'

/** `against.json`: of the run that gates on a regression are held against, what they need. The run keeps its copy. */
export const baseSchema = stored({
  version: z.literal(1),
  run: z.string(),
  environment: environmentSchema,
  /** As they were judged then, with their tasks. */
  cells: z.array(cellSchema),
})
export type BaseRun = Stored<typeof baseSchema>
