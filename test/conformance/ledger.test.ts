import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { request } from 'undici'
import { type Ledger, openLedger } from '../../harness/run/ledger.ts'

let folder: string
let ledger: Ledger
let other: Ledger
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'test-of-outlast-ledger-'))
  const open = (name: string) => openLedger(join(folder, `${name}.ndjson`), join(folder, `${name}.log`), '127.0.0.1')
  ;[ledger, other] = [await open('one'), await open('other')]
})
afterAll(async () => {
  for (const one of [ledger, other]) await one[Symbol.asyncDispose]()
  await rm(folder, { recursive: true, maxRetries: 5 })
})

async function post(to: Ledger, over: object = {}): Promise<{ nonce: string; retransmission?: true }> {
  const own = { task: 't-00001', taskId: 'task_1', step: 2, attempt: 1, executor: 'worker-0', startedAt: 1, endedAt: 2 }
  const headers = { 'content-type': 'application/json', 'idempotency-key': 'task_1/2' }
  const body = JSON.stringify({ ...own, ...over })
  const answer = await request(`http://${to.address}/effects`, { method: 'POST', headers, body, reset: true })
  return (await answer.body.json()) as { nonce: string }
}

test('an effect is answered with the nonce of its step, whoever performs it and however often', async () => {
  const { nonce } = await post(ledger)
  expect(nonce).toMatch(/^[0-9a-f]{24}$/)
  expect(nonce).toBe(ledger.nonceOf('t-00001', 2))
  expect(await post(ledger)).toMatchObject({ retransmission: true, nonce })
  const again = { taskId: 'task_other', attempt: 2, executor: 'worker-1', startedAt: 3 }
  expect((await post(ledger, again)).nonce).toBe(nonce)
  const { effects, gaps } = await ledger.readAll()
  expect([effects.length, gaps]).toEqual([2, 0])
})

test('another step, another job and another cell have another one, and the file of the ledger tells none', async () => {
  const nonces = [
    await post(ledger),
    await post(ledger, { step: 3 }),
    await post(ledger, { task: 't-00002' }),
    await post(other),
  ]
  expect(new Set(nonces.map(({ nonce }) => nonce)).size).toBe(4)
  await ledger.readAll()
  expect(await readFile(join(folder, 'one.ndjson'), 'utf8')).not.toContain(nonces[0]!.nonce)
})

test('what is no effect is refused and recorded, and the ledger lives on', async () => {
  const bodies = ['null', '7', '{', JSON.stringify({ task: 't-00001', step: 'two' })]
  for (const body of bodies) {
    const headers = { 'idempotency-key': 'k' }
    const answer = await request(`http://${other.address}/effects`, { method: 'POST', headers, body, reset: true })
    expect(answer.statusCode).toBe(400)
    await answer.body.dump()
  }
  await post(other, { task: 't-00009' })
  const { effects, refusals, gaps } = await other.readAll()
  expect(refusals.map(({ said }) => said)).toEqual(bodies)
  expect(effects.at(-1)).toMatchObject({ task: 't-00009' })
  expect(gaps).toBe(0)
})

test('a body without an end is refused and recorded', async () => {
  const headers = { 'idempotency-key': 'k' }
  const body = `"${'x'.repeat(100_000)}"`
  const posted = request(`http://${other.address}/effects`, { method: 'POST', headers, body, reset: true })
  expect(
    await posted.then(
      (answer) => answer.statusCode,
      () => 413,
    ),
  ).toBe(413)
  const { refusals } = await other.readAll()
  expect(refusals.at(-1)).toMatchObject({ refused: expect.stringContaining('65536'), said: '' })
})

test('what floods it is not written for ever: what is missing is counted, and so invalidates the cell', async () => {
  const room = { count: 3, bytes: 1e6 }
  await using small = await openLedger(join(folder, 'small.ndjson'), join(folder, 'small.log'), '127.0.0.1', { room })
  const tell = async (step: number): Promise<number> => {
    const body = JSON.stringify({ task: 't-1', task_id: 'x', step })
    const answer = await request(`http://${small.address}/tasks`, { method: 'POST', body, reset: true })
    await answer.body.dump()
    return answer.statusCode
  }
  const answers: number[] = []
  for (let step = 1; step <= 5; step++) answers.push(await tell(step))
  expect(answers).toEqual([200, 200, 200, 503, 503])
  const { effects, gaps } = await small.readAll()
  expect([effects.length, gaps]).toEqual([3, 2])
})
