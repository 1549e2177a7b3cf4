import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import type { Backend } from '../engine/backend.ts'
import type { TaskEvent } from '../types/events.ts'
import type { NodeSettings } from '../types/settings.ts'
import { accountRoutes } from './account-routes.ts'
import { bearersOf } from './bearers.ts'
import { type Caller, may } from './caller.ts'
import { cursorOf, flawOfCursor } from './cursor.ts'
import { deliveryRoutes } from './delivery-routes.ts'
import { faultPoint } from '../engine/fault-point.ts'
import { closeWhereDue, requireText, requireToken } from './gates.ts'
import { fullName, healthOf, nameHeader } from '../engine/health.ts'
import { type Held, type Holding, holdUntil, Places, waitForChange } from './follow.ts'
import { accessFor } from './grants.ts'
import { defaultLimits } from './limits.ts'
import {
  requireMatch,
  sayMethods,
  setRetryAfter,
  shareWithPages,
  appliedOf,
  etagOf,
  holdsTag,
  preferenceFor,
  type Preferences,
  preferencesOf,
} from './http-manners.ts'
import { sayApi } from './openapi.ts'
import { openViews } from './principals.ts'
import { limitRate } from './rate-limit.ts'
import { keptFor, requireKeptTask, type RequireKept } from './retention.ts'
import { describeProblem, problemKind, ProblemError, problemMediaType, type Problem } from '../types/problems.ts'
import { toProblem } from './passing.ts'
import { logError, logFailure } from '../engine/log-error.ts'
import { limitBody } from './body.ts'
import { controlRoutes } from './control-routes.ts'
import { fingerprintOf, idempotencyKey, parseRequest, refuseCallback } from './submission.ts'
import { isTerminal, type Task, type TaskRequest } from '../types/task.ts'
import { timingAt, type Timing } from '../types/timing.ts'

/** What a handler of the API needs for one request: `backend` shows what the caller may see. */
export interface Api extends Holding {
  readonly caller: Caller
  readonly settings: NodeSettings
  readonly timing: Timing
  readonly requireKept: RequireKept
}

/** Where a delivery differs from the plain task resource. */
export interface ApiHooks {
  /** Callbacks: the finished task, or a message with it that is signed. By default there are none. */
  readonly callbacks?: 'plain' | 'signed'
  /** Throws a problem for a request that this delivery cannot serve. By default callbacks are refused. */
  readonly admit?: (request: TaskRequest) => void | Promise<void>
  /** A submission is answered at the task's end, unless its client prefers less. By default it is at once, unless its client prefers more. */
  readonly holds?: boolean
  /** Answers a request for `text/event-stream`; without it a page, or 406 for who takes none. */
  readonly stream?: (c: Context, taskId: string, api: Api) => Response | Promise<Response>
  /** Answers a WebSocket handshake; without it 406. */
  readonly socket?: (c: Context, taskId: string, api: Api) => Response | Promise<Response>
}

/** Ids are ours: what cannot be one is asked of no engine. `..` is none: in an address that an engine dials it would be a step. */
const idPattern = String.raw`[\w~-][\w.~-]*`
/** It may come escaped: many libraries escape all that stands between two slashes (RFC 3986, 2.2). */
const colon = '(?::|%3[Aa])'
const taskPath = `/v1/tasks/:id{${idPattern}}`

/**
 * The task resource that every delivery shares: submit, read (conditional, long poll), events, cancel.
 * Every error is `application/problem+json` (RFC 9457); `/v1` needs a bearer token, and shows its bearer's tasks alone.
 */
