import { describe, expect, test } from 'vitest'
import type { Fault } from '../../../harness/model/fault.ts'
import type { NodeHarm } from '../../../harness/model/runtime.ts'
import nodeLoss from '../../../harness/faults/node-loss.ts'
import partition from '../../../harness/faults/partition.ts'
import { fakeNode, type FakeNode, never, siteOf } from './fakes.ts'

const killed = { pid: 100, signal: 'SIGKILL', code: null }
const both: readonly [Fault, object][] = [
  [partition as Fault, { from: 'all' }],
  [nodeLoss as Fault, { identity: 'new' }],
]

describe.each(both)('$name', (fault, params) => {
  const arm = (nodes: readonly FakeNode[], signal = never) => fault.arm(siteOf(nodes), params, signal)

  test('cuts every node of the site off, under a name that the kernel takes, and ends by itself', async () => {
    const nodes = [fakeNode('worker-0', killed), fakeNode('worker-1', killed)]
    await arm(nodes)
    for (const { cuts } of nodes) {
      const [cut] = cuts.values()
      expect(cut).toMatchObject({ name: 'it-1-1', from: 'all' })
      expect(cut!.expiresMs).toBeGreaterThan(1000)
    }
  })
  test('is proven by packets that met it', async () => {
    const node = fakeNode('worker-1', killed)
    const active = await arm([node])
    node.firings = 5
    expect(await active.prove()).toMatchObject({ state: 'proven', firings: 5 })
  })
  test('heals, and a second time without complaint', async () => {
    const node = fakeNode('worker-1', killed)
    const active = await arm([node])
    await active.heal()
    expect(node.cuts.size).toBe(0)
    await active.heal()
  })
  test('with a stubbed actuator is not applied', async () => {
    const stub = fakeNode('worker-1', killed, 100, { ignores: true })
    await expect(arm([stub])).rejects.toThrow('worker-1 it-1-1 was acknowledged but is not there')
    expect(stub.log).not.toContain('kill')
  })
  test('is partly when one of its nodes cannot be cut off', async () => {
    const first = fakeNode('worker-0', killed)
    const second = fakeNode('worker-1', killed, 100, { fails: 'nft: no such table' })
    const active = await arm([first, second])
    first.firings = 1
    const reason = 'nft: no such table'
    expect(await active.prove()).toMatchObject({ state: 'partly', reached: ['worker-0'], reason })
    await active.heal()
    expect(first.cuts.size).toBe(0)
    expect(first.log.at(-1)).toMatch(/joined|up/)
  })
  test('aborted while arming leaves nothing', async () => {
    const abort = new AbortController()
    const node = fakeNode('worker-1', killed)
    const slow: FakeNode = { ...node, isolate: (cut) => (abort.abort(), node.isolate!(cut)) }
    await expect(arm([slow], abort.signal)).rejects.toThrow('aborted')
    expect(node.cuts.size).toBe(0)
  })
  test('where nothing stands between nodes is not applied', async () => {
    const { isolate: _, ...node } = fakeNode('worker-1', killed)
    await expect(fault.arm(siteOf([node]), params, never)).rejects.toThrow(
      'nothing stands between worker-1 and the others',
    )
  })
  test('without a node is not applied', async () => {
    await expect(arm([])).rejects.toThrow(/^there is no node to (cut off|lose)$/)
  })
})

test('a partition that no packet met is unexercised, and one that is gone is lost', async () => {
  const node = fakeNode('worker-1', killed)
  const active = await partition.arm(siteOf([node]), { from: 'all' }, never)
  expect(await active.prove()).toMatchObject({ state: 'unexercised', firings: 0 })
  node.cuts.clear()
  expect(await active.prove()).toMatchObject({ state: 'lost' })
})

test('a partition from one role cuts from that role', async () => {
  const node = fakeNode('worker-1', killed)
  await partition.arm(siteOf([node]), { from: 'store' }, never)
  expect([...node.cuts.values()]).toMatchObject([{ from: 'store' }])
})

describe('a lost node', () => {
  const lose = (node: FakeNode) => nodeLoss.arm(siteOf([node]), { identity: 'new' }, never)

  test('is cut off before it is killed, so that nobody hears of its end, and back in the network before it starts', async () => {
    const node = fakeNode('worker-1', killed)
    const active = await lose(node)
    expect(node.log).toEqual(['cut', 'kill'])
    expect(active.evidence).toEqual({ 'worker-1': killed })
    await active.heal()
    expect(node.log).toEqual(['cut', 'kill', 'joined', 'up'])
  })
  test('whose cut nobody met, or that was gone, was killed all the same: never nothing', async () => {
    const node = fakeNode('worker-1', killed)
    const active = await lose(node)
    const reason = expect.stringContaining('worker-1 was killed, and nothing was seen to meet the cut') as string
    const killedOnly = { state: 'partly', reason }
    expect(await active.prove()).toMatchObject(killedOnly)
    node.cuts.clear()
    expect(await active.prove()).toMatchObject(killedOnly)
  })
  test('that cannot be killed is not left cut off', async () => {
    const node = fakeNode('worker-1', killed)
    const kill = () => Promise.reject(new Error('no such container'))
    await expect(lose({ ...node, kill })).rejects.toThrow('no such container')
    expect(node.cuts.size).toBe(0)
  })
  test('that nothing proves to be dead is not applied, and is neither left cut off nor down', async () => {
    const node = fakeNode('worker-1', { signal: 'SIGTERM' })
    await expect(lose(node)).rejects.toThrow('nothing proves that worker-1 was killed')
    expect(node.log).toEqual(['cut', 'kill', 'joined', 'up'])
  })
  test('that was down already is not applied', async () => {
    const dead = { ...fakeNode('worker-1', killed), pid: undefined }
    await expect(lose(dead)).rejects.toThrow('worker-1 was not running')
    expect(dead.log).toEqual([])
  })
  test('starts again although its cut cannot be healed, and the leak is told', async () => {
    const node = fakeNode('worker-1', killed)
    const isolate: FakeNode['isolate'] = async (cut) => ({
      ...(await node.isolate!(cut)),
      heal: () => Promise.reject(new Error('nft: busy')),
    })
    const active = await lose({ ...node, isolate })
    await expect(active.heal()).rejects.toThrow('nft: busy')
    expect(node.healed).toEqual(['worker-1'])
  })
  test('whose failure cannot be undone names both', async () => {
    const node = fakeNode('worker-1', {})
    const kill = async (): Promise<NodeHarm> => ({ evidence: {}, heal: () => Promise.reject(new Error('no image')) })
    await expect(lose({ ...node, kill })).rejects.toThrow(
      /nothing proves that worker-1 was killed; and it could not be undone: no image/,
    )
  })
})
