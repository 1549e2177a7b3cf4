/** The servers before libraries that others wrote: what each makes of our bytes is what counts. */
import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Webhook as StandardWebhook } from 'standardwebhooks'
import { Webhook as SvixWebhook } from 'svix'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import webhookRetry from '../../patterns/deliveries/webhook-retry/server.ts'
import { startApiNode, token, type ApiNode } from '../conformance/support/api-node.ts'
import { startReceiver } from '../conformance/support/client-ports.ts'
import { readEnd, requestBody, send, submit } from '../conformance/support/http.ts'
import { closeServer, listenOnLoopback } from '../conformance/support/tool-server.ts'
import { execFileSync, run, spawn } from '../support/programs.ts'

/** Ten seconds of work, with silences that are longer than a heartbeat. */
const long = (job: string) => ({ type: 'agent', input: { seed: 1, profile: 'research-write', job } })

async function logOf(node: ApiNode, taskId: string): Promise<readonly TaskEvent[]> {
  await readEnd(node.url, taskId)
  return (await send(`${node.url}/v1/tasks/${taskId}/events`)).json.events
}

function isThere(program: string): boolean {
  try {
    execFileSync(program, ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

describe('a callback of webhook-retry', () => {
  test.each([
    ['standardwebhooks', StandardWebhook],
    ['svix', SvixWebhook],
  ])('is genuine for %s, under the secret of its token, and changed bytes are not', async (_, Library) => {
    await using node = await startApiNode('webhook-retry')
    await using receiver = await startReceiver()
    const delivery = { webhook_url: `${receiver.url}/any/path?spelt=anyhow` }
    const { task_id } = (await submit(node.url, 'foreign', requestBody(3, { delivery }))).json
    const final = await readEnd(node.url, task_id)
    while (receiver.posts.length === 0) await new Promise((resolve) => setTimeout(resolve, 10))
    const { headers, body } = receiver.posts[0]!
    const library = new Library(webhookRetry.endpointSecret!(token))
    const sent = headers as Record<string, string>
    expect(() => library.verify(body, sent)).not.toThrow()
    expect(JSON.parse(body)).toMatchObject({ type: 'task.completed', data: final })
    expect(() => library.verify(`${body} `, sent)).toThrow()
  })
})

const browsers = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']
const browser = browsers.find(isThere)
if (!browser) console.warn(`EventSource is skipped: none of ${browsers.join(', ')} is on the PATH`)

describe.skipIf(!browser)('EventSource in a browser', () => {
  let node: ApiNode
  beforeAll(async () => {
    node = await startApiNode('sse')
  })
  afterAll(() => node[Symbol.asyncDispose]())

  test('follows a task over a cut to its end, each event once, and stops by itself', async () => {
    const { task_id } = (await submit(node.url, 'browser', long('browser'))).json
    const seen = await watch(node, `/v1/tasks/${task_id}/events`, 4)
    const log = await logOf(node, task_id)
    expect(seen).toEqual({ events: log.map(({ type, seq }) => [type, String(seq)]), errors: expect.any(Number) })
    // The cut, the end, and the 204 that closes it.
    expect(seen.errors).toBeGreaterThanOrEqual(2)
  })

  test('is told to begin again where its place is none, and stops at the end all the same', async () => {
    const { task_id } = (await submit(node.url, 'reset', requestBody(4))).json
    const { events } = await watch(node, `/v1/tasks/${task_id}/events?after=999999`)
    const log = await logOf(node, task_id)
    expect(events).toEqual([['stream.reset', '0'], ...log.map(({ type, seq }) => [type, String(seq)])])
  })
})

interface Watched {
  readonly events: readonly (readonly [string, string])[]
  readonly errors: number
}

const names = 'created started progress resumed cancel_requested completed failed cancelled expired rejected'

/** A page of ours: it opens the stream, and reports once the browser has closed it for good. */
function page(place: string): string {
  return `<script>
    const seen = { events: [], errors: 0 }
    const source = new EventSource(${JSON.stringify(place)})
    const note = (event) => seen.events.push([event.type, event.lastEventId])
    for (const name of ['stream.reset', 'message', ...${JSON.stringify(names)}.split(' ').map((name) => 'task.' + name)])
      source.addEventListener(name, note)
    source.onerror = () => {
      seen.errors++
      if (source.readyState === EventSource.CLOSED) fetch('/report', { method: 'POST', body: JSON.stringify(seen) })
    }
  </script>`
}

/** A browser cannot send the token: the page's own server adds it, and cuts the first stream after `cutAfter` events. */
async function watch(node: ApiNode, place: string, cutAfter = Infinity): Promise<Watched> {
  const reported = Promise.withResolvers<Watched>()
  let isCut = cutAfter === Infinity
  const pass = (request: IncomingMessage, response: ServerResponse): void => {
    const headers = { ...request.headers, authorization: `Bearer ${token}` }
    const upstream = httpRequest(`${node.url}${request.url!}`, { headers }, (answer) => {
      let events = 0
      response.writeHead(answer.statusCode!, answer.headers)
      answer.on('data', (chunk: Buffer) => {
        response.write(chunk)
        events += String(chunk).split('\n\n').length - 1
        if (isCut || events < cutAfter) return
        isCut = true
        setTimeout(() => response.destroy(), 50)
      })
      answer.on('end', () => response.end())
    })
    upstream.on('error', () => response.destroy()).end()
    response.on('close', () => upstream.destroy())
  }
  const server = createServer((request, response) => {
    if (request.url === '/') return void response.writeHead(200, { 'content-type': 'text/html' }).end(page(place))
    if (request.url !== '/report')
      return request.url === '/favicon.ico' ? void response.writeHead(404).end() : pass(request, response)
    let body = ''
    request
      .on('data', (chunk) => (body += String(chunk)))
      .on('end', () => reported.resolve(JSON.parse(body) as Watched))
    return void response.writeHead(204).end()
  })
  const url = await listenOnLoopback(server)
  const profile = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
  const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', `--user-data-dir=${profile}`]
  const child = spawn(browser!, [...flags, url], { stdio: 'ignore' })
  const exited = once(child, 'exit')
  try {
    return await Promise.race([reported.promise, exited.then(() => Promise.reject(new Error('the browser ended')))])
  } finally {
    child.kill('SIGTERM')
    await exited
    await closeServer(server)
    await rm(profile, { recursive: true, force: true, maxRetries: 10 })
  }
}

const packages = ['httpx==0.28.1', 'httpx-sse==0.4.3', 'requests==2.32.5', 'sseclient-py==1.9.0', 'websockets==17.4']

describe('a Python program', () => {
  let folder: string
  /** OUTLAST_PYTHON names one that has the packages already; otherwise they are installed into a folder that is removed. */
  let python: string | undefined
  let missing = ''
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
    python =
      process.env['OUTLAST_PYTHON'] ??
      (await installed(folder).catch((error: Error) => {
        missing = `Python's packages are not there: ${error.message.split('\n')[0]}`
        console.warn(`skipped: ${missing}`)
        return undefined
      }))
  }, 300_000)
  afterAll(() => rm(folder, { recursive: true, force: true }))

  async function execute(program: string, ...args: readonly string[]): Promise<unknown> {
    const { stdout } = await run(python!, ['-c', program, ...args], { timeout: 60_000 })
    return JSON.parse(stdout)
  }

  test.for([
    ['httpx-sse', httpxSse],
    ['sseclient-py', sseclientPy],
  ] as const)(
    'reads a stream with %s: the events of the log, and none for heartbeats or retry',
    async ([, program], { skip }) => {
      if (!python) skip(missing)
      await using node = await startApiNode('sse')
      const { task_id } = (await submit(node.url, 'python', long('python'))).json
      const seen = await execute(program, `${node.url}/v1/tasks/${task_id}/events`, token)
      expect(seen).toEqual((await logOf(node, task_id)).map(({ type, seq }) => [type, String(seq), seq]))
    },
  )

  test('follows a socket with websockets, and is refused by code and by status', async ({ skip }) => {
    if (!python) skip(missing)
    await using node = await startApiNode('websocket')
    const { task_id } = (await submit(node.url, 'python', requestBody(5))).json
    const place = `${node.url.replace('http', 'ws')}/v1/tasks/${task_id}/ws`
    const seen = await execute(websockets, place, token)
    const log = await logOf(node, task_id)
    expect(seen).toEqual({ events: log.map(({ seq }) => seq), code: 1000, beyond: 1008, subprotocol: 400 })
  })
})

async function installed(folder: string): Promise<string> {
  await run('python3', ['-m', 'venv', folder])
  const python = join(folder, 'bin/python')
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...packages], {
    timeout: 200_000,
  })
  return python
}

