import * as z from 'zod'
import { problemMediaType } from '../types/problems.ts'
import type { TaskScope } from '../types/scopes.ts'

/** The parts that operations of the OpenAPI document are made of. */

type Responses = Readonly<Record<string, object>>

export interface Operation {
  readonly responses: Responses
  readonly [more: string]: unknown
}

/** Headers of answers, by name. */
export const headers = {
  Location: { description: 'Address of the task', schema: { type: 'string' } },
  ETag: { description: 'The version of the task, or of its memory', schema: { type: 'string', pattern: '^"\\d+"$' } },
  'Retry-After': {
    description: 'Advice when to ask again, in seconds; absent for a task that has ended',
    schema: { type: 'string', pattern: '^\\d+$' },
  },
  'Retry-After-Ms': {
    description: 'The same in milliseconds, for clients that know it',
    schema: { type: 'string', pattern: '^\\d+$' },
  },
  'Cache-Control': {
    required: true,
    description: 'Nobody keeps an answer; nobody changes a stream on its way, either',
    schema: { type: 'string', pattern: '^no-store(, no-transform)?$' },
  },
  'X-Accel-Buffering': { description: 'Of a stream: nginx keeps nothing of it back', schema: { const: 'no' } },
  'Command-Replayed': { description: 'It was on record before', schema: { const: 'true' } },
  'Idempotent-Replayed': { description: 'The key had this task already', schema: { const: 'true' } },
  'Preference-Applied': { description: 'What was heeded of Prefer (RFC 7240)', schema: { type: 'string' } },
  'Accept-Encoding': { description: 'The codings that are taken: none', schema: { const: 'identity' } },
  'Outlast-Node': { description: 'Which node this is, where its system has a name', schema: { type: 'string' } },
  'WWW-Authenticate': {
    required: true,
    description: 'How to authenticate, and what is wrong with the token or missing in it (RFC 6750, 3)',
    schema: { type: 'string', pattern: '^Bearer' },
  },
  RateLimit: {
    description:
      'Where requests are limited: `r` are left, and after `t` seconds there is one more (draft-ietf-httpapi-ratelimit-headers)',
    schema: { type: 'string', pattern: '^"requests";r=\\d+(;t=\\d+)?$' },
  },
  'RateLimit-Policy': {
    description: 'The limit: `q` at once, which come back within `w` seconds, for each principal and node',
    schema: { type: 'string', pattern: '^"requests";q=\\d+;w=\\d+$' },
  },
} as const

export function header(name: keyof typeof headers): object {
  return { [name]: { $ref: `#/components/headers/${name}` } }
}

/** An operation that the scope allows; without one, only the operator's token does. */
export function operation(
  tag: string,
  operationId: string,
  summary: string,
  { scope, responses, ...rest }: Operation & { readonly scope?: TaskScope },
): object {
  // Whoever is known learns what is left of the limit.
  const limits = { ...header('RateLimit'), ...header('RateLimit-Policy') }
  const limited = saying({ ...problems(403, 429, 500, 503), ...responses }, limits)
  const all = saying({ ...problems(401), ...limited }, header('Outlast-Node'))
  const security = [{ bearer: scope ? [scope] : [] }]
  return { operationId, tags: [tag], summary, security, ...rest, responses: all }
}

/** With these headers on each, beside its own. */
function saying(responses: Responses, sent: object): Responses {
  const said = Object.entries(responses).map(([status, response]) => {
    const { headers: own } = response as { readonly headers?: object }
    return [status, { ...response, headers: { ...own, ...sent } }]
  })
  return Object.fromEntries(said) as Responses
}

/** An operation without authentication. */
export function open(operationId: string, summary: string, schema: object): Operation {
  const refused = { description: 'By HTTP itself: 408 too slow, 431 headers of more than 16 KiB' }
  const ok = saying({ 200: answer(summary, schema) }, header('Outlast-Node'))
  return { operationId, tags: ['node'], summary, security: [], responses: { ...ok, '4XX': refused } }
}

export function taskAnswer(description: string, more: object = {}): object {
  return withHeaders(answer(description, reference('Task')), { ...taskHeaders, ...more })
}

/** What every answer about the state of one task has, with or without the task. */
export const taskHeaders = {
  ...header('Cache-Control'),
  ...header('ETag'),
  ...header('Retry-After'),
  ...header('Retry-After-Ms'),
}

export function withHeaders(given: object, sent: object = header('Cache-Control')): object {
  return { ...given, headers: sent }
}

export function answer(description: string, schema: object): object {
  return json(description, schema, 'application/json')
}

export function json(description: string, schema: object, mediaType: string): object {
  return { description, content: { [mediaType]: { schema } } }
}

const meanings: Readonly<Record<number, string>> = {
  400: 'Not valid: the detail says what is wrong and what is allowed',
  401: 'No token, or one that is not valid',
  403: 'The token does not allow this, or not one of the tools',
  404: 'There is no such resource',
  406: 'This delivery does not serve that representation',
  409: 'The task takes no commands any more',
  410: 'The task was kept for its time, and is gone',
  412: 'The task, or its memory, is in another state than If-Match names',
  413: 'The body is larger than 64 KiB',
  415: 'The body is not JSON',
  422: 'The key or the id was used for another request, or the callback address is refused',
  429: 'Too many requests of this principal: Retry-After says when one more may come',
  500: 'The server failed at this request',
  501: 'The engine behind this server does not do this',
  503: 'Not now: repeat it, with the same key',
}

export function problems(...statuses: readonly number[]): Responses {
  const described = (status: number): object => {
    const sent = {
      ...header('Cache-Control'),
      ...header('Outlast-Node'),
      ...((status === 401 || status === 403) && header('WWW-Authenticate')),
      ...(status === 415 && header('Accept-Encoding')),
      ...(status === 429 && { ...header('Retry-After'), ...header('Retry-After-Ms') }),
    }
    return withHeaders(json(meanings[status]!, reference('Problem'), problemMediaType), sent)
  }
  return Object.fromEntries(statuses.map((status) => [status, described(status)]))
}

/** Optional, but for what is in the path. */
export function parameter(where: string, name: string, schema: object, description: string): object {
  return { in: where, name, schema, description, required: where === 'path' }
}

export function required(given: object): object {
  return { ...given, required: true }
}

export const taskId = parameter(
  'path',
  'id',
  { type: 'string', pattern: '^[A-Za-z0-9_~-][A-Za-z0-9_.~-]*$' },
  'Task id',
)

export const wanted = parameter(
  'header',
  'If-Match',
  { type: 'string' },
  'ETag of the state to which alone this is to be done',
)

type SchemaName = 'Task' | 'TaskRequest' | 'TaskEvent' | 'Delivery' | 'Problem' | 'Command' | ControlSchemaName
type ControlSchemaName = 'CommandAck' | 'Context' | 'ContextPatches' | 'Balance' | 'TopUp'

export function reference(name: SchemaName): object {
  return { $ref: `#/components/schemas/${name}` }
}

/** `input`: of what is sent here, where a field with a default may be missing. */
export function jsonSchema(schema: z.ZodType, io: 'input' | 'output' = 'output'): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12', io })
  return rest
}
