import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { request } from 'undici'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { HarnessError } from '../../harness/core/errors.ts'
import type { DeployRequest, CellContext } from '../../harness/model/runtime.ts'
import { findLabelled } from '../../harness/cleanup/processes.ts'
import { labelRun } from '../../harness/os/label.ts'
import { openLedger } from '../../harness/run/ledger.ts'
import { startLinkServer } from '../../harness/runtimes/process/deploy.ts'
import { execFileSync } from '../support/programs.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'test-of-outlast-lost-'))
})
afterAll(() => rm(folder, { recursive: true, maxRetries: 5 }))

/** The first thing that is told, and what was told until the end. */
function listen() {
  const told: string[] = []
  const first = Promise.withResolvers<string>()
  const onLost = ({ message }: HarnessError): void => {
    told.push(message)
    first.resolve(message)
  }
  return { told, first: first.promise, onLost }
}

const effect = {
  task: 't-00001',
  taskId: 'task_1',
  step: 1,
  attempt: 1,
  executor: 'worker-0',
  startedAt: 1,
  endedAt: 2,
}

function post(address: string): ReturnType<typeof request> {
  return request(`http://${address}/effects`, {
    method: 'POST',
    headers: { 'idempotency-key': 'task_1/1' },
    body: JSON.stringify(effect),
    reset: true,
  })
}

test('a ledger that cannot write says so, records nothing more, and claims nothing', async () => {
  const { first, onLost } = listen()
  await using ledger = await openLedger('/dev/full', join(folder, 'ledger.log'), '127.0.0.1', { onLost })
  await post(ledger.address)
  expect(await first).toMatch(/^cannot write \/dev\/full: ENOSPC/)
  expect((await post(ledger.address)).statusCode).toBe(503)
  await expect(ledger.readAll()).rejects.toThrow(/^cannot write \/dev\/full: ENOSPC/)
})

test('a ledger that dies is told by its name and its log', async () => {
  const { first, onLost } = listen()
  labelRun('lost-part')
  await using _ = await openLedger(join(folder, 'dies.ndjson'), join(folder, 'dies.log'), '127.0.0.1', { onLost })
  labelRun(undefined)
  for (const { pid } of findLabelled('lost-part')) process.kill(pid, 'SIGKILL')
  expect(await first).toMatch(/^the ledger ended while it was needed \(SIGKILL\); see .*dies\.log$/)
})

test('a ledger that is ended on purpose is not lost', async () => {
  const { told, onLost } = listen()
  const ledger = await openLedger(join(folder, 'ends.ndjson'), join(folder, 'ends.log'), '127.0.0.1', { onLost })
  await ledger[Symbol.asyncDispose]()
  expect(told).toEqual([])
})

test('a link server whose evidence finds no room says so, and carries connections on', async ({ skip }) => {
  skip(process.getuid!() !== 0, 'only root may make a device that has no room')
  const { first, onLost } = listen()
  // A link to /dev/full would be refused.
  execFileSync('mknod', [join(folder, 'evidence.ndjson'), 'c', '1', '7'])
  const wanted = { folder, seed: 1, env: {}, lost: onLost } as unknown as CellContext & DeployRequest
  await using links = await startLinkServer(wanted)
  const ask = (method: 'POST' | 'DELETE', path: string, body?: object): ReturnType<typeof request> =>
    request(links.url + path, { method, reset: true, ...(body && { body: JSON.stringify(body) }) })
  await ask('POST', '/proxies', { name: 'a', listen: '127.0.0.1:0', upstream: '127.0.0.1:1', enabled: true })
  await ask('POST', '/proxies/a/toxics', { name: 't', type: 'latency', attributes: { latency: 1 } })
  await ask('DELETE', '/proxies/a/toxics/t')
  expect(await first).toMatch(/^cannot write .*evidence\.ndjson: ENOSPC/)
  expect((await ask('POST', '/reset')).statusCode).toBe(204)
})
