import { expect, test } from 'vitest'
import type { PlannedFault, Target } from '../../../harness/model/plan.ts'
import type { Fault } from '../../../harness/model/fault.ts'
import type { Service } from '../../../patterns/contract/types/engine.ts'
import { countSpares } from '../../../harness/run/spares.ts'

const faults = new Map<string, Pick<Fault, 'needs' | 'ownLength'>>([
  ['kill', { needs: ['kill'] }],
  ['rolling-deploy', { needs: ['stop'], ownLength: true }],
  ['pause', { needs: ['pause'] }],
])
const service = (role: 'api' | 'worker', replicas: Service['replicas']): Service => ({
  role,
  program: role === 'api' ? 'serve' : 'work',
  replicas,
  dials: [],
})
const durable = { executor: 'worker', services: [service('api', 'api'), service('worker', 'executor')] } as const
const memory = { executor: 'api', services: [service('api', 'executor')] } as const
const replicas = { api: 2, executor: 4 }

function spares(engine: Parameters<typeof countSpares>[1], ...planned: [fault: string, at: number, target: Target][]) {
  const schedule = planned.map(([fault, atMs, target], i): PlannedFault => {
    return { id: `${i}`, fault, target, trigger: { kind: 'time', atMs }, durationMs: 1, params: {}, seed: 1 }
  })
  return countSpares({ faults: schedule, replicas }, engine, faults)
}

const node = (role: 'api' | 'worker' | 'store' | 'executor', ordinal: number | 'all' | 'of-step' = 0): Target => {
  return { kind: 'node', role, ordinal }
}

const none = { ahead: 0, inAll: 0 }
const some = (ahead: number, inAll = ahead) => ({ ahead, inAll })

test('none is kept where nothing ends a node of ours', () => {
  const link: Target = { kind: 'link', link: 'client->api', ordinal: 'all' }
  expect(spares(durable)).toEqual({ api: none, worker: none })
  expect(spares(durable, ['pause', 0, node('worker')], ['kill', 0, node('store')], ['kill', 0, link])).toEqual({
    api: none,
    worker: none,
  })
})

test('one waits for each end of a node of the role that executes, so that none has to start under load', () => {
  expect(spares(durable, ['kill', 1, node('executor')], ['kill', 2, node('executor', 1)])).toEqual({
    api: none,
    worker: some(2),
  })
  expect(spares(memory, ['kill', 1, node('executor', 'of-step')])).toEqual({ api: some(1), worker: none })
  // It takes them one after the other.
  expect(spares(durable, ['rolling-deploy', 1, node('api', 'all')])).toEqual({ api: some(2), worker: none })
})

test('nodes that are ended together come back together', () => {
  expect(spares(durable, ['kill', 1, node('worker', 'all')])).toEqual({ api: none, worker: some(4) })
  expect(spares(durable, ['kill', 1, node('api', 0)], ['kill', 1, node('api', 1)])).toEqual({
    api: some(2),
    worker: none,
  })
  // A pattern without workers has nobody to bring back.
  expect(spares(memory, ['kill', 1, node('worker')])).toEqual({ api: none, worker: none })
})

test('of many no more than eight wait at a time', () => {
  const kills = Array.from({ length: 20 }, (_, i) => ['kill', i, node('worker')] as [string, number, Target])
  expect(spares(durable, ...kills).worker).toEqual(some(8, 20))
})
