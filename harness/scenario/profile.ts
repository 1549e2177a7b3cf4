import { basename, extname } from 'node:path'
import { z } from 'zod'
import { timeScales } from '../core/limits.ts'
import { profileEntry } from './arm-schema.ts'
import type { ProfileText } from './catalog.ts'
import { readDocument, type Problem } from './document.ts'
import { readFaults, type Context } from './fault-list.ts'
import type { faultEntry } from './fault.ts'
import { findProblems, formatProblems } from './problems.ts'
import type { FaultSpec } from './scenario.ts'
import { section } from './section.ts'
import { describe, withoutQuoting } from './quote.ts'

/** Faults under one name, which arms include: a real system with the values that it comes with. */
export interface Profile {
  readonly name: string
  /** Ids begin with the profile's name, so that draws depend on nothing else in the arm. */
  readonly faults: readonly FaultSpec[]
  /** Beyond this compression it would not be what it is named after, and why. */
  readonly timeScale?: { readonly max: number; readonly why: string }
}

type Readable = Exclude<ProfileText, { readonly unreadable: string }>

/** What a profile's file may hold. */
export function profileShape(entry: ReturnType<typeof faultEntry>) {
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

/**
 * A profile from its text, and every problem as `file:line:column: what is wrong; what is allowed`. Of a file that a scenario
 * only points at, problems say nothing that stands in it: it may be any file.
 */
export function readProfile(
  source: ProfileText,
  context: Context,
): { readonly profile?: Profile; readonly problems: readonly string[] } {
  if ('unreadable' in source) return { problems: [] }
  return source.isOwn ? withoutQuoting(() => readOwn(source, context)) : readOwn(source, context)
}

function readOwn({ file, text }: Readable, context: Context): ReturnType<typeof readProfile> {
  const document = readDocument(text, file)
  if (!('data' in document)) return { problems: document }
  const { data } = document
  if (data === null) return { problems: [`${file}:1:1: is empty; write a map with name, about and faults`] }
  const schema = section(profileShape(profileEntry(context.faults)))
  const { faults } = data as { readonly faults?: unknown }
  const { specs, problems } = readFaults(['faults'], Array.isArray(faults) ? faults : [], context)
  const all = [...findProblems(schema, data), ...checkName(data, file), ...problems]
  if (all.length > 0) return { problems: formatProblems(all, document, file) }
  const { name, timeScale } = schema.parse(data)
  const named = specs.map(({ value }) => ({ ...value, id: `${name}-${value.id}` }))
  return { profile: { name, faults: named, ...(timeScale && { timeScale }) }, problems: [] }
}

function checkName(data: unknown, file: string): readonly Problem[] {
  const { name } = data as { readonly name?: unknown }
  const own = basename(file, extname(file))
  if (typeof name !== 'string' || name === own) return []
  return [{ path: ['name'], message: `${describe(name)} is not the name of its file; write ${own}` }]
}
