import * as agent from '../../agent/work.ts'
import type { Context } from 'hono'
import type { ZodType } from 'zod'
import { callbackDelivery } from '../types/callback.ts'
import { command } from '../types/command.ts'
import { taskEvent } from '../types/events.ts'
import { problem } from '../types/problems.ts'
import { task } from '../types/task.ts'
import { topUp } from '../types/account.ts'
import { accountPaths, accountSchemas } from './openapi-accounts.ts'
import { deliveryPaths, type Served, webhooks } from './openapi-callbacks.ts'
import { controlPaths, controlSchemas } from './openapi-control.ts'
import {
  header,
  headers,
  jsonSchema,
  open,
  operation,
  problems,
  reference,
  required,
  taskAnswer,
  parameter,
  taskHeaders,
  taskId,
  wanted,
  withHeaders,
} from './openapi-parts.ts'
import { submission } from './submission.ts'

/** `GET /openapi.json`: made once, and late, since many nodes are never asked. */
export function sayApi(served: Served) {
  let text: string | undefined
  return (c: Context): Response => {
    text ??= JSON.stringify(describeApi(served))
    return c.body(text, 200, { 'Content-Type': 'application/json' })
  }
}

/** The API of a delivery as an OpenAPI 3.1 document, from the schemas that validate it. */
function describeApi(served: Served): object {
  const posts = served.callbacks !== 'none'
  const request = posts ? submission : submission.omit({ delivery: true })
  const sent = { TaskRequest: request, Command: command, TopUp: topUp }
  const schemas = {
    Task: task.extend({ input: agent.input }),
    TaskEvent: taskEvent,
    ...controlSchemas,
    ...accountSchemas,
    Delivery: callbackDelivery,
    Problem: problem,
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'outlast task API',
      version: '1',
      summary: 'Long tasks behind one resource',
      description: about(served),
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: '.', description: 'Where this document is' }],
    security: [{ bearer: [] }],
    tags: [
      { name: 'tasks', description: 'Submit, read, follow, cancel' },
      { name: 'control', description: 'Stop, steer and fund a running agent, and see what it remembers' },
      { name: 'accounts', description: 'What the tasks of a principal may spend' },
      { name: 'callbacks', description: 'What became of callbacks' },
      { name: 'node', description: 'About this server; no token is needed' },
    ],
    paths: paths(served),
    ...(posts && { webhooks: webhooks(served) }),
    components: {
      securitySchemes: {
        bearer: {
          type: 'http',
          scheme: 'bearer',
          description:
            'A JWT of the issuer that the node knows, where it knows one, with the scopes of the operation in `scope` and `tools:<name>` for each tool; or the operator’s token, OUTLAST_TOKEN, which allows everything. The scheme in any case',
        },
      },
      headers: served.streams ? headers : headersWithoutStreams,
      schemas: { ...schemasOf(sent, 'input'), ...schemasOf(schemas, 'output') },
    },
  }
}

function schemasOf(named: Readonly<Record<string, ZodType>>, io: 'input' | 'output'): object {
  return Object.fromEntries(Object.entries(named).map(([name, schema]) => [name, jsonSchema(schema, io)]))
}

const { 'X-Accel-Buffering': _, ...headersWithoutStreams } = headers

function about({ streams, sockets, holds }: Served): string {
  const stream = streams
    ? 'It streams events (`text/event-stream`): each has the id `seq`, the name `type` and a TaskEvent as data; ' +
      'comments fill silence. After an event `stream.reset` the log comes again from its beginning: the cursor was no ' +
      'place of it. The stream ends after the terminal event, and 204 means that nothing can follow.'
    : 'It streams no events: a request for `text/event-stream` alone is answered 406.'
  const socket = sockets
    ? 'It opens WebSockets (RFC 6455) at `/v1/tasks/{id}/ws`, without a subprotocol: the client sends ' +
      '`{"type":"hello","last_seq":0}`, and gets each TaskEvent after that as a text message; `{"type":"cancel"}` ' +
      'cancels, and `{"type":"command","command":{...}}` is answered `command.ack` or `command.refused`. Close codes: 1000 nothing can follow, 1008 what the client may not say or a `last_seq` beyond the log, ' +
      '1009 too long, 1011 the server failed, 1012 the node leaves, 1013 come back later. A GET that is no handshake is answered ' +
      '426 with `Upgrade` and `Sec-WebSocket-Version`, and one that names a subprotocol 400.'
    : 'It opens no sockets: `/v1/tasks/{id}/ws` is answered 406.'
  const submissions = holds
    ? 'A submission is answered at the end of its task, unless `Prefer` asks for less.'
    : 'A submission is answered 202 at once, unless `Prefer: wait=N` asks for more.'
  const always =
    'A task of another principal is answered as one that does not exist. ' +
    'Every error is `application/problem+json` (RFC 9457) with `retryable`. Any method that a resource has not is ' +
    'answered 405 with `Allow`, and OPTIONS 204 with `Allow`, without a token. HEAD is there where GET is. What no ' +
    'request should be is answered by HTTP itself, without such a document: 400 no HTTP, 408 too slow, 417 an ' +
    'expectation, 431 headers of more than 16 KiB. Where pages of other origins are let in, answers have the headers of CORS.'
  return [submissions, stream, socket, always].join('\n\n')
}

