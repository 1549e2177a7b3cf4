import type { Context, Hono } from 'hono'
import { cors } from 'hono/cors'
import type { NodeSettings } from '../types/settings.ts'

/** Answers a method that a resource has not. */
type Refuse = (c: Context) => Response

/**
 * Every resource of `app` says what it can be asked: OPTIONS is answered with `Allow`, any other method that it has not
 * is refused with it (RFC 9110, 9.3.7 and 15.5.6). Call it when all routes are there.
 */
export function sayMethods(app: Hono, refuse: Refuse): void {
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
const asked = ['Authorization', 'Content-Type', 'Idempotency-Key', 'If-None-Match', 'Last-Event-ID', 'Prefer']
const seen =
  `Allow ETag Idempotent-Replayed Location Preference-Applied Retry-After Retry-After-Ms WWW-Authenticate`.split(' ')

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
