import { basename, extname } from 'node:path'
import { z } from 'zod'
import { timeScales } from '../core/limits.ts'
import type { Fault } from '../model/fault.ts'
import type { ProfileText } from './catalog.ts'
import { readDocument } from './document.ts'
import { faultEntry, type FaultEntry, readFaultSpec } from './fault.ts'
import {
  describe,
  formatProblems,
  isMap,
  type Path,
  type Problem,
  read,
  readKeys,
  section,
  suggest,
  withoutQuoting,
} from './problems.ts'
import type { FaultSpec } from './scenario.ts'

export interface ArmVocabulary {
  readonly faults: ReadonlyMap<string, Fault>
  readonly faultProfiles: ReadonlyMap<string, ProfileText>
}

/** What reading an arm takes. Its schemas are made once for all arms: a scenario may have thousands. */
export interface ArmContext extends ArmVocabulary {
  readonly entry: z.ZodType<FaultEntry>
  readonly include: ReturnType<typeof includeEntry>
  /** How long a harmed node stays away where an entry does not say it. */
  readonly restartDelayMs: number
}

export interface Located<T> {
  readonly path: Path
  readonly value: T
  /** The profile that it comes from; `path` is then that of the include. */
  readonly profile?: string
}

/** What could be read of an arm, whatever is wrong with the rest of it. */
export interface ParsedArm {
  /** In the order of the file, included ones in the place of their include. */
  readonly specs: readonly Located<FaultSpec>[]
  readonly includes: readonly Located<Profile>[]
  readonly problems: readonly Problem[]
  /** Problems in the files of profiles, as sentences with their places. */
  readonly elsewhere: readonly string[]
}

/** Faults under one name, which arms include: a real system with the values that it comes with. */
export interface Profile {
  readonly name: string
  /** Ids begin with the profile's name, so that draws depend on nothing else in the arm. */
  readonly faults: readonly FaultSpec[]
  /** Beyond this compression it would not be what it is named after, and why. */
  readonly timeScale?: { readonly max: number; readonly why: string }
}

export function armContext(vocabulary: ArmVocabulary, restartDelayMs: number): ArmContext {
  const { faults, faultProfiles } = vocabulary
  return { faults, faultProfiles, restartDelayMs, entry: faultEntry(faults), include: includeEntry(faultProfiles) }
}

/** One entry of an arm: a fault, or the profile whose faults it takes in. */
export function armEntry({ faults, faultProfiles }: ArmVocabulary): z.ZodType {
  return z.union([includeEntry(faultProfiles), faultEntry(faults)])
}

export function profileShape(entry: z.ZodType) {
  return {
    name: z.string().describe('The same as that of its file'),
    about: z.string().min(1).describe('Which system, which value, what a client sees, who says so'),
    timeScale: section({
      max: z.number().min(1).max(timeScales.most).describe('The most that it can be compressed'),
      why: z.string().min(1).describe('What does not scale: said to whoever compresses more'),
    })
      .optional()
      .describe('How far it can be compressed; left out: as far as anything can'),
    faults: z.array(entry).min(1).describe('As in an arm; a profile includes no other'),
  }
}

/** Profiles that these arms, whatever they are, include by a path. */
export function includedPaths(arms: unknown): readonly string[] {
  const entries = Object.values(arms ?? {}).flat() as unknown[]
  const names = entries.flatMap((entry) => (isInclude(entry) ? [entry.include] : []))
  return [...new Set(names.filter((name) => typeof name === 'string'))].filter(isPath)
}

export function readArm(path: Path, entries: readonly unknown[], context: ArmContext): ParsedArm {
  const own = readFaults(path, entries, context)
  const named = entries.flatMap((written, i) =>
    isInclude(written) ? [readInclude([...path, i], written, context)] : [],
  )
  const [includes, again] = splitRepeated(named.flatMap(({ include }) => include ?? []))
  const included = includes.flatMap(({ path, value }) =>
    value.faults.map((spec) => ({ path, value: spec, profile: value.name })),
  )
  const entryOf = (located: Located<unknown>): number => Number(located.path[path.length])
  return {
    specs: [...own.specs, ...included].sort((a, b) => entryOf(a) - entryOf(b)),
    includes,
    problems: [...own.problems, ...named.flatMap(({ problems }) => problems), ...again],
    elsewhere: named.flatMap(({ elsewhere }) => elsewhere),
  }
}

