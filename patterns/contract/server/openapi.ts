import { z } from 'zod'
import { callbackDelivery, deliveryStatus } from '../types/callback.ts'
import { taskEvent } from '../types/events.ts'
import { problem, problemMediaType } from '../types/problems.ts'
import { task, taskRequest } from '../types/task.ts'

const schemas = {
  Task: task,
  TaskRequest: taskRequest,
  TaskEvent: taskEvent,
  Delivery: callbackDelivery,
  Problem: problem,
}

/** The API as an OpenAPI 3.1 document, from the schemas that validate it; made once, as anybody may ask for it. */
export function openApiText(): string {
  return (text ??= JSON.stringify(describeApi()))
}
let text: string | undefined

function describeApi(): object {
  return {
    openapi: '3.1.0',
    info: { title: 'outlast task API', version: '1', description: 'Long agent tasks behind one resource.' },
    security: [{ bearer: [] }],
    paths: paths(),
    components: {
      securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } },
      schemas: Object.fromEntries(Object.entries(schemas).map(([name, schema]) => [name, jsonSchema(schema)])),
    },
  }
}

function paths(): object {
  const id = parameter('path', 'id', { type: 'string' }, 'Task id')
  const after = parameter(
    'query',
    'after',
    { type: 'integer', minimum: 0 },
    'Only what is newer than this sequence number',
  )
  return {
    '/v1/tasks': { post: submitOperation() },
    '/v1/tasks/{id}': { get: readOperation(id, after) },
    '/v1/tasks/{id}/events': { get: eventsOperation(id, after) },
    '/v1/tasks/{id}/ws': { get: socketOperation(id) },
    '/v1/tasks/{id}:cancel': {
      post: operation('cancelTask', 'Ask for cancellation', {
        parameters: [id],
        responses: { 200: taskAnswer('Already final'), 202: taskAnswer('Cancelling'), ...problems(404) },
      }),
    },
    ...deliveryPaths(id),
    '/healthz': { get: open('health', 'The node serves', { type: 'object' }) },
    '/openapi.json': { get: open('openapi', 'This document', { type: 'object' }) },
    '/problems/{kind}': {
      get: {
        ...open('problem', 'What a problem type means', reference('Problem')),
        parameters: [parameter('path', 'kind', { type: 'string' }, 'Last part of a problem’s type')],
      },
    },
  }
}

function submitOperation(): object {
  const header = parameter('header', 'Idempotency-Key', { type: 'string', maxLength: 128 }, 'One key is one task')
  const key = { ...header, required: true }
  return operation('submitTask', 'Submit a task: it is durable before the answer', {
    parameters: [key],
    requestBody: { required: true, content: { 'application/json': { schema: reference('TaskRequest') } } },
    responses: {
      200: taskAnswer('Held until the end, by deliveries that hold'),
      202: taskAnswer('Accepted; Location names the task'),
      ...problems(400, 413, 415, 422, 503),
    },
  })
}

function readOperation(...[id, after]: readonly object[]): object {
  const wait = parameter('query', 'wait', { type: 'number', minimum: 0 }, 'Long poll: at most so many seconds')
  return operation('readTask', 'The task now, or as soon as it changed', {
    parameters: [id, after, wait, parameter('header', 'If-None-Match', { type: 'string' }, 'ETag that is known')],
    responses: { 200: taskAnswer('The task'), 304: { description: 'Not changed' }, ...problems(400, 404) },
  })
}

function eventsOperation(...[id, after]: readonly object[]): object {
  const page = {
    type: 'object',
    required: ['events'],
    properties: { events: { type: 'array', items: reference('TaskEvent') } },
  }
  const content = { 'application/json': { schema: page }, 'text/event-stream': { schema: { type: 'string' } } }
  return operation('readEvents', 'The task’s log, as a page or, where the delivery streams, as it grows', {
    parameters: [
      id,
      after,
      parameter('header', 'Last-Event-ID', { type: 'string' }, 'Sequence number to resume after'),
    ],
    responses: {
      200: { description: 'Events in order, without gaps', content },
      204: { description: 'The cursor is at the terminal event: nothing will follow' },
      ...problems(400, 404, 406),
    },
  })
}

function socketOperation(id: object): object {
  const summary = 'A WebSocket, where the delivery opens one: hello with last_seq, then the events after it'
  const responses = { 101: { description: 'Each text message is a TaskEvent' }, ...problems(404, 406, 426) }
  return operation('openSocket', summary, { parameters: [id], responses })
}

/** Answered where the engine keeps a record of callbacks; elsewhere 501. */
function deliveryPaths(id: object): object {
  const status = parameter('query', 'status', jsonSchema(deliveryStatus), 'Only those of this status')
  const after = parameter('query', 'after', { type: 'string' }, 'The `next` of the page before')
  const delivery = parameter('path', 'delivery_id', { type: 'string' }, 'The webhook-id')
  const content = { 'application/json': { schema: reference('Delivery') } }
  return {
    '/v1/deliveries': {
      get: operation('listDeliveries', 'Callbacks by task id; status=dead are the dead letters', {
        parameters: [status, after],
        responses: { 200: deliveryPage(), ...problems(400, 501) },
      }),
    },
    '/v1/tasks/{id}/deliveries': {
      get: operation('readDeliveries', 'The task’s callback and every attempt to post it', {
        parameters: [id, status],
        responses: { 200: deliveryPage(), ...problems(400, 404, 501) },
      }),
    },
    '/v1/tasks/{id}/deliveries/{delivery_id}:replay': {
      post: operation('replayDelivery', 'Post it once more, beside the schedule', {
        parameters: [id, delivery],
        responses: { 202: { description: 'The delivery before the attempt', content }, ...problems(404, 501) },
      }),
    },
  }
}

function deliveryPage(): object {
  const deliveries = { type: 'array', items: reference('Delivery') }
  const schema = { type: 'object', required: ['deliveries'], properties: { deliveries, next: { type: 'string' } } }
  return { description: 'Deliveries; `next` where there may be more', content: { 'application/json': { schema } } }
}

function operation(operationId: string, summary: string, rest: { responses: object; [more: string]: unknown }): object {
  return { operationId, summary, ...rest, responses: { ...rest.responses, ...problems(401, 500) } }
}

/** An operation without authentication. */
function open(operationId: string, summary: string, schema: object): object {
  const content = { 'application/json': { schema } }
  return { operationId, summary, security: [], responses: { 200: { description: summary, content } } }
}

function taskAnswer(description: string): object {
  return { description, content: { 'application/json': { schema: reference('Task') } } }
}

function problems(...statuses: readonly number[]): object {
  const content = { [problemMediaType]: { schema: reference('Problem') } }
  return Object.fromEntries(statuses.map((status) => [status, { description: 'Problem', content }]))
}

/** Optional, but for what is in the path. */
function parameter(where: string, name: string, schema: object, description: string): object {
  return { in: where, name, schema, description, required: where === 'path' }
}

function reference(name: keyof typeof schemas): object {
  return { $ref: `#/components/schemas/${name}` }
}

function jsonSchema(schema: z.ZodType): object {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { target: 'draft-2020-12' })
  return rest
}