export function createApi(
  backend: Backend,
  settings: NodeSettings,
  drain: AbortSignal,
  variation: ApiHooks = {},
): Hono {
  const places = new Places((settings.limits ?? defaultLimits).mostHeld)
  const requireKept = keptFor(settings)
  const node = { settings, timing: timingAt(settings.timeScale), drain, places, requireKept }
  const bearers = bearersOf(settings)
  const seenBy = openViews(backend, settings)
  const apiFor = (c: Context): Api => ({ ...node, backend: seenBy(c), caller: c.get('caller')! })
  const app = new Hono()
  app.onError((error, c) => failed(c, error, node))
  app.notFound((c) => sendProblem(c, describeProblem('not-found', asked(c))))
  app.use(sayName(settings), closeWhereDue(bearers, drain), shareWithPages(settings))
  app.get('/healthz', (c) => c.json(healthOf(settings)))
  const { stream, socket, holds = false, callbacks = 'none' } = variation
  app.get('/openapi.json', sayApi({ streams: stream !== undefined, sockets: socket !== undefined, holds, callbacks }))
  app.get('/problems/:kind', (c) => explainProblem(c))
  app.use('/v1/*', requireToken(bearers), limitRate(settings.rate), requireText)
  app.use('/v1/*', passFaultPoints)
  if (settings.retentionS !== undefined) app.use('/v1/tasks/*', requireKeptTask(seenBy, requireKept))
  app.post('/v1/tasks', may('tasks:submit'), limitBody, async (c) => submit(c, apiFor(c), variation))
  app.get(taskPath, may('tasks:read'), async (c) => readTask(c, apiFor(c)))
  app.get(`${taskPath}/events`, may('tasks:read'), async (c) => readEvents(c, apiFor(c), variation))
  app.get(`${taskPath}/ws`, may('tasks:read'), async (c) => openSocket(c, apiFor(c), variation))
  app.post(`/v1/tasks/:target{${idPattern}${colon}cancel}`, may('tasks:cancel'), async (c) => cancelTask(c, apiFor(c)))
  app.route('/v1', accountRoutes(seenBy))
  app.route('/v1', controlRoutes(seenBy, idPattern))
  app.route('/v1', deliveryRoutes(seenBy, idPattern, colon))
  sayMethods(app, (c) => sendProblem(c, describeProblem('method-not-allowed', asked(c))))
  return app
}

/** A representation of the task, with its validator and the advice when to come back. */
export function sendTask(c: Context, task: Task, status: 200 | 202, timing: Timing): Response {
  setTaskHeaders(c, task, timing.retryAfterMs)
  return c.json(task, status)
}

/** The task, or the problem `not-found`. */
export async function requireTask(api: Api, taskId: string): Promise<Task> {
  const task = await api.backend.read(taskId)
  if (!task) throw new ProblemError('not-found', `task ${taskId} is not known here`, taskId)
  return task
}

export function sendProblem(c: Context, problem: Problem): Response {
  c.header('Cache-Control', 'no-store')
  c.header('Content-Type', problemMediaType)
  return c.body(JSON.stringify(problem), problem.status as 400)
}

function setTaskHeaders(c: Context, task: Task, retryAfterMs: number): void {
  c.header('ETag', etagOf(task))
  c.header('Cache-Control', 'no-store')
  if (!isTerminal(task.status)) setRetryAfter(c, retryAfterMs)
}

async function submit(c: Context, api: Api, variation: ApiHooks): Promise<Response> {
  const key = idempotencyKey(c.req.header('Idempotency-Key'))
  const request = await parseRequest(c)
  const access = accessFor(c, request, api.settings)
  const admit: NonNullable<ApiHooks['admit']> = variation.admit ?? refuseCallback
  await admit(request)
  const submission = { key, fingerprint: fingerprintOf(request), request, ...(access && { access }) }
  const { task, replayed } = await api.backend.submit(submission)
  api.requireKept(task)
  c.header('Location', task.links.self)
  if (replayed) c.header('Idempotent-Replayed', 'true')
  return answerSubmission(c, task, api, variation)
}

/**
 * 200 with the task that has ended, or 202 with what it is now. Where neither 202 nor a time limit was asked for, a
 * delivery that holds has no other answer than the end: 503 then, when the node must go first.
 */
async function answerSubmission(c: Context, task: Task, api: Api, { holds = false }: ApiHooks): Promise<Response> {
  const preferences = preferencesOf(c.req.header('Prefer'))
  const mustEnd = holds && !preferences.respondAsync && preferences.waitMs === undefined
  const waitMs = preferences.waitMs ?? 0
  const { now, held } =
    mustEnd || waitMs > 0
      ? await untilEnd(c, task, api, mustEnd ? undefined : waitMs)
      : { now: task, held: 'over' as const }
  const isResult = isTerminal(now.status) && (mustEnd || waitMs > 0)
  if (!isResult && (mustEnd || (holds && !preferences.respondAsync && api.drain.aborted)))
    throw new ProblemError('temporary-reduced-capacity', `${whyNotHeld(held)}: repeat with the same key`, task.task_id)
  const wasWaited = isResult || waitMs === 0 || held === 'enough' || held === 'over'
  return sendAnswer(c, now, isResult ? 200 : 202, {
    api,
    preferences: wasWaited ? preferences : { ...preferences, waitMs: undefined },
  })
}

function sendAnswer(
  c: Context,
  task: Task,
  status: 200 | 202,
  { api, preferences }: { readonly api: Api; readonly preferences: Preferences },
): Response {
  const applied = appliedOf(preferences, status)
  if (applied !== undefined) c.header('Preference-Applied', applied)
  return sendTask(c, task, status, api.timing)
}