/** The faults of a list, as far as they can be read, and what is wrong with the others. Includes are passed over. */
function readFaults(
  path: Path,
  entries: readonly unknown[],
  { entry: schema, faults, restartDelayMs }: ArmContext,
): { readonly specs: readonly Located<FaultSpec>[]; readonly problems: readonly Problem[] } {
  const counts = new Map<string, number>()
  const specs: Located<FaultSpec>[] = []
  const problems: Problem[] = []
  entries.forEach((written, i) => {
    if (isInclude(written)) return
    const at = [...path, i]
    const { value: entry, problems: invalid } = read(schema, written, at)
    problems.push(...invalid)
    if (!entry) return
    const number = (counts.get(entry.fault) ?? 0) + 1
    counts.set(entry.fault, number)
    const surroundings = { path: at, id: `${entry.fault}-${number}`, restartDelayMs }
    const { spec, problems: found } = readFaultSpec(entry, faults.get(entry.fault)!, surroundings)
    problems.push(...found)
    if (spec && specs.some(({ value }) => value.id === spec.id)) problems.push(repeatedId([...at, 'id'], spec.id))
    if (spec) specs.push({ path: at, value: spec })
  })
  return { specs, problems }
}

export function repeatedId(path: Path, id: string): Problem {
  return { path, message: `${describe(id)} is already another fault of this arm; choose another id` }
}

function readInclude(
  path: Path,
  written: unknown,
  context: ArmContext,
): Pick<ParsedArm, 'problems' | 'elsewhere'> & { readonly include?: Located<Profile> } {
  const { value, problems } = read(context.include, written, path)
  if (!value) return { problems, elsewhere: [] }
  const { profile, problems: elsewhere } = readProfile(context.faultProfiles.get(value.include)!, context)
  return { problems, elsewhere, ...(profile && { include: { path: [...path, 'include'], value: profile } }) }
}

/** Two of one name would draw the same firings. */
function splitRepeated(includes: readonly Located<Profile>[]): [Located<Profile>[], Problem[]] {
  const names = includes.map(({ value }) => value.name)
  const isFirst = (_: unknown, i: number): boolean => names.indexOf(names[i]!) === i
  const again = includes.filter((one, i) => !isFirst(one, i))
  const message = ({ value }: Located<Profile>): string => `${value.name} is already in this arm; include it once`
  return [includes.filter(isFirst), again.map((one) => ({ path: one.path, message: message(one) }))]
}

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

function isPath(name: string): boolean {
  return /^\.{1,2}\//.test(name)
}

function isInclude(written: unknown): written is { readonly include: unknown } {
  return typeof written === 'object' && written !== null && 'include' in written
}

/**
 * A profile from its text, or every problem as `file:line:column: what is wrong; what is allowed`. Messages about a file
 * that a scenario includes by its path quote nothing of it: it may be any file.
 */
function readProfile(
  source: ProfileText,
  context: ArmContext,
): { readonly profile?: Profile; readonly problems: readonly string[] } {
  if ('unreadable' in source) return { problems: [] }
  return source.isOwn ? withoutQuoting(() => readProfileText(source, context)) : readProfileText(source, context)
}

type Readable = Exclude<ProfileText, { readonly unreadable: string }>

function readProfileText({ file, text }: Readable, context: ArmContext): ReturnType<typeof readProfile> {
  const source = readDocument(text, file)
  if (!('data' in source)) return { problems: source }
  const { data, locate } = source
  if (data === null) return { problems: [`${file}:1:1: is empty; write a map with name, about and faults`] }
  const { values, problems } = readKeys(profileShape(z.unknown()), data)
  const entries = isMap(data) && Array.isArray(data['faults']) ? data['faults'] : []
  const { specs, problems: wrong } = readFaults(['faults'], entries, context)
  const all = [...problems, ...checkName(values.name, file), ...refuseIncludes(entries), ...wrong]
  if (all.length > 0) return { problems: formatProblems(all, locate, file) }
  const { name, timeScale } = values as Required<typeof values>
  const faults = specs.map(({ value }) => ({ ...value, id: `${name}-${value.id}` }))
  return { profile: { name, faults, ...(timeScale && { timeScale }) }, problems: [] }
}

function refuseIncludes(entries: readonly unknown[]): readonly Problem[] {
  const message = 'a profile cannot include another; write its faults here'
  return entries.flatMap((written, i) => (isInclude(written) ? [{ path: ['faults', i], message }] : []))
}

function checkName(name: string | undefined, file: string): readonly Problem[] {
  const own = basename(file, extname(file))
  if (name === undefined || name === own) return []
  return [{ path: ['name'], message: `${describe(name)} is not the name of its file; write ${own}` }]
}
