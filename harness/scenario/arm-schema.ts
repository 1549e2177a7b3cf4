import { z } from 'zod'
import type { Fault } from '../model/types.ts'
import type { ProfileText } from './catalog.ts'
import { faultEntry, type FaultEntry } from './fault.ts'
import { suggest } from './did-you-mean.ts'
import { explainIssue } from './problems.ts'
import { section } from './section.ts'
import { describe } from './quote.ts'

/** What an arm may name. */
export interface ArmVocabulary {
  readonly faults: ReadonlyMap<string, Fault>
  readonly faultProfiles: ReadonlyMap<string, ProfileText>
}

export type IncludeEntry = z.output<ReturnType<typeof includeEntry>>

/** One entry of an arm: a fault, or the profile whose faults it takes in. */
export function armEntry({ faults, faultProfiles }: ArmVocabulary): z.ZodType<FaultEntry | IncludeEntry> {
  const [fault, include] = [faultEntry(faults), includeEntry(faultProfiles)]
  return chosen<FaultEntry | IncludeEntry>((written) => (isInclude(written) ? include : fault))
}

/** One entry of a profile: a fault, as in an arm. */
export function profileEntry(faults: ReadonlyMap<string, Fault>): z.ZodType<FaultEntry> {
  const fault = faultEntry(faults)
  return chosen((written) => (isInclude(written) ? noInclude : fault))
}

/** The same as an arm's entry, for editors: they cannot see through the choice. */
export function armEntryForEditors({ faults, faultProfiles }: ArmVocabulary): z.ZodType {
  return z.union([includeEntry(faultProfiles), faultEntry(faults)])
}

/** Profiles that these arms, whatever they are, include by a path. */
export function includedPaths(arms: unknown): readonly string[] {
  const entries = Object.values(arms ?? {}).flat() as unknown[]
  const names = entries.flatMap((entry) => (isInclude(entry) ? [entry.include] : []))
  return [...new Set(names.filter((name) => typeof name === 'string'))].filter(isPath)
}

function isPath(name: string): boolean {
  return /^\.{1,2}\//.test(name)
}

function isInclude(written: unknown): written is { readonly include: unknown } {
  return typeof written === 'object' && written !== null && 'include' in written
}

const noInclude = z.never({ error: 'a profile cannot include another; write its faults here' })

function includeEntry(profiles: ReadonlyMap<string, ProfileText>) {
  const include = z
    .string()
    .superRefine((name, ctx) => {
      const message = whyUnreadable(name, profiles)
      if (message !== undefined) ctx.addIssue({ code: 'custom', message })
    })
    .describe('A profile: its name (outlast list profiles), or the path of a file of yours from here, ./my-lb.yaml')
  return section({ include }).describe('Takes in the faults of a profile')
}

function whyUnreadable(name: string, profiles: ReadonlyMap<string, ProfileText>): string | undefined {
  const profile = profiles.get(name)
  if (profile) return 'unreadable' in profile ? profile.unreadable : undefined
  const names = [...profiles.keys()].filter((known) => !isPath(known))
  const known = `profiles: ${names.join(', ')}, or a path such as ./my-lb.yaml`
  return `unknown profile ${describe(name)}${suggest(name, names)}; ${known}`
}

/** Chosen by its look before it is checked, so that what is said is about what was meant: a plain union says both. */
function chosen<T>(choose: (written: unknown) => z.ZodType<T>): z.ZodType<T> {
  return z.unknown().transform((written, ctx) => {
    const parsed = choose(written).safeParse(written, { error: explainIssue })
    if (parsed.success) return parsed.data
    for (const issue of parsed.error.issues) ctx.addIssue({ ...issue })
    return z.NEVER
  })
}
