import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { expect, test } from 'vitest'
import { openRemote } from '../../harness/conform/remote.ts'
import { loadCases, runCases } from '../../harness/conform/suite.ts'
import type { TaskRequest } from '../../patterns/contract/types/task.ts'
import { type ApiNode, listenWith, startApiNode, timeScale } from '../conformance/support/api-node.ts'
import { closeServer } from '../conformance/support/tool-server.ts'
import { mutantToken, type WrongServer, wrongServers } from './wrong-servers.ts'

const quick = (await loadCases()).filter((one) => one.quick)

test.concurrent.each(wrongServers)('$name is caught by exactly these cases', { timeout: 120_000 }, async (wrong) => {
  await using node = await startApiNode('sse-polling')
  const { server, url } = await serveWrong(wrong, node)
  const remote = { url, token: mutantToken, timeScale, type: 'agent', input: undefined, secret: undefined }
  {
    await using service = await openRemote({ ...remote, signal: new AbortController().signal })
    const results = await runCases(quick, service.target)
    const caught = results.filter(({ outcome }) => outcome === 'fail')
    expect(caught.map((one) => one.case).toSorted()).toEqual(wrong.caughtBy.toSorted())
    for (const { reason } of caught) expect(reason).toMatch(/\S/)
    expect(results.filter(({ outcome }) => outcome === 'undecided')).toEqual([])
  }
  await closeServer(server)
})

test('one key whose work is done twice is caught, where the tool server is ours', { timeout: 60_000 }, async () => {
  await using node = await startApiNode('sse-polling')
  const seen = new Set<string>()
  const twice: WrongServer = {
    name: 'a key that works twice',
    request: async (request) => {
      const key = request.headers.get('idempotency-key')
      if (request.method !== 'POST' || key === null || seen.has(key)) return request
      seen.add(key)
      const body = (await request.clone().json()) as TaskRequest
      await node.backend.submit({ key: `${key} again`, fingerprint: 'x', request: body })
      return request
    },
    caughtBy: [],
  }
  const { server, url } = await serveWrong(twice, node)
  const remote = { url, token: mutantToken, timeScale, type: 'agent', input: undefined, secret: undefined }
  {
    await using service = await openRemote({ ...remote, signal: new AbortController().signal })
    const effects = async () => node.tools.effects.map(({ task, taskId, step }) => ({ job: task, taskId, step }))
    const target = { ...service.target, able: { ...service.target.able, effects } }
    const [result] = await runCases(
      quick.filter(({ id }) => id === 'idempotency/concurrent'),
      target,
    )
    expect(result).toMatchObject({ outcome: 'fail', reason: expect.stringContaining('executed') })
  }
  await closeServer(server)
})

/** Behind the front door of every node: streams write to the socket themselves, and only there is that known. */
async function serveWrong({ request = same, response = same }: WrongServer, { app, settings }: ApiNode) {
  const wrong = new Hono<{ Bindings: HttpBindings }>()
  wrong.all('*', async ({ req: { raw }, env }) => response(await app.fetch(await request(raw), env), raw))
  return listenWith(wrong as unknown as Hono, settings)
}

function same<T>(it: T): T {
  return it
}
