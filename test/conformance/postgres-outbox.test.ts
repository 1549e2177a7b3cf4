import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import engine from '../../patterns/engines/postgres/engine.ts'
import type { Backend } from '../../patterns/contract/engine/backend.ts'
import { recordAttempt, type Callback, type Decision, type Notify } from '../../patterns/contract/types/callback.ts'
import { enrolWorker, resignWorker } from '../../patterns/engines/postgres/leases.ts'
import { openOutbox } from '../../patterns/engines/postgres/outbox.ts'
import { openStore, type Store } from '../../patterns/engines/_postgres/store.ts'
import { timingOf } from '../../patterns/engines/postgres/engine.ts'
import { type EngineCluster, startCluster } from '../support/engine-cluster.ts'

const timeScale = 80
let cluster: EngineCluster
let api: Backend
let store: Store
let admin: pg.Pool

beforeAll(async () => {
  cluster = await startCluster(engine, timeScale)
  api = await cluster.openApi()
  store = openStore({ url: cluster.storeUrl!, timing: timingOf(cluster.settings), connections: 2, patienceMs: 10_000 })
  admin = new pg.Pool({ connectionString: cluster.storeUrl!, max: 1 })
})
afterAll(async () => {
  await admin?.end()
  await store?.[Symbol.asyncDispose]()
  await api?.[Symbol.asyncDispose]()
  await cluster?.[Symbol.asyncDispose]()
})

/** A task that owes a callback, as if it had ended. */
async function owe(url = 'http://a.example/', principal?: string): Promise<string> {
  const input = { seed: 7, profile: 'smoke', job: 'a' }
  const request = { type: 'agent' as const, input, delivery: { webhook_url: url } }
  const access = principal === undefined ? {} : { access: { principal, tools: [] } }
  const { task } = await api.submit({ key: randomUUID(), request, fingerprint: 'a', ...access })
  await admin.query('insert into outbox (task_id) values ($1)', [task.task_id])
  return task.task_id
}

/** Attempts that wait for the test to say what they came to. */
function attempting() {
  const underWay = new Map<string, { readonly callback: Callback; readonly end: (decision: Decision) => void }>()
  const notify: Notify = (callback) =>
    new Promise((resolve) => {
      const end = (decision: Decision): void => resolve(recordAttempt(callback, Date.now(), { detail: '', decision }))
      underWay.set(callback.task.task_id, { callback, end })
    })
  return { underWay, notify }
}

test('the list is of one principal’s tasks where one is named', async () => {
  const [ann, bob, nobody] = [await owe(undefined, 'ann'), await owe(undefined, 'bob'), await owe()]
  const idsOf = async (principal?: string) => {
    const filter = { after: '', most: 1000, ...(principal !== undefined && { principal }) }
    return (await api.deliveries!.list(filter)).map(({ task_id }) => task_id)
  }
  expect([await idsOf('ann'), await idsOf('bob'), await idsOf('eve')]).toEqual([[ann], [bob], []])
  expect(await idsOf('owner')).toContain(nobody)
  expect(await idsOf('owner')).not.toContain(ann)
  expect(await idsOf()).toEqual(expect.arrayContaining([ann, bob, nobody]))
  await admin.query('delete from outbox')
})

const workerOf = () => enrolWorker(store, 'worker-0', 60_000)
const deliveryOf = async (taskId: string) => (await api.deliveries!.ofTask(taskId))![0]!
const retry = (delay_ms: number): Decision => ({ next: 'retry', delay_ms })

test('who lost its lease during an attempt writes nothing about it', async () => {
  const taskId = await owe()
  const [zombie, heir] = [attempting(), attempting()]
  const [old, young] = [await workerOf(), await workerOf()]
  const [oldOutbox, youngOutbox] = [zombie, heir].map(({ notify }) => openOutbox(store, notify, () => {}))
  await oldOutbox!.sweep(old)
  await youngOutbox!.sweep(young)
  expect([[...zombie.underWay.keys()], heir.underWay.size]).toEqual([[taskId], 0])
  await resignWorker(store, old)
  await youngOutbox!.sweep(young)
  heir.underWay.get(taskId)!.end({ next: 'delivered' })
  await youngOutbox!.idle()
  zombie.underWay.get(taskId)!.end(retry(0))
  await oldOutbox!.idle()
  const { status, attempts, next_attempt_at } = await deliveryOf(taskId)
  expect([status, next_attempt_at, attempts.map(({ decision }) => decision.next)]).toEqual([
    'delivered',
    null,
    ['delivered'],
  ])
  await expect(oldOutbox!.sweep(old)).resolves.toBeUndefined()
})

test('a row that is taken again, by the same worker, is fenced off from the attempt before', async () => {
  const taskId = await owe()
  const worker = await workerOf()
  const [first, second] = [attempting(), attempting()]
  const before = openOutbox(store, first.notify, () => {})
  await before.sweep(worker)
  // Its answer was lost, as far as this one knows: it is the same worker, with nothing in hand, and a later turn.
  const after = openOutbox(store, second.notify, () => {})
  await after.sweep(worker)
  expect(second.underWay.size).toBe(0)
  await after.sweep(worker)
  expect([...second.underWay.keys()]).toEqual([taskId])
  first.underWay.get(taskId)!.end({ next: 'dead', reason: 'gone' })
  await before.idle()
  expect(await deliveryOf(taskId)).toMatchObject({ status: 'pending', attempts: [] })
  second.underWay.get(taskId)!.end({ next: 'delivered' })
  await after.idle()
  expect(await deliveryOf(taskId)).toMatchObject({ status: 'delivered', attempts: [{ attempt: 1 }] })
})

