import { z } from 'zod'
import { memory, patch } from '../types/context.ts'
import {
  answer,
  header,
  operation,
  parameter,
  problems,
  reference,
  taskId,
  wanted,
  withHeaders,
} from './openapi-parts.ts'

const version = z.int().min(1)
const digest = z.string().describe('Of the document after it: SHA-256 in hexadecimal of its canonical JSON')

/** Documents that only these operations have, by the names under which the others are found. */
export const controlSchemas = {
  CommandAck: z.object({ id: z.string(), type: z.string(), task_id: z.string(), replayed: z.boolean() }),
  Context: z.object({ version, digest, document: memory }),
  ContextPatches: z.object({
    base: version,
    patches: z.array(
      z.object({
        base: version,
        version,
        digest,
        patch,
        command: z.string().optional().describe('The id of the command whose patch it is'),
        step: z.int().optional().describe('The step whose patch it is'),
      }),
    ),
  }),
}

/** What somebody has a running agent do, and what the agent remembers. Commands are 501 where the engine takes none. */
export function controlPaths(): object {
  return {
    '/v1/tasks/{id}/commands': {
      post: operation('control', 'putCommand', 'Have the agent do something, once per command id', {
        scope: 'tasks:steer',
        description: 'A `top_up` needs the scope `tasks:topup` in place of `tasks:steer`',
        parameters: [taskId, wanted],
        requestBody: { required: true, content: { 'application/json': { schema: reference('Command') } } },
        responses: {
          202: withHeaders(answer('It is on record: what comes of it, the log says', reference('CommandAck')), {
            ...header('Cache-Control'),
            ...header('Command-Replayed'),
          }),
          ...problems(400, 404, 409, 410, 412, 413, 415, 422, 501),
        },
      }),
    },
    '/v1/tasks/{id}/context': {
      get: operation('control', 'readContext', 'What the agent remembers, or how it came to that', {
        scope: 'tasks:read',
        parameters: [taskId, after, known, wanted],
        responses: {
          200: withHeaders(answer('The memory; with `after` the patches since', { anyOf: [whole, since] }), validated),
          304: withHeaders({ description: 'Not changed' }, validated),
          ...problems(400, 404, 410, 412),
        },
      }),
    },
  }
}

const whole = reference('Context')
const since = reference('ContextPatches')
const validated = { ...header('Cache-Control'), ...header('ETag') }
const known = parameter('header', 'If-None-Match', { type: 'string' }, 'ETag that is known')
const after = parameter(
  'query',
  'after',
  { type: 'integer', minimum: 1, maximum: 999_999_999 },
  'The version that is known: the patches after it are wanted',
)
