import { createHash, timingSafeEqual } from 'node:crypto'
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { profiles } from '../agent/profiles.ts'
import type { Backend, NodeSettings } from './backend.ts'
import { deliveryRoutes } from './delivery-routes.ts'
import { faultPoint } from './fault-point.ts'
import { fullName, healthOf, nameHeader } from './health.ts'
import { requestedWaitMs, waitForChange } from './long-poll.ts'
import { openApiDocument } from './openapi.ts'
import { describeProblem, problemKind, ProblemError, problemMediaType, toProblem, type Problem } from './problems.ts'
import { reportError } from './report.ts'
import { isTerminal, taskRequest, type Task, type TaskRequest } from './task.ts'
import { timingAt, type Timing } from './timing.ts'

/** What a request handler of the API needs. */
export interface Api {
  readonly backend: Backend
  readonly settings: NodeSettings
  readonly timing: Timing
  /** Aborts when the node is told to go: held requests are answered at once. */
  readonly drain: AbortSignal
}

/** Where a delivery differs from the plain task resource. */
export interface Variation {
  /** Throws a problem for a request that this delivery cannot serve. By default callbacks are refused. */
  readonly admit?: (request: TaskRequest) => void | Promise<void>
  /** Answers a submission that is durable; by default 202. */
  readonly answer?: (c: Context, submitted: Submitted, api: Api) => Response | Promise<Response>
  /** Answers a request for `text/event-stream`; without it 406. */
  readonly stream?: (c: Context, taskId: string, api: Api) => Response | Promise<Response>
  /** Answers a WebSocket handshake; without it 406. */
  readonly socket?: (c: Context, taskId: string, api: Api) => Response | Promise<Response>
}

export interface Submitted {
  readonly task: Task
  readonly replayed: boolean
}

const bodyLimitBytes = 65_536
const taskPath = '/v1/tasks/:id{[^/:]+}'

/**
 * The task resource that every delivery shares: submit, read (conditional, long poll), events, cancel.
 * Every error is `application/problem+json` (RFC 9457); `/v1` needs the bearer token.
 */
export function createApi(
  backend: Backend,
  settings: NodeSettings,
  drain: AbortSignal,
  variation: Variation = {},
): Hono {
  const api: Api = { backend, settings, timing: timingAt(settings.timeScale), drain }
  const app = new Hono()
  app.onError((error, c) => failed(c, error, settings))
  app.notFound((c) => sendProblem(c, describeProblem('not-found', `${c.req.method} ${c.req.path}`)))
  const name = fullName(settings)
  app.use(async (c, next) => {
    await next()
    if (name !== undefined) c.header(nameHeader, name)
    // A kept connection would go on asking a node that is leaving.
    if (drain.aborted) c.header('Connection', 'close')
  })
  app.get('/healthz', (c) => c.json(healthOf(settings)))
  app.get('/openapi.json', (c) => c.json(openApiDocument()))
  app.get('/problems/:kind', (c) => explainProblem(c))
  app.use('/v1/*', requireToken(settings.token))
  app.use('/v1/*', passFaultPoints)
  app.post('/v1/tasks', limitBody, async (c) => submit(c, api, variation))
  app.get(taskPath, async (c) => readTask(c, api))
  app.get(`${taskPath}/events`, async (c) => readEvents(c, api, variation))
  app.get(`${taskPath}/ws`, async (c) => openSocket(c, api, variation))
  app.post('/v1/tasks/:target{[^/:]+:cancel}', async (c) => cancelTask(c, api))
  app.route('/v1', deliveryRoutes(backend))
  for (const path of paths)
    app.all(path, (c) => sendProblem(c, describeProblem('method-not-allowed', `${c.req.method} ${c.req.path}`)))
  return app
}

