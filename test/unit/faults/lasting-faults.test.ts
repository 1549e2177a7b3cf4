import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import type { Node, NodeHarm } from '../../../harness/model/runtime.ts'
import restartLoop from '../../../harness/faults/restart-loop.ts'
import rollingDeploy from '../../../harness/faults/rolling-deploy.ts'
import { fakeNode, type FakeNode, never, siteOf } from './fakes.ts'

const crashed = { pid: 100, signal: 'SIGKILL', code: null }
const drained = { pid: 100, signal: null, code: 0, drained: true }
/** Comes when what it waits for is so; the test's own limit ends it otherwise. */
const until = async (what: () => boolean): Promise<void> => {
  while (!what()) await sleep(1)
}

/** Down after each crash until `start` is called, or at once up again. */
function loopNode(name: string, evidence: NodeHarm['evidence'] = crashed, comesBack = true): FakeNode {
  const node = fakeNode(name, evidence)
  const { crash } = node
  node.crash = () => {
    node.pid = undefined
    if (comesBack) setTimeout(() => (node.pid = 101), 1)
    return crash()
  }
  return node
}

describe('restart-loop', () => {
  const arm = (nodes: readonly Node[], signal = never) => restartLoop.arm(siteOf(nodes), { upMs: 1 }, signal)
  const count = ({ log }: FakeNode): number => log.filter((what) => what === 'crash').length

  test('is proven by at least two crashes of each node', async () => {
    const nodes = [loopNode('worker-0'), loopNode('worker-1')]
    const active = await arm(nodes)
    expect(active.evidence).toEqual({ 'worker-0': crashed, 'worker-1': crashed })
    await until(() => nodes.every((node) => count(node) > 1))
    const proof = await active.prove()
    expect(proof.state).toBe('proven')
    expect(proof.firings).toBeGreaterThanOrEqual(4)
    await active.heal()
  })
  test('of a node that crashed once is a kill, and no loop: partly', async () => {
    const node = loopNode('worker-0', crashed, false)
    const active = await arm([node])
    expect(await active.prove()).toMatchObject({
      state: 'partly',
      firings: 1,
      reason: 'worker-0 crashed once, which is no loop',
    })
    node.pid = 101
    await active.heal()
  })
  test('crashes nobody after it was healed, and heals twice', async () => {
    const node = loopNode('worker-0')
    const active = await arm([node])
    await active.heal()
    const before = count(node)
    await sleep(60)
    expect(count(node)).toBe(before)
    expect(node.pid).toBeDefined()
    await active.heal()
  })
  test('whose node cannot be crashed again is partly, with the reason', async () => {
    const node = loopNode('worker-0')
    const { crash } = node
    const once = () => (count(node) > 0 ? Promise.reject(new Error('no such process')) : crash())
    const site = { ...node, crash: once }
    Object.defineProperty(site, 'pid', { get: () => node.pid })
    const active = await arm([site])
    await vi.waitFor(async () =>
      expect(await active.prove()).toMatchObject({ state: 'partly', evidence: { failed: ['no such process'] } }),
    )
    await active.heal()
  })
  test('with a stubbed actuator is not applied', async () => {
    await expect(arm([loopNode('worker-0', {})])).rejects.toThrow('nothing proves that worker-0 crashed')
  })
  test('when the second of two nodes cannot be crashed is partly; healed, the first is left alone again', async () => {
    const first = loopNode('worker-0')
    const dead = { ...fakeNode('worker-1', crashed), pid: undefined }
    const active = await arm([first, dead])
    await until(() => count(first) > 1)
    const reason = 'worker-1 was not running'
    expect(await active.prove()).toMatchObject({ state: 'partly', reached: ['worker-0'], reason })
    await active.heal()
    const before = count(first)
    await sleep(50)
    expect(count(first)).toBe(before)
    expect(first.pid).toBeDefined()
  })
  test('aborted, or without a node, is not applied', async () => {
    const node = loopNode('worker-0')
    await expect(arm([node], AbortSignal.abort())).rejects.toThrow('aborted')
    expect(node.log).toEqual([])
    await expect(arm([])).rejects.toThrow('there is no node to crash')
  })
})