function whyNotHeld(held: Held): string {
  return held === 'full' ? 'the node holds as many answers as it may' : 'the node is leaving'
}

async function untilEnd(
  c: Context,
  { task_id }: Task,
  api: Api,
  limitMs: number | undefined,
): Promise<{ readonly now: Task; readonly held: Held }> {
  const isEnough = ({ status }: TaskEvent): boolean => isTerminal(status)
  const held = await holdUntil(c, api, { task_id, version: 0 }, { isEnough, limitMs })
  return { now: await requireTask(api, task_id), held }
}

async function readTask(c: Context, api: Api): Promise<Response> {
  const { task, isPaced } = await waitForChange(c, api, await requireTask(api, c.req.param('id')!))
  requireMatch(c, etagOf(task), task.task_id)
  setTaskHeaders(c, task, isPaced ? 0 : api.timing.retryAfterMs)
  if (holdsTag(c.req.header('If-None-Match') ?? '', etagOf(task), 'weakly')) return c.body(null, 304)
  return c.json(task)
}

async function readEvents(c: Context, api: Api, variation: ApiHooks): Promise<Response> {
  const taskId = c.req.param('id')!
  const { wantsStream, takesPage } = preferenceFor(c.req.header('Accept'))
  if (wantsStream && variation.stream) return variation.stream(c, taskId, api)
  if (wantsStream && !takesPage)
    throw new ProblemError('not-acceptable', 'this server does not stream events; ask for JSON', taskId)
  const after = cursorOf(c.req.query('after'))
  const events = await api.backend.events(taskId, after)
  if (!events) throw new ProblemError('not-found', `task ${taskId} is not known here`, taskId)
  if (events.length === 0 && after > 0) await requirePlace(api, taskId, after)
  c.header('Cache-Control', 'no-store')
  return c.json({ events })
}

function openSocket(c: Context, api: Api, { socket }: ApiHooks): Response | Promise<Response> {
  const taskId = c.req.param('id')!
  if (socket) return socket(c, taskId, api)
  throw new ProblemError('not-acceptable', 'this server opens no sockets; ask for the task or its events', taskId)
}

async function cancelTask(c: Context, api: Api): Promise<Response> {
  const taskId = c.req.param('target')!.replace(/:cancel$/, '')
  if (c.req.header('If-Match') !== undefined) requireMatch(c, etagOf(await requireTask(api, taskId)), taskId)
  const task = await api.backend.cancel(taskId)
  if (!task) throw new ProblemError('not-found', `task ${taskId} is not known here`, taskId)
  return sendTask(c, task, isTerminal(task.status) ? 200 : 202, api.timing)
}

/** An empty page is right at the end of the log, and nowhere else. */
async function requirePlace(api: Api, taskId: string, after: number): Promise<void> {
  const { version } = await requireTask(api, taskId)
  const flaw = flawOfCursor(after, version)
  if (flaw) throw new ProblemError('validation', `after: ${flaw}`, taskId)
}

/** Before the answer is made: streams send their headers themselves. */
function sayName(settings: NodeSettings) {
  const name = fullName(settings)
  return async (c: Context, next: () => Promise<void>): Promise<void> => {
    if (name !== undefined) c.header(nameHeader, name)
    return next()
  }
}

/** Around what a command is answered with: before it goes out, and after it went. */
async function passFaultPoints(c: Context, next: () => Promise<void>): Promise<void> {
  await next()
  if (c.req.method !== 'POST') return
  faultPoint('api.answer.before')
  const { outgoing } = (c.env ?? {}) as Partial<HttpBindings>
  outgoing?.once('finish', () => faultPoint('api.answer.after'))
}

/** For answers and logs: no more than it takes to know what was meant. */
function asked(c: Context): string {
  return `${c.req.method} ${c.req.path.slice(0, 200)}`
}

function failed(c: Context, error: Error, { settings, drain }: Pick<Api, 'settings' | 'drain'>): Response {
  // What it works with closes as well when a node leaves.
  const isLeaving = drain.aborted && !(error instanceof ProblemError)
  const problem = isLeaving ? describeProblem('interrupted') : toProblem(error)
  const where = asked(c)
  if (problem.status === 500) logError(settings.node, where, error)
  else if (!(error instanceof ProblemError) || error.cause !== undefined) logFailure(settings.node, where, error)
  return sendProblem(c, problem)
}

function explainProblem(c: Context): Response {
  const kind = problemKind(c.req.param('kind')!)
  if (!kind) throw new ProblemError('not-found', c.req.path)
  return c.json(describeProblem(kind))
}
