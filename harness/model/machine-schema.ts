import { z } from 'zod'
import type { MachineHealth, MachineLimits } from './machine.ts'

/** What histories, plans and results say of the machine, as `harness/model/machine.ts` describes it. */

const ms = z.number()
const share = z.number().min(0)
const optional = z.exactOptional

const course = z.looseObject({ mean: share, worst: share, at: ms })
const spell = z.looseObject({ at: ms, ms, waitedMs: ms })

export const machineHealthSchema: z.ZodType<MachineHealth> = z.looseObject({
  standstill: z.looseObject({ at: ms, ms }),
  cores: z.int().min(1),
  unwatched: optional(z.string()),
  cpuPressure: optional(course),
  memoryPressure: optional(course),
  ioPressure: optional(course),
  steal: optional(course),
  others: optional(course),
  own: optional(course),
  swappedPages: optional(z.number()),
  processes: optional(z.array(z.looseObject({ name: z.string(), mean: share, worst: z.array(spell) }))),
})

export const machineLimitsSchema: z.ZodType<MachineLimits> = z.looseObject({
  silence: z.looseObject({ name: z.string(), ms }),
  standstillMs: ms,
  delayShare: share,
  cpuPressure: share,
  others: share,
  steal: share,
  memoryPressure: share,
})
