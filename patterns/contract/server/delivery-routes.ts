import { Hono, type Context } from 'hono'
import type { Backend, Deliveries } from '../engine/backend.ts'
import { deliveryStatus, type CallbackDelivery, type DeliveryStatus } from '../types/callback.ts'
import { ProblemError } from '../types/problems.ts'
import { may } from './caller.ts'
import type { SeenBy } from './principals.ts'

/** Deliveries in one answer of the list. */
const pageSize = 100

/**
 * The callbacks on record, under `/v1`, and sending one again by hand. Where the engine keeps no record of them every
 * answer is the problem `not-supported`.
 */
export function deliveryRoutes(seenBy: SeenBy, idPattern: string, colon: string): Hono {
  const taskPath = `/tasks/:id{${idPattern}}/deliveries`
  return new Hono()
    .get('/deliveries', may('tasks:read'), async (c) => listAll(c, seenBy(c)))
    .get(taskPath, may('tasks:read'), async (c) => listOfTask(c, seenBy(c)))
    .post(`${taskPath}/:target{${idPattern}${colon}replay}`, may('tasks:submit'), async (c) => replay(c, seenBy(c)))
}

async function listAll(c: Context, backend: Backend): Promise<Response> {
  const status = statusOf(c)
  const filter = { ...(status && { status }), after: c.req.query('after') ?? '', most: pageSize }
  const deliveries = await deliveriesOf(backend).list(filter)
  const last = deliveries.length === pageSize ? deliveries.at(-1) : undefined
  return send(c, 200, { deliveries, ...(last && { next: last.task_id }) })
}

async function listOfTask(c: Context, backend: Backend): Promise<Response> {
  const status = statusOf(c)
  const deliveries = await requireDeliveries(backend, c.req.param('id')!)
  return send(c, 200, { deliveries: deliveries.filter((delivery) => !status || delivery.status === status) })
}

/** Accepted, not done: the notifier makes the attempt, and the delivery shows its outcome. */
async function replay(c: Context, backend: Backend): Promise<Response> {
  const taskId = c.req.param('id')!
  const id = c.req.param('target')!.replace(/:replay$/, '')
  const delivery = (await requireDeliveries(backend, taskId)).find((known) => known.id === id)
  if (delivery && (await deliveriesOf(backend).replay(taskId))) return send(c, 202, delivery)
  throw new ProblemError('not-found', `task ${taskId} has no delivery ${id}`, taskId)
}

async function requireDeliveries(backend: Backend, taskId: string): Promise<readonly CallbackDelivery[]> {
  const deliveries = await deliveriesOf(backend).ofTask(taskId)
  if (deliveries) return deliveries
  throw new ProblemError('not-found', `task ${taskId} is not known here`, taskId)
}

function deliveriesOf(backend: Backend): Deliveries {
  if (backend.deliveries) return backend.deliveries
  throw new ProblemError('not-supported', 'its callbacks are not on record here')
}

function statusOf(c: Context): DeliveryStatus | undefined {
  const status = c.req.query('status')
  if (status === undefined) return undefined
  const parsed = deliveryStatus.safeParse(status)
  if (parsed.success) return parsed.data
  throw new ProblemError('validation', `status: one of ${deliveryStatus.options.join(', ')}`)
}

function send(c: Context, status: 200 | 202, body: object): Response {
  c.header('Cache-Control', 'no-store')
  return c.json(body, status)
}
