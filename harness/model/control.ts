import { z } from 'zod'
import { taskStatus } from '../../patterns/contract/types/task.ts'
import * as is from './shape.ts'
import { count, stored, type Stored } from './stored.ts'

/**
 * What is done to a task to see whether its control holds: `cancel` ends it, `steer` stops it, patches its memory and lets it
 * go on, `budget` gives it too few credits and then more, `permission` tries what its principal may not, `rogue` has it start
 * sub-tasks without an end, and cancels it. Those of `balance` want more, all together, than their principal has, and those of
 * `rate` call their tools faster than they may.
 */
export const controlKinds = ['cancel', 'steer', 'budget', 'rogue', 'permission', 'balance', 'rate'] as const
export type ControlKind = (typeof controlKinds)[number]

/** What somebody tries who may not. Each but the first must be refused before anything is done. */
export const attempts = [
  /** A task whose submitter may not use one of the tools that its steps call. */
  'lacks-tool',
  /** A submission that asks for a tool that its token does not allow. */
  'asks-for-more',
  /** Submissions with a token that has ended, is signed by another key, or not at all. */
  'expired-token',
  'forged-token',
  'unsigned-token',
  /** One that was right, and is sent again after its end. */
  'replayed-token',
  /** At the gateway: the effect of one task under the grant of another one, and under a grant of another key. */
  'stolen-grant',
  'forged-grant',
] as const
export type Attempt = (typeof attempts)[number]

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
  /** Of `permission`: what is tried, the tools that its steps call, step by step, and those that its principal may use. */
  attempt: z.enum(attempts).exactOptional(),
  calls: z.array(z.string()).exactOptional(),
  tools: z.array(z.string()).exactOptional(),
  /** Whose task it is, where it has not its own principal (`permission`) or the operator's. */
  principal: z.string().exactOptional(),
  /** Of `balance`: what its steps cost, step by step. */
  costs: z.array(count).exactOptional(),
  /** Of `rate`: work of its own, and how long that takes at the rates that it has. */
  profile: z.string().exactOptional(),
  lastsMs: z.number().exactOptional(),
})
export type ControlProbe = Stored<typeof controlProbe>

/** A token bucket: so many a second in the long run, and `burst` at once. */
const toolRate = stored({ perSecond: count, burst: count })
export type ToolRate = Stored<typeof toolRate>

/** What all nodes of a cell are given, so that its probes come to a limit. Tasks of the load live under the same rates. */
export const controlLimits = stored({
  /** Credits by principal. */
  balances: z.record(z.string(), count).exactOptional(),
  /** Of tool calls, in real time; of each principal only where there are several. */
  toolRates: stored({ task: toolRate, principal: toolRate.exactOptional() }).exactOptional(),
})
export type ControlLimits = Stored<typeof controlLimits>

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
  /** The account of all `balance` tasks then, in the records of the first one. `at` is when it was asked for. */
  'account',
  /** Likewise the log of a sub-task, which `taskId` names. */
  'sub-log',
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
  /** With `refused`, of `permission`: by which problem. */
  problem: is.optional(is.text),
  /** Events of the log, as the API has them. */
  log: is.optional(is.listOf(is.anything)),
  /** `{version, digest}` of the memory that the API shows. */
  context: is.optional(is.anything),
  /** With `account`: in credits. */
  account: is.optional(is.fields({ credits: is.amount, held: is.amount, spent: is.amount })),
})
export type ControlSeen = is.Shaped<typeof controlSeen>
