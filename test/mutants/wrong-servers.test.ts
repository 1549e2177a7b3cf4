import { serve } from '@hono/node-server'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Server } from 'node:http'
import { expect, test } from 'vitest'
import { openRemote } from '../../harness/conform/remote.ts'
import { loadCases, runCases } from '../../harness/conform/suite.ts'
import type { TaskRequest } from '../../patterns/contract/task.ts'
import { startApiNode, timeScale } from '../conformance/support/api-node.ts'
import { closeServer } from '../conformance/support/tool-server.ts'
import { mutantToken, type WrongServer, wrongServers } from './wrong-servers.ts'

const quick = (await loadCases()).filter((one) => one.quick)

test.each(wrongServers)('$name is caught by exactly these cases', { timeout: 120_000 }, async (wrong) => {
  await using node = await startApiNode('sse-polling')
  const { server, url } = await serveWrong(wrong, (request, env) => node.app.fetch(request, env))
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
  const { server, url } = await serveWrong(twice, (request, env) => node.app.fetch(request, env))
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

async function serveWrong(
  { request = (same) => same, response = (same) => same }: WrongServer,
  right: (request: Request, env: object) => Response | Promise<Response>,
) {
  const fetch = async (asked: Request, env: object): Promise<Response> => {
    const changed = await request(asked)
    return response(await right(changed, env), asked)
  }
  const server = serve({ fetch, hostname: '127.0.0.1', port: 0 }) as Server
  await once(server, 'listening')
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}
