/** The reference server, made wrong on the way in or out, and the cases that must say so. */
export interface WrongServer {
  readonly name: string
  request?(request: Request): Request | Promise<Request>
  response?(response: Response, request: Request): Response | Promise<Response>
  /** Of the quick cases these fail, and no other. */
  readonly caughtBy: readonly string[]
}

function isSubmission({ method, url }: Request): boolean {
  return method === 'POST' && new URL(url).pathname === '/v1/tasks'
}

function wantsStream({ headers }: Request): boolean {
  return headers.get('accept')?.includes('text/event-stream') ?? false
}

function withHeaders(request: Request, change: (headers: Headers) => void): Request {
  const headers = new Headers(request.headers)
  change(headers)
  return new Request(request, { headers })
}

function json(status: number, body: object): Response {
  return new Response(JSON.stringify(body), { status, headers: { 'content-type': 'application/json' } })
}

async function withJson(response: Response, change: (body: Record<string, unknown>) => unknown): Promise<Response> {
  if (!response.headers.get('content-type')?.includes('json')) return response
  const body = (await response.json()) as Record<string, unknown>
  return new Response(JSON.stringify(change(body) ?? body), response)
}

export const wrongServers: readonly WrongServer[] = [
  { name: 'nothing', caughtBy: [] },
  {
    name: 'a key that means nothing',
    request: (request) => {
      const key = request.headers.get('idempotency-key') ?? ''
      if (!isSubmission(request) || !/^("?)[\x21\x23-\x7e]{1,128}\1$/.test(key)) return request
      return withHeaders(request, (headers) => headers.set('idempotency-key', crypto.randomUUID()))
    },
    caughtBy: [
      'idempotency/concurrent',
      'idempotency/other-body',
      'idempotency/other-spelling',
      'idempotency/repeated-later',
    ],
  },
  {
    name: 'a key that covers any body',
    request: async (request) => {
      if (!isSubmission(request)) return request
      const body = (await request.text()).replace(/,"deadline_s":\d+/, '')
      return new Request(request.url, { method: 'POST', headers: request.headers, body })
    },
    caughtBy: ['idempotency/other-body'],
  },
  {
    name: 'errors for people',
    response: (response) => {
      if (response.status < 400) return response
      return new Response('<h1>Sorry</h1>', { status: response.status, headers: { 'content-type': 'text/html' } })
    },
    caughtBy: [
      'budget/none',
      'budget/refused',
      'commands/malformed',
      'context/refused',
      'context/versions',
      'idempotency/other-body',
      'problems/callers',
      'problems/not-offered',
      'problems/reads',
      'problems/streams',
      'problems/submissions',
      'problems/types',
      'reading/impossible-cursor',
    ],
  },
  {
    name: 'any command is taken for one',
    response: (response, request) => {
      if (!request.url.endsWith('/commands') || response.status !== 400) return response
      return json(202, { id: 'x', type: 'resume', task_id: 'none', replayed: false })
    },
    caughtBy: ['budget/none', 'commands/malformed'],
  },
  {
    name: 'a memory that has no validator',
    response: (response, request) => {
      if (!request.url.endsWith('/context')) return response
      const headers = new Headers(response.headers)
      headers.delete('etag')
      return new Response(response.body, { status: response.status, headers })
    },
    caughtBy: ['context/versions'],
  },
  {
    name: 'memories of any size',
    request: async (request) => {
      if (!isSubmission(request)) return request
      const body = await request.text()
      const kept = body.length > 15_000 ? body.replace(/"memory":.*\}$/s, '"memory":{}}') : body
      return new Request(request.url, { method: 'POST', headers: request.headers, body: kept })
    },
    caughtBy: ['context/refused'],
  },
  {
    name: 'budgets below zero',
    request: async (request) => {
      if (!isSubmission(request)) return request
      const body = (await request.text()).replace('"credits":-1', '"credits":1')
      return new Request(request.url, { method: 'POST', headers: request.headers, body })
    },
    caughtBy: ['budget/refused'],
  },
  {
    name: 'no conditional reads',
    request: (request) => withHeaders(request, (headers) => headers.delete('if-none-match')),
    caughtBy: ['context/versions', 'reading/etag'],
  },
  {
    name: 'long polls that do not wait',
    request: (request) => new Request(request.url.replace(/wait=\d+&?/, ''), request),
    caughtBy: ['reading/long-poll-wakes'],
  },
  {
    name: 'a log that lost its second event',
    response: (response, request) => {
      if (!request.url.includes('/events') || wantsStream(request)) return response
      return withJson(response, ({ events }) => {
        return events && { events: (events as { seq: number }[]).filter(({ seq }) => seq !== 2) }
      })
    },
    caughtBy: ['reading/pages', 'streaming/whole-log', 'task/log'],
  },
  {
    name: 'streams that begin at the beginning',
    request: (request) => withHeaders(request, (headers) => headers.delete('last-event-id')),
    caughtBy: ['streaming/ended', 'streaming/impossible-cursor', 'streaming/resumes'],
  },
  {
    name: 'a terminal event that is not the last',
    response: (response, request) => {
      if (!request.url.includes('/events') || wantsStream(request)) return response
      return withJson(response, ({ events }) => {
        const list = (events ?? []) as { status: string; seq: number }[]
        const end = list.findLast(({ status }) => status === 'completed')
        return end && { events: [...list, { ...end, seq: end.seq + 1 }] }
      })
    },
    caughtBy: ['reading/pages', 'streaming/whole-log', 'task/log'],
  },
  {
    name: 'a task that is always at its beginning',
    response: (response, request) => {
      if (request.method !== 'GET' || !/tasks\/[^/]+$/.test(new URL(request.url).pathname)) return response
      return withJson(response, (body) => ('version' in body ? { ...body, version: 1 } : body))
    },
    caughtBy: [
      'cancelling/ended',
      'idempotency/repeated-later',
      'reading/long-poll-wakes',
      'streaming/ended',
      'task/log',
    ],
  },
  {
    name: 'anybody may submit',
    request: (request) => withHeaders(request, (headers) => headers.set('authorization', `Bearer ${mutantToken}`)),
    caughtBy: ['problems/callers'],
  },
  {
    name: 'accepted without an address',
    response: (response) => {
      const headers = new Headers(response.headers)
      headers.delete('location')
      return new Response(response.body, { status: response.status, headers })
    },
    caughtBy: ['idempotency/described'],
  },
  {
    name: 'a second cancellation that is refused',
    response: async (response, request) => {
      if (!request.url.endsWith(':cancel') || response.status !== 200) return response
      return new Response('{}', { status: 409, headers: { 'content-type': 'application/problem+json' } })
    },
    caughtBy: ['cancelling/ended', 'cancelling/once'],
  },
]

/** What the service asks for. */
export const mutantToken = 'conformance-token-0123456789'
