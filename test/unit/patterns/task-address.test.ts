import { expect, test } from 'vitest'
import type { Backend } from '../../../patterns/contract/engine/backend.ts'
import { createApi } from '../../../patterns/contract/server/api.ts'
import type { NodeSettings } from '../../../patterns/contract/types/settings.ts'

const token = 'a-token-for-tests-only'
const settings: NodeSettings = {
  node: 'api-0',
  listen: { host: '127.0.0.1', port: 0 },
  delivery: 'polling',
  engine: 'memory',
  timeScale: 1,
  tuning: 'default',
  token,
}

/** Which ids a request makes the API ask its engine for, and the status of the answer. */
async function idsIn(method: string, address: string): Promise<readonly [readonly string[], number]> {
  const ids: string[] = []
  const note = async (id: string): Promise<undefined> => void ids.push(id)
  const backend = { read: note, events: note, cancel: note } as unknown as Backend
  const headers = { authorization: `Bearer ${token}` }
  const app = createApi(backend, settings, new AbortController().signal)
  const { status } = await app.request(address, { method, headers })
  return [ids, status]
}

test.each([
  ['POST', '/v1/tasks/..:cancel'],
  ['POST', '/v1/tasks/.:cancel'],
  ['POST', '/v1/tasks/%2E%2e:cancel'],
  ['POST', '/v1/tasks/..%3acancel'],
  ['GET', '/v1/tasks/...'],
])('no engine is asked for an id that is a step in a path: %s %s', async (method, address) => {
  const [ids, status] = await idsIn(method, address)
  expect(ids).toEqual([])
  expect(status).toBeGreaterThanOrEqual(404)
})

test.each(['task_1', 'a.b', '-', '~x', '1..2'])('an engine may make ids such as %s', async (id) => {
  expect(await idsIn('POST', `/v1/tasks/${id}:cancel`)).toEqual([[id], 404])
  expect(await idsIn('GET', `/v1/tasks/${id}`)).toEqual([[id], 404])
})
