import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer, type EmbeddedServer } from '../../../harness/links/embedded/server.ts'

let folder: string
let server: EmbeddedServer
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'test-of-outlast-links-'))
  server = await startServer('127.0.0.1:0', join(folder, 'evidence.ndjson'), '1')
})
afterAll(() => {
  server.close()
  rmSync(folder, { recursive: true })
})

async function call(path: string, body?: string): Promise<number> {
  const method = body === undefined ? 'GET' : 'POST'
  const answer = await request(server.url + path, { method, reset: true, ...(body !== undefined && { body }) })
  await answer.body.dump()
  return answer.statusCode
}

test('a body that does not come to an end holds up nobody else', async () => {
  const { hostname, port } = new URL(server.url)
  const slow = connect(Number(port), hostname).on('error', () => {})
  await once(slow, 'connect')
  slow.write('POST /proxies HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{')
  // Two exchanges, one after the other: the slow one has arrived by then.
  expect([await call('/version'), await call('/version')]).toEqual([200, 200])
  slow.destroy()
  expect(await call('/version')).toBe(200)
})

test('what is no text, no JSON or too much is refused', async () => {
  expect(await call('/proxies/%ff')).toBe(400)
  expect(await call('/proxies', '{"name":')).toBe(400)
  expect(await call('/proxies', `"${'x'.repeat(2_000_000)}"`).catch(() => 413)).toBe(413)
  expect(await call('/version')).toBe(200)
})