const httpxSse = `
import json, sys, httpx
from httpx_sse import connect_sse
url, token = sys.argv[1:]
with httpx.Client(timeout=60) as client:
    with connect_sse(client, 'GET', url, headers={'Authorization': 'Bearer ' + token}) as source:
        seen = [[e.event, e.id, json.loads(e.data)['seq'] if e.data else None] for e in source.iter_sse()]
print(json.dumps(seen))
`

const sseclientPy = `
import json, sys, requests, sseclient
url, token = sys.argv[1:]
headers = {'Authorization': 'Bearer ' + token, 'Accept': 'text/event-stream'}
answer = requests.get(url, headers=headers, stream=True, timeout=60)
seen = [[e.event, e.id, json.loads(e.data)['seq'] if e.data else None] for e in sseclient.SSEClient(answer).events()]
print(json.dumps(seen))
`

const websockets = `
import json, sys
from websockets.sync.client import connect
from websockets.exceptions import InvalidStatus
url, token = sys.argv[1:]
headers = {'Authorization': 'Bearer ' + token}
def follow(last_seq):
    with connect(url, additional_headers=headers) as socket:
        socket.send(json.dumps({'type': 'hello', 'last_seq': last_seq}))
        try:
            events = [json.loads(message)['seq'] for message in socket]
        except Exception:
            events = []
        return events, socket.close_code
events, code = follow(0)
_, beyond = follow(999999)
try:
    connect(url, additional_headers=headers, subprotocols=['mqtt'])
    status = None
except InvalidStatus as refusal:
    status = refusal.response.status_code
print(json.dumps({'events': events, 'code': code, 'beyond': beyond, 'subprotocol': status}))
`
