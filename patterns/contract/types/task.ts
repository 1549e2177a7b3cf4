import { z } from 'zod'
import { toolName } from './scopes.ts'

/** States of a task. Terminal ones are final: exactly one terminal event, none after it. */
export const taskStatus = z.enum([
  'queued',
  'running',
  'cancelling',
  'completed',
  'failed',
  'cancelled',
  'expired',
  'rejected',
])
export type TaskStatus = z.infer<typeof taskStatus>

/** Whether what a server said is a state of a task at all. */
export function isStatus(value: unknown): value is TaskStatus {
  return statuses.has(value)
}
const statuses: ReadonlySet<unknown> = new Set(taskStatus.options)

/** Whether it is a position in a task's log: a version, or the number of an event. */
export function isPosition(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

const terminal: ReadonlySet<TaskStatus> = new Set(['completed', 'failed', 'cancelled', 'expired', 'rejected'])
export function isTerminal(status: TaskStatus): boolean {
  return terminal.has(status)
}

/** What the agent is asked to do: a seeded plan of steps (`patterns/agent/plan.ts`). */
export const taskInput = z.strictObject({
  seed: z.int().min(0).describe('Seed of the plan: the same seed is the same work and the same right answer'),
  profile: text(64).describe(
    'Name of the work profile, e.g. research-write, or work/4/480000: four steps, eight minutes',
  ),
  job: text(512, 128).describe('The caller’s own name for this piece of work; travels with every effect'),
})
export type TaskInput = z.infer<typeof taskInput>

/** Three years: an engine's dates and timers must have some end, and compressed thirty times this is still beyond a timer of Node's. */
export const longestDeadlineS = 3 * 365 * 24 * 3600

/** Body of `POST /v1/tasks`. */
export const taskRequest = z.strictObject({
  type: z.literal('agent'),
  input: taskInput,
  delivery: z.strictObject({ webhook_url: text(2048).pipe(z.url()) }).optional(),
  deadline_s: z.number().positive().max(longestDeadlineS).optional(),
  tools: z.array(toolName).max(64).optional().describe('Of the tools that its token allows; absent: all of them'),
})
export type TaskRequest = z.infer<typeof taskRequest>

/** The partial state payload: what every channel shows of a task. `version` is the `seq` of its last event. */
export const task = z.strictObject({
  task_id: z.string(),
  type: z.literal('agent'),
  principal: z.string().optional().describe('Whose it is, where the service tells principals apart'),
  status: taskStatus,
  status_reason: z.string().optional(),
  current_action: z.strictObject({ name: z.string(), step: z.int(), started_at: z.iso.datetime() }).nullable(),
  progress_pct: z.number().min(0).max(100).nullable(),
  estimated_completion: z.iso.datetime().nullable(),
  version: z.int().min(1),
  attempt: z.int().min(0),
  created_at: z.iso.datetime(),
  updated_at: z.iso.datetime(),
  finished_at: z.iso.datetime().optional(),
  credits_used: z.number().min(0),
  input: taskInput,
  result: z.strictObject({ digest: z.string(), steps: z.int(), text: z.string().optional() }).optional(),
  links: z.strictObject({ self: z.string(), events: z.string(), cancel: z.string() }),
})
export type Task = z.infer<typeof task>

/**
 * Text that every store can hold: no U+0000, which PostgreSQL refuses in text and JSON, and no lone surrogate, which has no
 * UTF-8. What one engine took and another one refused would be the engine's own contract.
 */
export function isStorable(text: string): boolean {
  return !text.includes('\0') && text.isWellFormed()
}

/**
 * The only type for text that comes from outside, with at most so many bytes of UTF-8, and so many characters: those of
 * Unicode, as JSON Schema counts them.
 */
export function text(mostBytes: number, mostCharacters = mostBytes) {
  return z
    .string()
    .refine((value) => value.length <= mostBytes, { error: `at most ${mostBytes} bytes`, abort: true })
    .refine(isStorable, { error: 'no U+0000 and no half of a surrogate pair' })
    .refine((value) => Buffer.byteLength(value) <= mostBytes, { error: `at most ${mostBytes} bytes` })
    .refine((value) => Array.from(value).length <= mostCharacters, { error: `at most ${mostCharacters} characters` })
    .meta({ maxLength: mostCharacters, pattern: '^[^\\u0000]*$' })
}

/** Text from outside, for a record: what a store cannot hold is replaced, and the rest cut off. */
export function storable(value: string, most = 500): string {
  return value.slice(0, most).toWellFormed().replaceAll('\0', '\uFFFD')
}
