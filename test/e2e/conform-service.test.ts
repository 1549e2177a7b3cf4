import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { keepPort } from '../support/ports.ts'
import { run, spawn } from '../support/programs.ts'
import { closeServer, listenOnLoopback, startToolServer, type ToolServer } from '../conformance/support/tool-server.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const token = 'a-token-of-the-service-0123456789'

let tools: ToolServer
beforeAll(async () => void (tools = await startToolServer()))
afterAll(() => tools[Symbol.asyncDispose]())

/** `outlast conform` as a user calls it. */
function conform(args: readonly string[], env: Record<string, string> = {}) {
  const own = { PATH: process.env['PATH'], TMPDIR: process.env['TMPDIR'], OUTLAST_TOKEN: token, ...env }
  return run('node', ['bin/outlast.js', 'conform', ...args], { cwd: root, env: own }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      out: stdout,
      err: stderr,
    }),
  )
}

async function ownService(delivery: string) {
  const port = await keepPort()
  const env = {
    OUTLAST_NODE: 'api-0',
    OUTLAST_PORT: String(port),
    OUTLAST_DELIVERY: delivery,
    OUTLAST_ENGINE: 'memory',
    OUTLAST_TIME_SCALE: '30',
    OUTLAST_TOOLS_URL: tools.url,
    OUTLAST_WEBHOOK_ALLOW: '127.0.0.0/8',
  }
  return { env, url: `http://127.0.0.1:${port}` }
}

const start = ['--time-scale', '30', '--start', `exec node ${root}patterns/serve.ts`]

describe('a service that is started here', () => {
  test('is killed and started again, and keeps what it promises', { timeout: 120_000 }, async () => {
    const { url, env } = await ownService('polling')
    const { code, out } = await conform([url, ...start, '--forgetful', '--cases', 'restarts'], env)
    expect(out).toMatch(/pass +restarts\/forgotten\n/)
    expect(out).toMatch(
      /n\/a +restarts\/\S+(?:, restarts\/\S+)* \(\d\): its tasks need not outlive its processes \(--forgetful\)\n/,
    )
    expect(code).toBe(0)
    await expect(fetch(url)).rejects.toThrow()
  })

  test('fails where its tasks die with it, and says how to ask again', { timeout: 120_000 }, async () => {
    const { url, env } = await ownService('polling')
    const { code, out } = await conform([url, ...start, '--cases', 'restarts/durable-before-202'], env)
    const [, reason, asked, came, must, again] = out.split('\n')
    expect(reason).toMatch(/fail +restarts\/durable-before-202: GET of task task_\S+: 404, must be 200$/)
    expect(asked).toMatch(/^ +asked  GET http:\S+\/v1\/tasks\/task_\S+$/)
    expect(came).toMatch(/^ +came   404 application\/problem\+json: /)
    expect(must).toMatch(/^ +must   a task that was accepted is there after everything was killed at once/)
    expect(again).toMatch(
      /^ +again  curl -is -H "authorization: Bearer \$OUTLAST_TOKEN" -H 'accept-encoding: identity' 'http:\S+'$/,
    )
    expect(out).not.toContain(token)
    expect(code).toBe(1)
  })

  test('that does not start is no service at all', { timeout: 60_000 }, async () => {
    const { url } = await ownService('polling')
    const { code, err } = await conform([url, '--start', 'echo no such program >&2; exit 7'])
    expect(err).toContain('the start command ended: no such program')
    expect(code).toBe(4)
  })
})

test('a restart command that fails says nothing about the service', { timeout: 120_000 }, async () => {
  const { url, env } = await ownService('polling')
  const service = spawn('node', [`${root}patterns/serve.ts`], {
    env: { ...process.env, OUTLAST_TOKEN: token, ...env },
  })
  try {
    for (;;)
      if (
        await fetch(`${url}/healthz`)
          .then(({ ok }) => ok)
          .catch(() => false)
      )
        break
    const args = [url, '--time-scale', '30', '--restart', 'echo no rights; exit 3', '--cases', 'restarts/idempotent']
    const { code, out } = await conform(args)
    expect(out).toMatch(/undecided +restarts\/idempotent: the restart command ended with 3: no rights\n/)
    expect(code).toBe(2)
  } finally {
    service.kill('SIGKILL')
  }
})

test.each([
  ['junit', /^<\?xml version="1.0"/],
  ['markdown', /^# Conformance\n/],
  ['json', /^\[/],
])(
  'a service that answers nonsense is told so as %s, and nothing crashes',
  { timeout: 60_000 },
  async (format, head) => {
    const answers = ['[]', '{"task_id":7}', '<html>', '"\\ud800"', 'null', '{"task_id":"a","status":"completed"}']
    let asked = 0
    const server = createServer((_, response) => {
      response.writeHead(202, { 'content-type': 'application/json' }).end(answers[asked++ % answers.length])
    })
    const url = await listenOnLoopback(server)
    const { code, out } = await conform([url, '--time-scale', '30', '--format', format])
    await closeServer(server)
    expect(out).toMatch(head)
    expect(code).toBe(1)
  },
)