/** What answers 405 to any other method than its own. */
const paths = [
  '/healthz',
  '/openapi.json',
  '/v1/tasks',
  '/v1/deliveries',
  taskPath,
  ...['events', 'ws', 'deliveries'].map((part) => `${taskPath}/${part}`),
]

/** A representation of the task, with its validator and the advice when to come back. */
export function sendTask(c: Context, task: Task, status: 200 | 202, timing: Timing): Response {
  setTaskHeaders(c, task, timing.retryAfterMs)
  return c.json(task, status)
}

/** Advice in whole seconds, as RFC 9110 wants it, and exactly, for clients that know the finer header. */
export function setRetryAfter(c: Context, delayMs: number): void {
  c.header('Retry-After', String(Math.ceil(delayMs / 1000)))
  c.header('Retry-After-Ms', String(Math.round(delayMs)))
}

/** The task, or the problem `not-found`. */
export async function requireTask(api: Api, taskId: string): Promise<Task> {
  const task = await api.backend.read(taskId)
  if (!task) throw new ProblemError('not-found', `task ${taskId} is not known here`, taskId)
  return task
}

export function sendProblem(c: Context, problem: Problem): Response {
  c.header('Cache-Control', 'no-store')
  if (problem.status === 401) c.header('WWW-Authenticate', 'Bearer')
  c.header('Content-Type', problemMediaType)
  return c.body(JSON.stringify(problem), problem.status as 400)
}

function setTaskHeaders(c: Context, task: Task, retryAfterMs: number): void {
  c.header('ETag', etagOf(task))
  c.header('Cache-Control', 'no-store')
  if (!isTerminal(task.status)) setRetryAfter(c, retryAfterMs)
}

function etagOf(task: Task): string {
  return `"${task.version}"`
}

async function submit(c: Context, api: Api, variation: Variation): Promise<Response> {
  const key = idempotencyKey(c.req.header('Idempotency-Key'))
  const request = await parseRequest(c)
  await (variation.admit ?? refuseCallback)(request)
  const submitted = await api.backend.submit({ key, fingerprint: fingerprintOf(request), request })
  c.header('Location', submitted.task.links.self)
  if (submitted.replayed) c.header('Idempotent-Replayed', 'true')
  return variation.answer ? variation.answer(c, submitted, api) : sendTask(c, submitted.task, 202, api.timing)
}

