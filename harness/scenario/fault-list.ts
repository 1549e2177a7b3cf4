import type { z } from 'zod'
import type { Fault } from '../model/types.ts'
import type { Path, Problem } from './document.ts'
import { faultEntry } from './fault.ts'
import { readFaultSpec } from './fault-spec.ts'
import type { FaultSpec } from './scenario.ts'
import { describe } from './quote.ts'

/** An entry of a list, and where it stands. */
export interface Placed<T> {
  readonly path: Path
  readonly value: T
  /** The profile that it comes from; `path` is then that of the include. */
  readonly profile?: string
}

/** What a list of faults takes from its surroundings. */
export interface Context {
  readonly faults: ReadonlyMap<string, Fault>
  /** How long a harmed node stays away where an entry does not say it. */
  readonly restartDelayMs: number
}

/** The faults of a list, as far as they can be read; what is no fault at all is left to the schema to refuse. */
export function readFaults(
  path: Path,
  entries: readonly unknown[],
  { faults, restartDelayMs }: Context,
): { readonly specs: readonly Placed<FaultSpec>[]; readonly problems: readonly Problem[] } {
  const schema = entryOf(faults)
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
    const { spec, problems: found } = readFaultSpec(entry, faults.get(entry.fault)!, context)
    problems.push(...found)
    if (spec && specs.some(({ value }) => value.id === spec.id)) problems.push(repeatedId([...place, 'id'], spec.id))
    if (spec) specs.push({ path: place, value: spec })
  })
  return { specs, problems }
}

const entries = new WeakMap<ReadonlyMap<string, Fault>, ReturnType<typeof faultEntry>>()

/** Made once for all arms: a scenario may have thousands. */
function entryOf(faults: ReadonlyMap<string, Fault>): ReturnType<typeof faultEntry> {
  const made = entries.get(faults) ?? faultEntry(faults)
  entries.set(faults, made)
  return made
}

export function repeatedId(path: Path, id: string): Problem {
  return { path, message: `${describe(id)} is already another fault of this arm; choose another id` }
}

/** What a schema makes of a value, or undefined when it refuses it. */
export function accept<T>(schema: z.ZodType<T>, value: unknown): T | undefined {
  const parsed = schema.safeParse(value)
  return parsed.success ? parsed.data : undefined
}