const id = taskId
const after = parameter(
  'query',
  'after',
  { type: 'integer', minimum: 0, maximum: 999_999_999 },
  'The `seq` of the last event, or the `version` of the task, that is known: what is newer is wanted',
)

function paths(served: Served): object {
  return {
    '/v1/tasks': { post: submitOperation() },
    '/v1/tasks/{id}': { get: readOperation() },
    '/v1/tasks/{id}/events': { get: eventsOperation(served) },
    '/v1/tasks/{id}:cancel': {
      post: operation('tasks', 'cancelTask', 'Ask for cancellation; asked again, it is the same wish', {
        scope: 'tasks:cancel',
        parameters: [id, wanted],
        responses: {
          200: taskAnswer('The task had ended'),
          202: taskAnswer('Cancelling; its log says what came of it'),
          ...problems(400, 404, 410, 412),
        },
      }),
    },
    ...controlPaths(),
    ...accountPaths(),
    ...deliveryPaths(),
    '/healthz': { get: open('health', 'The node serves', healthSchema) },
    '/openapi.json': { get: open('openapi', 'This document', { type: 'object' }) },
    '/problems/{kind}': { get: problemOperation() },
  }
}

const healthSchema = {
  type: 'object',
  required: ['status', 'node'],
  properties: {
    status: { const: 'ok' },
    node: { type: 'string' },
    system: { type: 'string' },
    start: { type: 'string' },
  },
}

function problemOperation(): object {
  const kind = parameter('path', 'kind', { type: 'string' }, 'The last part of a problem’s `type`')
  const known = open('problem', 'What a problem type means', reference('Problem'))
  return { ...known, parameters: [kind], responses: { ...known.responses, ...problems(404) } }
}

function submitOperation(): object {
  const key = required(
    parameter(
      'header',
      'Idempotency-Key',
      // A Structured Field string, or the bare text.
      { type: 'string', pattern: '^([!#-~]{1,128}|"[!#-~]{1,128}")$' },
      'One key is one task, however often it is submitted: 1 to 128 visible ASCII characters, in quotation marks or not',
    ),
  )
  const prefer = parameter(
    'header',
    'Prefer',
    { type: 'string', examples: ['respond-async', 'wait=20', 'respond-async, wait=20'] },
    'RFC 7240. `wait=N`: the result is wanted in the answer if it is there within N seconds, else 202. `respond-async`: 202',
  )
  const sent = { ...header('Location'), ...header('Idempotent-Replayed'), ...header('Preference-Applied') }
  return operation('tasks', 'submitTask', 'Submit a task: it is durable before the answer', {
    scope: 'tasks:submit',
    parameters: [key, prefer],
    requestBody: { required: true, content: { 'application/json': { schema: reference('TaskRequest') } } },
    responses: {
      200: { ...taskAnswer('It has ended, and was waited for', sent), links: links() },
      202: { ...taskAnswer('Accepted', sent), links: links() },
      ...problems(400, 410, 413, 415, 422, 501),
      // The task is there, and its end was waited for in vain.
      500: withHeaders(problems(500)[500]!, { ...header('Cache-Control'), ...sent }),
      503: withHeaders(problems(503)[503]!, { ...header('Cache-Control'), ...sent }),
    },
  })
}

/** What can be asked of a task, by its id. */
function links(): object {
  const operations = ['readTask', 'readEvents', 'readContext', 'putCommand', 'cancelTask', 'readDeliveries']
  const link = (operationId: string) => ({ operationId, parameters: { id: '$response.body#/task_id' } })
  return Object.fromEntries(operations.map((operationId) => [operationId, link(operationId)]))
}

function readOperation(): object {
  const wait = parameter(
    'query',
    'wait',
    { type: 'number', minimum: 0, maximum: 999_999 },
    'Long poll: with `after` or If-None-Match the answer is held until the task is newer, for at most so many seconds, or 25',
  )
  const known = parameter('header', 'If-None-Match', { type: 'string' }, 'ETag that is known')
  return operation('tasks', 'readTask', 'The task now, or as soon as it changed', {
    scope: 'tasks:read',
    parameters: [id, after, wait, known, wanted],
    responses: {
      200: taskAnswer('The task'),
      304: withHeaders({ description: 'Not changed' }, taskHeaders),
      ...problems(400, 404, 410, 412),
    },
  })
}

function eventsOperation({ streams }: Served): object {
  const page = {
    type: 'object',
    required: ['events'],
    additionalProperties: false,
    properties: { events: { type: 'array', items: reference('TaskEvent') } },
  }
  const lastId = parameter(
    'header',
    'Last-Event-ID',
    { type: 'string' },
    'Of a stream that broke: it resumes after the furthest place that this and `after` name, or begins anew with `stream.reset`',
  )
  const content = {
    'application/json': { schema: page },
    ...(streams && { 'text/event-stream': { schema: { type: 'string' } } }),
  }
  const sent = { ...header('Cache-Control'), ...(streams && header('X-Accel-Buffering')) }
  const nothing = { 204: { description: 'Of a stream: the cursor is at the terminal event, nothing can follow' } }
  return operation('tasks', 'readEvents', streams ? 'The log, as a page or as it grows' : 'The log, as a page', {
    scope: 'tasks:read',
    parameters: [id, after, ...(streams ? [lastId] : [])],
    responses: {
      200: withHeaders({ description: 'Events in order, without gaps', content }, sent),
      ...(streams && nothing),
      ...problems(400, 404, ...(streams ? [] : [406]), 410),
    },
  })
}