async function readTask(c: Context, api: Api): Promise<Response> {
  const task = await waitForChange(c, api, await requireTask(api, c.req.param('id')!))
  // A long poll is paced by the server's holding: its client may come back at once.
  setTaskHeaders(c, task, requestedWaitMs(c) > 0 && !api.drain.aborted ? 0 : api.timing.retryAfterMs)
  const known = c.req.header('If-None-Match')?.split(',') ?? []
  if (known.some((etag) => etag.trim().replace(/^W\//, '') === etagOf(task))) return c.body(null, 304)
  return c.json(task)
}

async function readEvents(c: Context, api: Api, variation: Variation): Promise<Response> {
  const taskId = c.req.param('id')!
  const wantsStream = c.req.header('Accept')?.includes('text/event-stream') ?? false
  if (wantsStream && variation.stream) return variation.stream(c, taskId, api)
  if (wantsStream) throw new ProblemError('not-acceptable', 'this server does not stream events; ask for JSON', taskId)
  const events = await api.backend.events(taskId, cursorOf(c.req.query('after')))
  if (!events) throw new ProblemError('not-found', `task ${taskId} is not known here`, taskId)
  c.header('Cache-Control', 'no-store')
  return c.json({ events })
}

function openSocket(c: Context, api: Api, { socket }: Variation): Response | Promise<Response> {
  const taskId = c.req.param('id')!
  if (socket) return socket(c, taskId, api)
  throw new ProblemError('not-acceptable', 'this server opens no sockets; ask for the task or its events', taskId)
}

async function cancelTask(c: Context, api: Api): Promise<Response> {
  const taskId = c.req.param('target')!.replace(/:cancel$/, '')
  const task = await api.backend.cancel(taskId)
  if (!task) throw new ProblemError('not-found', `task ${taskId} is not known here`, taskId)
  return sendTask(c, task, isTerminal(task.status) ? 200 : 202, api.timing)
}

/** A place in a task's log: events after it are wanted. */
export function cursorOf(text: string | undefined): number {
  if (text === undefined || text === '') return 0
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw new ProblemError('validation', `"${text}" is not a sequence number`)
}

/** A Structured Field string, as the draft wants it, or the bare text that most APIs take. */
function idempotencyKey(header: string | undefined): string {
  if (!header) throw new ProblemError('idempotency-key-missing', 'send a unique Idempotency-Key with every submission')
  const key = header.replace(/^"(.*)"$/, '$1')
  if (/^[\x21-\x7e]{1,128}$/.test(key) && !key.includes('"')) return key
  throw new ProblemError('validation', 'Idempotency-Key: 1 to 128 visible ASCII characters')
}

async function parseRequest(c: Context): Promise<TaskRequest> {
  if (!/^application\/([\w.-]+\+)?json\b/i.test(c.req.header('Content-Type') ?? ''))
    throw new ProblemError('unsupported-media-type', 'send application/json')
  const body = await c.req.json().catch(() => {
    throw new ProblemError('validation', 'the body is not JSON')
  })
  const parsed = taskRequest.safeParse(body)
  if (!parsed.success) throw new ProblemError('validation', explainIssues(parsed.error.issues))
  if (profiles.has(parsed.data.input.profile)) return parsed.data
  throw new ProblemError('validation', `input.profile: one of ${[...profiles.keys()].join(', ')}`)
}

function explainIssues(issues: readonly { path: readonly PropertyKey[]; message: string }[]): string {
  return issues.map((issue) => `${issue.path.map(String).join('.') || 'body'}: ${issue.message}`).join('; ')
}

function refuseCallback(request: TaskRequest): void {
  if (request.delivery) throw new ProblemError('validation', 'delivery: this server posts no callbacks')
}

/** Equal for requests that mean the same: key order and spelling of the JSON do not count. */
function fingerprintOf(request: TaskRequest): string {
  return createHash('sha256').update(canonical(request)).digest('hex')
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  const fields = Object.entries(value).filter(([, field]) => field !== undefined)
  return `{${fields
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`)
    .join()}}`
}

function requireToken(token: string) {
  const expected = digest(`Bearer ${token}`)
  return async (c: Context, next: () => Promise<void>): Promise<void> => {
    // Digests have one length, so that the comparison takes the same time for every wrong token.
    if (timingSafeEqual(digest(c.req.header('Authorization') ?? ''), expected)) return next()
    throw new ProblemError('unauthorized', 'send Authorization: Bearer <token>')
  }
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** Around what a command is answered with: before it goes out, and after it went. */
async function passFaultPoints(c: Context, next: () => Promise<void>): Promise<void> {
  await next()
  if (c.req.method !== 'POST') return
  faultPoint('api.answer.before')
  const { outgoing } = (c.env ?? {}) as Partial<HttpBindings>
  outgoing?.once('finish', () => faultPoint('api.answer.after'))
}

const limitBody = bodyLimit({
  maxSize: bodyLimitBytes,
  onError: (c) => sendProblem(c, describeProblem('body-too-large', `at most ${bodyLimitBytes} bytes`)),
})

function failed(c: Context, error: Error, settings: NodeSettings): Response {
  const problem = toProblem(error)
  if (problem.status === 500) reportError(settings.node, `${c.req.method} ${c.req.path}`, error)
  return sendProblem(c, problem)
}

function explainProblem(c: Context): Response {
  const kind = problemKind(c.req.param('kind')!)
  if (!kind) throw new ProblemError('not-found', c.req.path)
  return c.json(describeProblem(kind))
}
