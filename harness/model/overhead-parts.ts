import { count, ms, stored, type Stored } from './stored.ts'

/**
 * Where a task's overhead goes, in the order of its life. Every moment of it is in exactly one part, so that together they
 * are the overhead. What a history cannot tell apart is one part, and says so.
 */
export const overheadParts = {
  sending: 'from the intended start until the client sent it',
  accept: 'until the client had the answer that it is accepted, or its first step began, if that came first',
  queueing: 'from then until its first step began',
  execution: 'by how much steps took longer than they were to take',
  tools: 'from the end of a step until the tool server had its effect',
  persistence:
    'from then until the next step began: the tool server’s answer, persistence and hand-over, which a history cannot tell apart',
  interrupted: 'work that was cut off, and the time until somebody went on with it',
  again: 'steps that were executed again',
  delivery:
    'from the last effect until the client saw the result: persistence of the end and delivery, which a history cannot tell apart',
  untold: 'all of a task whose history does not tell the parts apart',
} as const
export type OverheadPart = keyof typeof overheadParts
export const partNames = Object.keys(overheadParts) as readonly OverheadPart[]

/** Milliseconds. A part may be below nothing by what clocks round. */
export const partsSchema = stored(
  Object.fromEntries(partNames.map((name) => [name, ms])) as Record<OverheadPart, typeof ms>,
)
export type Parts = Stored<typeof partsSchema>

/** Means over some tasks: they add up to `totalMs`, the mean of these tasks' overhead. */
const group = stored({ tasks: count, totalMs: ms, parts: partsSchema })
export type PartsOfGroup = Stored<typeof group>

/** Of the tasks whose client saw the right result: the others have no such time. */
export const breakdownSchema = stored({
  tasks: count,
  /** Of these, whose history does not tell the parts apart. */
  untold: count,
  /** The middle fifth of them, by overhead: those about the median. */
  typical: group,
  /** The slowest twentieth, at least one. */
  slowest: group,
})
export type Breakdown = Stored<typeof breakdownSchema>
