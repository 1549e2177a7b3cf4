import { z } from 'zod'
import { partsSchema } from './overhead-parts.ts'
import { count, ms, optional, stored, type Stored } from './stored.ts'

/** Whom a line is about: the client, a step that was executed, a fault, the life of a node, or the reads after the end. */
const subjects = ['client', 'work', 'fault', 'node', 'after'] as const

/** One sentence; `at` and `until` in milliseconds since the load began. */
const storyLine = stored({
  at: ms,
  /** Of what lasts. */
  until: optional(ms),
  about: z.enum(subjects),
  text: z.string(),
})
export type StoryLine = Stored<typeof storyLine>

/** Why a task is worth reading about, what weighs most first. */
export const storyReasons = {
  broken: 'it shows that a promise is broken',
  wrong: 'its client accepted a wrong result',
  lost: 'its client never saw the right result',
  late: 'its result came after the deadline',
  duplicated: 'a step of it was executed again, or its callback was posted again',
  slowest: 'it took the longest beyond its work',
} as const
export type StoryReason = keyof typeof storyReasons

/** What `outlast explain` says of one task, for reports, which have no histories. */
export const storySchema = stored({
  cell: z.string(),
  task: z.string(),
  why: z.enum(Object.keys(storyReasons) as [StoryReason, ...StoryReason[]]),
  intendedAt: ms,
  /** What it was, and what became of it. */
  head: z.string(),
  end: z.string(),
  lines: z.array(storyLine),
  /** So many lines found no room: those after the first `after`. */
  leftOut: optional(stored({ after: count, lines: count })),
  /** Of a task whose client saw the right result. */
  parts: optional(partsSchema),
})
export type Story = Stored<typeof storySchema>
