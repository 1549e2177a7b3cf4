import { armEntry, type ArmVocabulary } from './arm-schema.ts'
import type { Path, Problem } from './document.ts'
import { accept, readFaults, type Context, type Placed } from './fault-list.ts'
import { readProfile, type Profile } from './profile.ts'
import type { FaultSpec } from './scenario.ts'

/** What could be read of an arm, whatever is wrong with the rest of it. */
export interface ArmDraft {
  /** In the order of the file, included ones in the place of their include. */
  readonly specs: readonly Placed<FaultSpec>[]
  readonly includes: readonly Placed<Profile>[]
  /** Found while reading entries that their schema had accepted. */
  readonly problems: readonly Problem[]
  /** Problems in the files of profiles, as sentences with their places. */
  readonly elsewhere: readonly string[]
}

export function readArm(path: Path, entries: readonly unknown[], context: Context & ArmVocabulary): ArmDraft {
  const own = readFaults(path, entries, context)
  const named = entries.flatMap((written, i) => readInclude([...path, i], written, context))
  const read = named.map(({ path, value }) => ({ path, ...readProfile(context.faultProfiles.get(value)!, context) }))
  const includes = read.flatMap(({ path, profile }) => (profile ? [{ path, value: profile }] : []))
  const [first, again] = splitRepeated(includes)
  const unfolded = first.flatMap(({ path, value }) =>
    value.faults.map((spec) => ({ path, value: spec, profile: value.name })),
  )
  const entryOf = (placed: Placed<unknown>): number => Number(placed.path[path.length])
  return {
    specs: [...own.specs, ...unfolded].sort((a, b) => entryOf(a) - entryOf(b)),
    includes: first,
    problems: [...own.problems, ...again],
    elsewhere: read.flatMap(({ problems }) => problems),
  }
}

function readInclude(path: Path, written: unknown, context: ArmVocabulary): Placed<string>[] {
  const entry = accept(armEntry(context), written)
  return entry && typeof entry.include === 'string' ? [{ path: [...path, 'include'], value: entry.include }] : []
}

/** Two of one name would draw the same firings. */
function splitRepeated(includes: readonly Placed<Profile>[]): [Placed<Profile>[], Problem[]] {
  const names = includes.map(({ value }) => value.name)
  const isFirst = (_: unknown, i: number): boolean => names.indexOf(names[i]!) === i
  const again = includes.filter((one, i) => !isFirst(one, i))
  const message = ({ value }: Placed<Profile>): string => `${value.name} is already in this arm; include it once`
  return [includes.filter(isFirst), again.map((one) => ({ path: one.path, message: message(one) }))]
}
