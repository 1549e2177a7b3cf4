import { z } from 'zod'

/** Every problem type of the API: its HTTP status, its title, and whether repeating the same request can help. */
const kinds = {
  validation: { status: 400, title: 'The request is not valid', retryable: false },
  'idempotency-key-missing': { status: 400, title: 'The Idempotency-Key header is required', retryable: false },
  unauthorized: { status: 401, title: 'A valid bearer token is required', retryable: false },
  forbidden: { status: 403, title: 'The token does not allow this', retryable: false },
  'not-found': { status: 404, title: 'There is no such resource', retryable: false },
  'method-not-allowed': { status: 405, title: 'The resource has no such method', retryable: false },
  'not-acceptable': { status: 406, title: 'No representation of the resource is acceptable', retryable: false },
  'task-ended': { status: 409, title: 'The task takes no commands any more', retryable: false },
  gone: { status: 410, title: 'The task was kept for its time, and is gone', retryable: false },
  'precondition-failed': { status: 412, title: 'The task is in another state than is wanted', retryable: false },
  'body-too-large': { status: 413, title: 'The request body is too large', retryable: false },
  'unsupported-media-type': { status: 415, title: 'The request body is not JSON', retryable: false },
  'idempotency-key-reused': { status: 422, title: 'The key was used for another request', retryable: false },
  'command-id-reused': { status: 422, title: 'The id was used for another command', retryable: false },
  'blocked-destination': { status: 422, title: 'Callbacks may not go to this address', retryable: false },
  'endpoint-refused': { status: 422, title: 'The callback endpoint does not want our messages', retryable: false },
  'upgrade-required': { status: 426, title: 'The resource speaks another protocol', retryable: false },
  'rate-limited': { status: 429, title: 'Too many requests of this principal', retryable: true },
  internal: { status: 500, title: 'The server failed at this request', retryable: false },
  'not-supported': { status: 501, title: 'The engine behind this server cannot do this', retryable: false },
  interrupted: { status: 503, title: 'Something failed for now: whether it was done is not known', retryable: true },
  'temporary-reduced-capacity': { status: 503, title: 'The server cannot do this now', retryable: true },
} as const
export type ProblemKind = keyof typeof kinds

/** Problem Details for HTTP APIs (RFC 9457). `type` is a reference to the API's own `/problems/<kind>`. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string().optional(),
  task_id: z.string().optional(),
  retryable: z.boolean(),
})
export type Problem = z.infer<typeof problem>

export const problemMediaType = 'application/problem+json'

/** Throw it anywhere below the API: it becomes the answer. A cause is for the node's log alone: clients must not learn what is behind it. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly kind: ProblemKind
  readonly taskId: string | undefined
  constructor(kind: ProblemKind, detail: string, taskId?: string, options?: ErrorOptions) {
    super(detail, options)
    this.kind = kind
    this.taskId = taskId
  }
}

/** Kind of a problem document's `type`, or undefined for one that is not ours. */
export function problemKind(type: string): ProblemKind | undefined {
  const name = type.slice(type.lastIndexOf('/') + 1)
  return Object.hasOwn(kinds, name) ? (name as ProblemKind) : undefined
}

/** The document for a kind of problem. */
export function describeProblem(kind: ProblemKind, detail?: string, taskId?: string): Problem {
  const { status, title, retryable } = kinds[kind]
  return {
    type: `/problems/${kind}`,
    title,
    status,
    ...(detail && { detail }),
    ...(taskId && { task_id: taskId }),
    retryable,
  }
}

/** Kinds after which a client cannot know whether the server has done what it was asked. */
export function isUnsure(kind: ProblemKind | undefined): boolean {
  return kind === 'internal' || kind === 'interrupted'
}