test('what waits is left alone until it is due, and the look at it is asked for', async () => {
  const taskId = await owe()
  const worker = await workerOf()
  const looks: number[] = []
  const { underWay, notify } = attempting()
  const outbox = openOutbox(store, notify, (delayMs) => looks.push(delayMs))
  await outbox.sweep(worker)
  underWay.get(taskId)!.end(retry(2000))
  await outbox.idle()
  underWay.clear()
  expect(looks).toEqual([2000])
  await outbox.sweep(worker)
  expect(underWay.size).toBe(0)
  await vi.waitFor(async () => {
    await outbox.sweep(worker)
    expect(underWay.get(taskId)?.callback.earlier).toHaveLength(1)
  }, 10_000)
  underWay.get(taskId)!.end({ next: 'delivered' })
  await outbox.idle()
})

test('a replay that is asked for during an attempt is made after it, and moves no schedule', async () => {
  const taskId = await owe()
  const worker = await workerOf()
  const { underWay, notify } = attempting()
  const outbox = openOutbox(store, notify, () => {})
  await outbox.sweep(worker)
  expect(await api.deliveries!.replay(taskId)).toBe(true)
  expect(await api.deliveries!.replay(taskId)).toBe(true)
  underWay.get(taskId)!.end(retry(3_600_000))
  await outbox.idle()
  const dueAt = (await deliveryOf(taskId)).next_attempt_at
  await outbox.sweep(worker)
  expect(underWay.get(taskId)!.callback).toMatchObject({ manual: true, earlier: [{ attempt: 1 }] })
  underWay.get(taskId)!.end({ next: 'unchanged' })
  await outbox.idle()
  underWay.clear()
  await outbox.sweep(worker)
  expect(underWay.size).toBe(0)
  expect(await deliveryOf(taskId)).toMatchObject({ status: 'pending', next_attempt_at: dueAt, attempts: [{}, {}] })
  expect(await api.deliveries!.replay('task_none')).toBe(false)
})

test('an endpoint that is gone is so for every worker, until it accepts a message', async () => {
  const url = 'http://gone.example/'
  const worker = await workerOf()
  /** One attempt by a process that knows nothing: whether it is told that the endpoint is gone. */
  async function attemptOne(taskId: string, decision: Decision): Promise<boolean | undefined> {
    const { underWay, notify } = attempting()
    const outbox = openOutbox(store, notify, () => {})
    await outbox.sweep(worker)
    const { callback, end } = underWay.get(taskId)!
    end(decision)
    await outbox.idle()
    return callback.isGone
  }
  const first = await owe(url)
  expect(await attemptOne(first, { next: 'dead', reason: 'gone' })).toBe(false)
  expect(await attemptOne(await owe(), { next: 'delivered' })).toBe(false)
  expect(await attemptOne(await owe(url), { next: 'dead', reason: 'gone' })).toBe(true)
  await api.deliveries!.replay(first)
  expect(await attemptOne(first, { next: 'unchanged' })).toBe(true)
  await api.deliveries!.replay(first)
  expect(await attemptOne(first, { next: 'delivered' })).toBe(true)
  expect(await attemptOne(await owe(url), { next: 'delivered' })).toBe(false)
})

test('who was told that an endpoint is gone does not disable it again after it came back', async () => {
  const url = 'http://back.example/'
  const worker = await workerOf()
  const [slow, quick] = [attempting(), attempting()]
  const [slowOutbox, quickOutbox] = [slow, quick].map(({ notify }) => openOutbox(store, notify, () => {}))
  const first = await owe(url)
  await quickOutbox!.sweep(worker)
  quick.underWay.get(first)!.end({ next: 'dead', reason: 'gone' })
  await quickOutbox!.idle()
  const second = await owe(url)
  await slowOutbox!.sweep(worker)
  expect(slow.underWay.get(second)!.callback.isGone).toBe(true)
  await api.deliveries!.replay(first)
  const other = await workerOf()
  const byHand = attempting()
  const otherOutbox = openOutbox(store, byHand.notify, () => {})
  await otherOutbox.sweep(other)
  byHand.underWay.get(first)!.end({ next: 'delivered' })
  await otherOutbox.idle()
  slow.underWay.get(second)!.end({ next: 'dead', reason: 'gone' })
  await slowOutbox!.idle()
  const third = await owe(url)
  await otherOutbox.sweep(other)
  expect(byHand.underWay.get(third)!.callback.isGone).toBe(false)
  byHand.underWay.get(third)!.end({ next: 'delivered' })
  await otherOutbox.idle()
})

test('a full hand looks again as soon as there is room, and what has settled is not searched', async () => {
  const taskIds = await Promise.all(Array.from({ length: 101 }, () => owe()))
  const worker = await workerOf()
  const looks: number[] = []
  const { underWay, notify } = attempting()
  const outbox = openOutbox(store, notify, (delayMs) => looks.push(delayMs))
  await outbox.sweep(worker)
  expect(underWay.size).toBe(100)
  await outbox.sweep(worker)
  expect([underWay.size, looks]).toEqual([100, []])
  for (const { end } of underWay.values()) end({ next: 'delivered' })
  await outbox.idle()
  expect(looks).toEqual([0])
  await outbox.sweep(worker)
  expect(new Set(underWay.keys())).toEqual(new Set(taskIds))
  for (const { end } of underWay.values()) end({ next: 'delivered' })
  await outbox.idle()
  await admin.query('set enable_seqscan = off')
  const plan = await admin.query(`explain select task_id from outbox
    where owner is null and (replay or due_at <= now()) order by due_at nulls first limit 10`)
  expect(JSON.stringify(plan.rows)).toContain('outbox_due')
})
