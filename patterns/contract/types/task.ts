import { z } from 'zod'
import { toolName } from './scopes.ts'
import { credits } from './command.ts'
import { memory, memoryLimits } from './context.ts'
import { text } from './text.ts'

/** States of a task. Terminal ones are final: exactly one terminal event, none after it. */
export const taskStatus = z.enum([
  'queued',
  'running',
  'input_required',
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

/** What a task may spend. A step whose cost is beyond it waits for more, or fails the task. */
const budget = z.strictObject({
  credits,
  on_exhausted: z.enum(['wait', 'fail']).default('wait').describe('`wait` asks for more: the task is `input_required`'),
})

/** As it is sent: what is left out is `wait`. */
export type Budget = z.input<typeof budget>

const addressText = text(2048)
/** A JSON Schema of what is sent says of a pipe only what goes in. */
const address = addressText.meta({ ...addressText.meta(), format: 'uri' }).pipe(z.url())

/** Body of `POST /v1/tasks`. */
export const taskRequest = z.strictObject({
  type: z.literal('agent'),
  input: taskInput,
  delivery: z.strictObject({ webhook_url: address }).optional(),
  deadline_s: z.number().positive().max(longestDeadlineS).optional(),
  tools: z.array(toolName).max(64).optional().describe('Of the tools that its token allows; absent: all of them'),
  budget: budget.optional(),
  memory: memory.optional().describe(`What the agent remembers, to begin with: ${memoryLimits}`),
})
export type TaskRequest = z.infer<typeof taskRequest>

/** The partial state payload: what every channel shows of a task. `version` is the `seq` of its last event. */
export const task = z.strictObject({
  task_id: z.string(),
  type: z.literal('agent'),
  principal: z.string().optional().describe('Whose it is, where the service tells principals apart'),
  parent: z.string().optional().describe('The task that has spawned it; absent: a client submitted it'),
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
  credits_granted: z
    .number()
    .min(0)
    .optional()
    .describe('Budget and top-ups, less what sub-tasks got; absent: no limit'),
  context_version: z.int().min(1).optional().describe('Of its memory; absent: it has none'),
  input: taskInput,
  result: z.strictObject({ digest: z.string(), steps: z.int(), text: z.string().optional() }).optional(),
  links: z.strictObject({ self: z.string(), events: z.string(), cancel: z.string() }),
})
export type Task = z.infer<typeof task>
