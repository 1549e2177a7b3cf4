import { ProblemError } from '../types/problems.ts'

/** Where a reader of a log goes on. */
export interface Resumption {
  /** Events after it are wanted; 0: all. */
  readonly after: number
  /** What the reader named is no place of this log: it must forget what it has, and begin again. */
  readonly isReset: boolean
}

/**
 * Where an event stream goes on, given all the cursors of its request (`?after=`, `Last-Event-ID`). The furthest of them
 * counts: a browser repeats the address that it was opened with, and its header is newer. A log never ends before a
 * place that it gave out, so a cursor beyond `version` is none.
 */
export function resumptionOf(version: number, cursors: readonly (string | undefined)[]): Resumption {
  const given = cursors.filter((text) => text !== undefined && text !== '')
  const places = given.map((text) => placeOf(text!)).filter((place) => place !== undefined && place <= version)
  return { after: Math.max(0, ...(places as number[])), isReset: given.length > 0 && places.length === 0 }
}

/** The place that a page of the log begins after. Throws the problem `validation` for what is none in any log. */
export function cursorOf(text: string | undefined): number {
  if (text === undefined) return 0
  const place = placeOf(text)
  if (place !== undefined) return place
  throw new ProblemError('validation', `after: "${text}" is not a sequence number`)
}

/** Why a reader cannot go on there, or undefined. */
export function flawOfCursor(after: number, version: number): string | undefined {
  return after > version ? `${after} is beyond the log, which ends at ${version}: begin again at 0` : undefined
}

function placeOf(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
