import { deliveryStatus } from '../types/callback.ts'
import {
  answer,
  jsonSchema,
  operation,
  parameter,
  problems,
  reference,
  required,
  taskId,
  withHeaders,
} from './openapi-parts.ts'

/** What a delivery serves beyond the plain task resource. */
export interface Served {
  readonly streams: boolean
  readonly sockets: boolean
  /** Submissions are answered at the end, by default. */
  readonly holds: boolean
  /** Where it posts callbacks: the task itself, or a signed message (Standard Webhooks). */
  readonly callbacks: 'none' | 'plain' | 'signed'
}

/** Of an address: UTF-8 without U+0000. */
const storableText = { type: 'string', pattern: '^[^\\u0000]*$' }

/** Answered where the engine keeps a record of callbacks; elsewhere 501. */
export function deliveryPaths(): object {
  const status = parameter('query', 'status', jsonSchema(deliveryStatus), 'Only those of this status')
  const from = parameter('query', 'after', storableText, 'The `next` of the page before')
  const which = parameter(
    'path',
    'delivery_id',
    { type: 'string', pattern: '^[A-Za-z0-9_~-][A-Za-z0-9_.~-]*$' },
    'The webhook-id',
  )
  const list = { type: 'array', items: reference('Delivery') }
  const page = { type: 'object', required: ['deliveries'], properties: { deliveries: list, next: { type: 'string' } } }
  return {
    '/v1/deliveries': {
      get: operation('callbacks', 'listDeliveries', 'Callbacks by task id; status=dead are the dead letters', {
        scope: 'tasks:read',
        parameters: [status, from],
        responses: {
          200: withHeaders(answer('A hundred of them at most, and `next` where there are more', page)),
          ...problems(400, 501),
        },
      }),
    },
    '/v1/tasks/{id}/deliveries': {
      get: operation('callbacks', 'readDeliveries', 'The task’s callback and every attempt to post it', {
        scope: 'tasks:read',
        parameters: [taskId, status],
        responses: {
          200: withHeaders(answer('None before the task has ended', page)),
          ...problems(400, 404, 410, 501),
        },
      }),
    },
    '/v1/tasks/{id}/deliveries/{delivery_id}:replay': {
      post: operation('callbacks', 'replayDelivery', 'Post it once more, beside the schedule', {
        scope: 'tasks:submit',
        parameters: [taskId, which],
        responses: {
          202: withHeaders(answer('The delivery before the attempt', reference('Delivery'))),
          ...problems(400, 404, 410, 501),
        },
      }),
    },
  }
}

/** What a receiver must expect. */
export function webhooks({ callbacks }: Served): object {
  const isSigned = callbacks === 'signed'
  const messageId = required(
    parameter('header', 'webhook-id', { type: 'string' }, 'The same at every attempt: remove repetitions by it'),
  )
  const signature = [
    required(
      parameter(
        'header',
        'webhook-timestamp',
        { type: 'string', pattern: '^\\d+$' },
        'Of this attempt, in seconds since 1970',
      ),
    ),
    required(
      parameter(
        'header',
        'webhook-signature',
        { type: 'string' },
        '`v1,…` over id, timestamp and body (Standard Webhooks 1.0.0)',
      ),
    ),
  ]
  const message = {
    type: 'object',
    required: ['type', 'timestamp', 'data'],
    properties: {
      type: { type: 'string' },
      timestamp: { type: 'string', format: 'date-time' },
      data: reference('Task'),
    },
  }
  const taskEnded = {
    ...asked('taskEnded', 'A task has ended'),
    parameters: [messageId, ...(isSigned ? signature : [])],
    requestBody: {
      required: true,
      content: { 'application/json': { schema: isSigned ? message : reference('Task') } },
    },
    responses: { '2XX': { description: 'Taken' }, ...(isSigned ? signedRefusals : plainRefusals) },
  }
  return { taskEnded: { post: taskEnded }, ...(isSigned && { consent: { options: consentOperation() } }) }
}

const later = { description: 'Not now: it comes again, for three days' }
const refused = { description: 'Refused: it comes again for an hour, and no more where nothing else was answered' }
const never = { description: 'Refused once for all: it does not come again' }
const plainRefusals = { default: { description: 'Refused; there is no second attempt' } }
const signedRefusals = {
  ...each([405, 413, 414, 415, 431, 501, 505], never),
  ...each([408, 409, 421, 423, 425, 429], later),
  410: { description: 'The endpoint is gone: nothing more is sent there' },
  '3XX': refused,
  '4XX': refused,
  default: later,
}

function each(statuses: readonly number[], response: object): object {
  return Object.fromEntries(statuses.map((status) => [status, response]))
}

/** An operation of a receiver. */
function asked(operationId: string, summary: string): object {
  return { operationId, tags: ['callbacks'], summary, security: [] }
}

function consentOperation(): object {
  const origin = required(parameter('header', 'WebHook-Request-Origin', { const: 'outlast' }, 'Who asks'))
  const allowed = {
    'WebHook-Allowed-Origin': { required: true, description: '`outlast`, or `*`', schema: { type: 'string' } },
  }
  const responses = { '2XX': { description: 'Yes', headers: allowed }, '4XX': { description: 'No' } }
  const question = 'Before the first task that names an origin: are messages wanted there?'
  return { ...asked('askConsent', question), parameters: [origin], responses }
}
