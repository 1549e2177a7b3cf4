import type { Context, Env, Hono } from 'hono'
import { cors } from 'hono/cors'
import { ProblemError } from '../types/problems.ts'
import type { NodeSettings } from '../types/settings.ts'

/** Answers a method that a resource has not. */
type Refuse = (c: Context) => Response

/**
 * Every resource of `app` says what it can be asked: OPTIONS is answered with `Allow`, any other method that it has not
 * is refused with it (RFC 9110, 9.3.7 and 15.5.6). Call it when all routes are there.
 */
export function sayMethods<E extends Env>(app: Hono<E>, refuse: Refuse): void {
  const routes = app.routes.filter(({ method }) => method !== 'ALL')
  for (const [path, ofPath] of Map.groupBy(routes, (route) => route.path)) {
    const allow = allowOf(ofPath.map(({ method }) => method))
    app.all(path, (c) => {
      c.header('Allow', allow)
      return c.req.method === 'OPTIONS' ? c.body(null, 204) : refuse(c)
    })
  }
}

/** What can be read can be asked for its headers. */
function allowOf(methods: readonly string[]): string {
  const heads = methods.includes('GET') ? ['HEAD'] : []
  return [...new Set([...methods, ...heads, 'OPTIONS'])].join(', ')
}

/** Request headers of the contract that a page may not send without leave, and those of answers that it may not see. */
const asked = [
  'Authorization',
  'Content-Type',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'Last-Event-ID',
  'Prefer',
  'Traceparent',
  'Tracestate',
]
const seen =
  `Allow Command-Replayed ETag Idempotent-Replayed Location Preference-Applied RateLimit RateLimit-Policy Retry-After Retry-After-Ms
  WWW-Authenticate`.split(/\s+/)

/** Leave for pages of the origins in the settings (WHATWG Fetch, CORS protocol); no origin by default. The token is still needed. */
export function shareWithPages({ corsOrigins = [] }: NodeSettings) {
  const origin = corsOrigins.includes('*') ? '*' : [...corsOrigins]
  const share = cors({
    origin,
    allowMethods: ['GET', 'HEAD', 'POST'],
    allowHeaders: asked,
    exposeHeaders: seen,
    maxAge: 600,
  })
  return (c: Context, next: () => Promise<void>): Promise<Response | void> => {
    const isPreflight = c.req.header('Access-Control-Request-Method') !== undefined
    const isForPages = corsOrigins.length > 0 && (isPreflight || c.req.method !== 'OPTIONS')
    return isForPages ? share(c, next) : next()
  }
}

/** Advice in whole seconds, as RFC 9110 wants it, and exactly, for clients that know the finer header. */
export function setRetryAfter(c: Context, delayMs: number): void {
  c.header('Retry-After', String(Math.ceil(delayMs / 1000)))
  c.header('Retry-After-Ms', String(Math.round(delayMs)))
}

/** How a client wants its submission to be answered (RFC 7240, 4.1 and 4.3). */
export interface Preferences {
  /** 202 is welcome: at once, or when `waitMs` is over. */
  readonly respondAsync: boolean
  /** The result is wanted in the answer if it is there by then. Real milliseconds, at every time scale. */
  readonly waitMs: number | undefined
}

/** A day: longer than anything between a client and a server keeps a request. */
const longestWaitMs = 86_400_000

/** Reads `Prefer`. What is malformed or unknown is passed over, and of repeated preferences the first counts, as the RFC has it. */
export function preferencesOf(header: string | undefined): Preferences {
  const named = new Map<string, string>()
  for (const [, name, value = ''] of (header ?? '').matchAll(preference))
    if (!named.has(name!.toLowerCase())) named.set(name!.toLowerCase(), value.replace(/^"(.*)"$/, '$1'))
  const wait = named.get('wait')
  const waitMs = wait !== undefined && /^\d{1,9}$/.test(wait) ? Math.min(Number(wait) * 1000, longestWaitMs) : undefined
  return { respondAsync: named.has('respond-async'), waitMs }
}

/**
 * A name, perhaps a value, perhaps parameters, up to the next comma that is in no quotes. Quotes that are not closed hold
 * all that follows: looked for again and again, their end would cost the square of the length.
 */
const preference =
  /(?<=^|,)\s*([!#$%&'*+.^`|~\w-]+)\s*(?:=\s*("(?:[^"\\]|\\.?)*(?:"|$)|[^\s;,"]*))?(?:"(?:[^"\\]|\\.?)*(?:"|$)|[^,"])*/g

/** `Preference-Applied` of an answer, or undefined: nothing was asked for, or nothing of it is in this answer. */
export function appliedOf({ respondAsync, waitMs }: Preferences, status: 200 | 202): string | undefined {
  const applied = [
    ...(respondAsync && status === 202 ? ['respond-async'] : []),
    ...(waitMs === undefined ? [] : [`wait=${waitMs / 1000}`]),
  ]
  return applied.length > 0 ? applied.join(', ') : undefined
}

/** What a client would rather have of a log: the stream of it, or a page. */
export interface LogPreference {
  readonly wantsStream: boolean
  /** A page is acceptable, perhaps instead. */
  readonly takesPage: boolean
}

/**
 * Reads `Accept` (RFC 9110, 12.5.1): what weighs more is wanted, and of equal ones the stream only where it is named. Who
 * accepts neither gets a page, since `Accept` may be passed over.
 */
export function preferenceFor(accept: string | undefined): LogPreference {
  const ranges = rangesOf(accept || '*/*')
  const [stream, page] = [weightOf(ranges, 'text/event-stream'), weightOf(ranges, 'application/json')]
  const isNamed = ranges.has('text/event-stream')
  return { wantsStream: stream > page || (isNamed && stream > 0 && stream === page), takesPage: page > 0 }
}

/** The weights of media ranges. */
function rangesOf(accept: string): ReadonlyMap<string, number> {
  const ranges = accept.toLowerCase().split(',')
  return new Map(
    ranges.map((text) => {
      const [range = '', ...parameters] = text.split(';').map((part) => part.trim())
      const weight = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2)
      return [range, weight === undefined ? 1 : Number(weight)]
    }),
  )
}

/** The narrowest range that holds a media type decides. */
function weightOf(ranges: ReadonlyMap<string, number>, mediaType: string): number {
  const [type] = mediaType.split('/')
  return [mediaType, `${type}/*`, '*/*'].map((range) => ranges.get(range)).find((weight) => weight !== undefined) ?? 0
}

/** The validator of a state that has a version. */
export function etagOf({ version }: { readonly version: number }): string {
  return `"${version}"`
}

/** Throws the problem `precondition-failed` where the client wants this done to another state alone (RFC 9110, 13.1.1). */
export function requireMatch(c: Context, etag: string, taskId: string): void {
  const wanted = c.req.header('If-Match')
  if (wanted === undefined || holdsTag(wanted, etag, 'strongly')) return
  throw new ProblemError('precondition-failed', `If-Match: it is at ${etag}`, taskId)
}

/**
 * Whether a list of validators, as `If-Match` and `If-None-Match` have it, holds this one: strongly or weakly compared (RFC
 * 9110, 8.8.3.2). A star holds whatever there is.
 */
export function holdsTag(list: string, etag: string, how: 'strongly' | 'weakly'): boolean {
  const tags = list.split(',').map((tag) => tag.trim())
  return tags.some((tag) => tag === '*' || (how === 'weakly' ? tag.replace(/^W\//, '') : tag) === etag)
}
