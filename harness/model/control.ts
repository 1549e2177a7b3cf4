import { z } from 'zod'
import { taskStatus } from '../../patterns/contract/types/task.ts'
import * as is from './shape.ts'
import { count, stored, type Stored } from './stored.ts'

/**
 * What is done to a task to see whether its control holds: `cancel` ends it, `steer` stops it, patches its memory and lets it
 * go on, `budget` gives it too few credits and then more.
 */
export const controlKinds = ['cancel', 'steer', 'budget'] as const
export type ControlKind = (typeof controlKinds)[number]

/** One task beside the load that is controlled. Every choice is made before the run. Real milliseconds. */
export const controlProbe = stored({
  /** Its key in every record: `c-cancel-1`. */
  key: z.string(),
  kind: z.enum(controlKinds),
  seed: count,
  /** When it is submitted, since the load began. */
  atMs: z.number(),
  /** When it is controlled, since it was accepted. */
  afterMs: z.number(),
})
export type ControlProbe = Stored<typeof controlProbe>

/** What a steered task remembers to begin with. */
export const firstMemory = { instruction: 'be thorough' } as const

/** Moments of a probe, as its client saw them. */
export const controlMoments = [
  /** The task is accepted. */
  'accepted',
  /** A command, or the cancellation, is sent for the first time. */
  'ordered',
  /** It is acknowledged: from here on it must hold. */
  'acknowledged',
  /** It is refused, for good. */
  'refused',
  /** The agent was seen to stand still, or the task to have ended. */
  'seen',
  /** When all is over: the task's log, and its memory as the API shows it. */
  'log',
  /** The probe's time was over before that. */
  'given-up',
] as const

const status = is.oneOf(taskStatus.options)

export const controlSeen = is.fields({
  kind: is.oneOf(controlKinds),
  moment: is.oneOf(controlMoments),
  taskId: is.optional(is.text),
  /** The command's id; `cancel` of a cancellation. */
  command: is.optional(is.text),
  /** `interrupt`, `steer`, `resume`, `top_up`, `cancel`. */
  type: is.optional(is.text),
  /** With `accepted`, of a task with a budget: the steps that this covers. */
  covered: is.optional(is.count),
  status: is.optional(status),
  /** Events of the log, as the API has them. */
  log: is.optional(is.listOf(is.anything)),
  /** `{version, digest}` of the memory that the API shows. */
  context: is.optional(is.anything),
})
export type ControlSeen = is.Shaped<typeof controlSeen>
