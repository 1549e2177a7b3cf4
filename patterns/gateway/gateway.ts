import { Hono, type Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { errors, jwtVerify } from 'jose'
import { request, type Dispatcher } from 'undici'
import { healthOf } from '../contract/engine/health.ts'
import { logError, logFailure } from '../contract/engine/log-error.ts'
import { grantAudience, type GrantClaims, grantClaims, grantHeader, toolHeader } from '../contract/types/grant.ts'
import { sayMethods } from '../contract/server/http-manners.ts'
import { describeProblem, problemMediaType, ProblemError } from '../contract/types/problems.ts'
import type { GatewaySettings } from './settings.ts'
import { flawOf } from './tool-grant.ts'

/** An effect is a few hundred bytes. */
const mostBytes = 65_536

/** What the clocks of an API node and of ours may differ by. */
const clockToleranceS = 5

/** Longer than an executor waits: it gives up first, and asks again under the same key. */
export const toolTimeoutMs = 60_000

type Gateway = Hono<{ Variables: { grant: GrantClaims } }>

/**
 * Stands between executors and the tool server, and lets through what a task was granted: `POST /effects` with the grant as
 * bearer token. It keeps nothing, so there may be any number of it. What it lets through goes on as it came, but without
 * the grant: the tool server is not trusted with it.
 */
export function createGateway(settings: Omit<GatewaySettings, 'limits'>, dispatcher: Dispatcher): Gateway {
  const app: Gateway = new Hono()
  const limitBody = bodyLimit({
    maxSize: mostBytes,
    onError: () => {
      throw new ProblemError('body-too-large', `at most ${mostBytes} bytes`)
    },
  })
  app.onError((error, c) => failed(c, error, settings.node))
  app.notFound((c) => sendProblem(c, new ProblemError('not-found', 'there is POST /effects, and nothing else')))
  app.get('/healthz', (c) => c.json(healthOf(settings)))
  // First: of who has none no byte of a body is read.
  app.post('/effects', async (c, next) => {
    c.set('grant', await readGrant(c, settings.grantKey))
    return next()
  })
  app.post('/effects', limitBody, async (c) => {
    const grant = c.get('grant')
    const body = await c.req.text()
    const call = { tool: c.req.header(toolHeader), key: c.req.header('Idempotency-Key'), effect: parse(body) }
    const flaw = flawOf(grant, call)
    if (!flaw) return forward(c, body, settings.toolsUrl, dispatcher)
    if (flaw.scope) c.header('WWW-Authenticate', `Bearer error="insufficient_scope", scope="${flaw.scope}"`)
    throw new ProblemError(flaw.kind, flaw.detail, grant.task)
  })
  sayMethods(app, (c) => {
    c.header('Connection', 'close')
    return sendProblem(c, new ProblemError('method-not-allowed', `${c.req.method} ${c.req.path}`))
  })
  return app
}

/** The grant of a call. Throws the problem `unauthorized`: there is none, or it is not ours, or over. */
async function readGrant(c: Context, key: Uint8Array): Promise<GrantClaims> {
  const [, token] = /^bearer +(.+)$/i.exec(c.req.header('Authorization') ?? '') ?? []
  if (token === undefined) {
    c.header('WWW-Authenticate', 'Bearer')
    throw new ProblemError('unauthorized', 'send the grant of the task: Authorization: Bearer <grant>')
  }
  const { alg, typ } = grantHeader
  const wanted = { algorithms: [alg], typ, audience: grantAudience, requiredClaims: ['exp'] }
  try {
    const { payload } = await jwtVerify(token, key, { ...wanted, clockTolerance: clockToleranceS })
    return grantClaims.parse(payload)
  } catch (error) {
    c.header('WWW-Authenticate', 'Bearer error="invalid_token"')
    const flaw = error instanceof errors.JWTExpired ? 'it has expired' : 'it is none of ours'
    throw new ProblemError('unauthorized', `the grant: ${flaw}`)
  }
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

/** What the tool server answers is the answer. Without one nobody knows whether it was done: the executor asks again. */
async function forward(c: Context, body: string, toolsUrl: string, dispatcher: Dispatcher): Promise<Response> {
  const headers = {
    'content-type': 'application/json',
    'idempotency-key': c.req.header('Idempotency-Key')!,
    [toolHeader]: c.req.header(toolHeader)!,
  }
  const limits = { headersTimeout: toolTimeoutMs, bodyTimeout: toolTimeoutMs, signal: c.req.raw.signal }
  try {
    const answer = await request(`${toolsUrl}/effects`, { method: 'POST', headers, body, dispatcher, ...limits })
    const said = await answer.body.text()
    for (const name of ['content-type', 'retry-after', 'retry-after-ms'])
      if (answer.headers[name] !== undefined) c.header(name, answer.headers[name].toString())
    return c.body(said, answer.statusCode as 200)
  } catch (error) {
    throw new ProblemError('interrupted', 'the tool server gave no answer', undefined, { cause: error })
  }
}

function failed(c: Context, error: Error, node: string): Response {
  if (!(error instanceof ProblemError)) {
    logError(node, 'gateway', error)
    return sendProblem(c, new ProblemError('internal', ''))
  }
  if (error.cause !== undefined) logFailure(node, 'gateway', error)
  // Nor is a second request.
  if (error.kind === 'unauthorized') c.header('Connection', 'close')
  return sendProblem(c, error)
}

function sendProblem(c: Context, { kind, message, taskId }: ProblemError): Response {
  const problem = describeProblem(kind, message, taskId)
  c.header('Content-Type', problemMediaType)
  return c.body(JSON.stringify(problem), problem.status as 400)
}