describe('rolling-deploy', () => {
  const params = { graceMs: 500, gapMs: 1, identity: 'new' as const }
  const arm = (nodes: readonly Node[], signal = never, given = params) =>
    rollingDeploy.arm(siteOf(nodes), given, signal)
  /** Three nodes with one log: `stop worker-0`, `up worker-0`, ... */
  function fleet(log: string[], stop?: (name: string) => Promise<NodeHarm> | undefined): readonly FakeNode[] {
    return ['worker-0', 'worker-1', 'worker-2'].map((name) => ({
      ...fakeNode(name, drained),
      stop: async (graceMs, identity) => {
        log.push(`stop ${name} ${graceMs} ${identity}`)
        const heal = async (): Promise<void> => void log.push(`up ${name}`)
        return (await stop?.(name)) ?? { evidence: drained, heal }
      },
    }))
  }

  test('stops one node at a time, in order, and each is back before the next', async () => {
    const log: string[] = []
    const active = await arm(fleet(log))
    expect(active.evidence).toEqual({ order: ['worker-0', 'worker-1', 'worker-2'] })
    await until(() => log.length === 6)
    expect(log).toEqual(['worker-0', 'worker-1', 'worker-2'].flatMap((name) => [`stop ${name} 500 new`, `up ${name}`]))
    const rolled = { 'worker-0': drained, 'worker-1': drained, 'worker-2': drained }
    expect(await active.prove()).toEqual({ state: 'proven', firings: 3, evidence: { rolled } })
    await active.heal()
  })
  test('whose window ends before its last node is partly; healed, it rolls no further', async () => {
    const log: string[] = []
    const active = await arm(fleet(log), never, { ...params, gapMs: 60_000 })
    await until(() => log.includes('up worker-0'))
    expect(await active.prove()).toMatchObject({
      state: 'partly',
      reached: ['worker-0'],
      firings: 1,
      evidence: { rolled: { 'worker-0': drained }, notReplaced: ['worker-1', 'worker-2'] },
    })
    await active.heal()
    await active.heal()
    expect(log.filter((line) => line.startsWith('stop'))).toHaveLength(1)
  })
  test('healed in the middle of a node waits for it', async () => {
    const log: string[] = []
    const gate = Promise.withResolvers<void>()
    const slow = (name: string): Promise<NodeHarm> | undefined =>
      name === 'worker-1'
        ? gate.promise.then(() => ({ evidence: drained, heal: async () => void log.push('up worker-1') }))
        : undefined
    const active = await arm(fleet(log, slow))
    await until(() => log.some((line) => line.startsWith('stop worker-1')))
    const healing = active.heal()
    gate.resolve()
    await healing
    expect(log).toContain('up worker-1')
    expect(log.join()).not.toContain('worker-2')
  })
  test('whose node cannot be stopped on the way is partly', async () => {
    const log: string[] = []
    const fails = (name: string) => (name === 'worker-1' ? Promise.reject(new Error('no such pod')) : undefined)
    const active = await arm(fleet(log, fails))
    await until(() => log.some((line) => line.startsWith('stop worker-1')))
    await sleep(1)
    expect(await active.prove()).toMatchObject({ state: 'partly', firings: 1, evidence: { failure: 'no such pod' } })
    await active.heal()
    expect(log.join()).not.toContain('worker-2')
  })
  test('whose node does not come back is partly, and healing says that it is still down', async () => {
    const log: string[] = []
    const heal = () => Promise.reject(new Error('worker-1 was not ready within 60 s'))
    const stuck = (name: string) => (name === 'worker-1' ? Promise.resolve({ evidence: drained, heal }) : undefined)
    const active = await arm(fleet(log, stuck))
    await until(() => log.some((line) => line.startsWith('stop worker-1')))
    await sleep(1)
    expect(await active.prove()).toMatchObject({ state: 'partly', reached: ['worker-0', 'worker-1'], firings: 1 })
    await expect(active.heal()).rejects.toThrow('worker-1 was not ready within 60 s')
  })
  test('with a stubbed actuator is not applied, and the node is up again', async () => {
    const node = fakeNode('worker-0', {})
    await expect(arm([node])).rejects.toThrow('nothing proves that worker-0 was stopped')
    expect(node.healed).toEqual(['worker-0'])
  })
  test('whose first node cannot be stopped is not applied', async () => {
    await expect(arm(fleet([], () => Promise.reject(new Error('no such pod'))))).rejects.toThrow('no such pod')
  })
  test('aborted while its first node drains is undone', async () => {
    const log: string[] = []
    const abort = new AbortController()
    const nodes = fleet(log, () => void abort.abort())
    await expect(arm(nodes, abort.signal)).rejects.toThrow('aborted')
    expect(log.join()).toContain('up worker-0')
    expect(log.join()).not.toContain('worker-1')
  })
  test('without a node is not applied', async () => {
    await expect(arm([])).rejects.toThrow('there is no node to deploy')
  })
})
