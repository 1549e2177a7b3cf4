import { describe, expect, test } from 'vitest'
import type { Fault } from '../../../harness/model/fault.ts'
import type { NodeHarm } from '../../../harness/model/runtime.ts'
import cpuPressure from '../../../harness/faults/cpu-pressure.ts'
import block from '../../../harness/faults/block.ts'
import kill from '../../../harness/faults/kill.ts'
import oom from '../../../harness/faults/oom.ts'
import pause from '../../../harness/faults/pause.ts'
import stop from '../../../harness/faults/stop.ts'
import { fakeNode, never, siteOf } from './fakes.ts'

const killed = { pid: 100, signal: 'SIGKILL', code: null }
const drained = { pid: 100, signal: null, code: 0, drained: true }
const stopped = { pid: 100, state: 'T' }
const nodeFaults: readonly [Fault, NodeHarm['evidence'], unknown][] = [
  [kill as Fault, killed, { identity: 'same' }],
  [stop as Fault, drained, { graceMs: 100 }],
  [pause as Fault, stopped, {}],
  [block as Fault, { blocked: true }, {}],
  [oom as Fault, { oomKilled: true }, {}],
  [cpuPressure as Fault, { quota: 0.05 }, { share: 0.05 }],
]

describe.each(nodeFaults)('$name', (fault, evidence, params) => {
  test('is proven by the words of the operating system, and says which node', async () => {
    const active = await fault.arm(siteOf([fakeNode('worker-1', evidence)]), params, never)
    expect(active.evidence).toEqual({ 'worker-1': evidence })
    expect(await active.prove()).toEqual({ state: 'proven', firings: 1, evidence: { 'worker-1': evidence } })
  })
  test('heals, and a second time without complaint', async () => {
    const node = fakeNode('worker-1', evidence)
    const active = await fault.arm(siteOf([node]), params, never)
    await active.heal()
    await active.heal()
    expect(node.healed.length).toBeGreaterThan(0)
  })
  test('of a node that is already down is not applied', async () => {
    const dead = { ...fakeNode('worker-1', evidence), pid: undefined }
    await expect(fault.arm(siteOf([dead]), params, never)).rejects.toThrow('worker-1 was not running')
  })
  test('with a stubbed actuator is not applied, and what was begun is undone', async () => {
    const node = fakeNode('worker-1', {})
    await expect(fault.arm(siteOf([node]), params, never)).rejects.toThrow(
      `nothing proves "${fault.name}" of worker-1: the operating system says {}`,
    )
    expect(node.healed).toEqual(['worker-1'])
  })
  test('aborted while arming is undone', async () => {
    const abort = new AbortController()
    const node = fakeNode('worker-1', evidence)
    const harm = async (): Promise<NodeHarm> => {
      abort.abort(new Error('enough'))
      return { evidence, heal: async () => void node.healed.push('worker-1') }
    }
    const acts = { kill: harm, stop: harm, pause: harm, block: harm, limitCpu: harm, exhaustMemory: harm }
    const site = siteOf([{ ...node, ...acts }])
    await expect(fault.arm(site, params, abort.signal)).rejects.toThrow('enough')
    expect(node.healed).toEqual(['worker-1'])
  })
  test('without a node is not applied', async () => {
    await expect(fault.arm(siteOf([]), params, never)).rejects.toThrow('there is no node to harm')
  })
})

test('a kill that ended the process by another signal is not a kill', async () => {
  const node = fakeNode('worker-1', { signal: 'SIGTERM', code: null })
  await expect(kill.arm(siteOf([node]), { identity: 'same' }, never)).rejects.toThrow('nothing proves "kill"')
})

test('a paused process that is another one at the end of the window was lost', async () => {
  const node = fakeNode('worker-1', stopped)
  const active = await pause.arm(siteOf([node]), {}, never)
  node.pid = 101
  expect(await active.prove()).toMatchObject({ state: 'lost', firings: 0, evidence: { replaced: ['worker-1'] } })
})

test('a process that was given its quota and is another one at the end of the window was lost', async () => {
  const node = fakeNode('worker-1', { quota: 0.05 })
  const active = await cpuPressure.arm(siteOf([node]), { share: 0.05 }, never)
  node.pid = 101
  expect(await active.prove()).toMatchObject({ state: 'lost' })
})

test('a harm that lasts is proven by what was felt of it', async () => {
  let times = 0
  const node = fakeNode('worker-1', { quota: 0.05 })
  const limitCpu = async (): Promise<NodeHarm> => ({
    evidence: { quota: 0.05 },
    felt: async () => ({ times, evidence: { throttled: times } }),
    heal: async () => {},
  })
  const active = await cpuPressure.arm(siteOf([{ ...node, limitCpu }]), { share: 0.05 }, never)
  expect(await active.prove()).toMatchObject({ state: 'unexercised', firings: 0 })
  times = 4
  const evidence = { 'worker-1': { throttled: 4 } }
  expect(await active.prove()).toEqual({ state: 'proven', firings: 4, evidence })
})

test.each([
  [oom as Fault, 'exhaustMemory', 'worker-1 has no memory limit that could be reached'],
  [cpuPressure as Fault, 'limitCpu', 'worker-1 has no processor quota that could be changed'],
] as const)('$name of a node without limits is not applied', async (fault, act, why) => {
  const { [act]: _, ...node } = fakeNode('worker-1', {})
  await expect(fault.arm(siteOf([node]), fault.params.parse({}), never)).rejects.toThrow(why)
})

describe('a fault that could be carried out on some of its nodes only', () => {
  const [first, second] = [fakeNode('worker-0', killed), fakeNode('worker-1', killed)]
  const third = { ...fakeNode('worker-2', killed), pid: undefined }
  const arm = () => kill.arm(siteOf([first, second, third]), { identity: 'same' }, never)

  test('is partly, and says to whom it was done, to whom not, and why', async () => {
    const active = await arm()
    const undone = [{ name: 'worker-2', reason: 'worker-2 was not running' }]
    expect(active.evidence).toEqual({ 'worker-0': killed, 'worker-1': killed, undone })
    expect(await active.prove()).toMatchObject({
      state: 'partly',
      reached: ['worker-0', 'worker-1'],
      firings: 2,
      reason: 'worker-2 was not running',
    })
  })
  test('holds to the end of its window and is healed then', async () => {
    const before = first.healed.length
    const active = await arm()
    expect(first.healed).toHaveLength(before)
    await active.heal()
    expect([...first.healed.slice(before), ...second.healed.slice(-1)]).toEqual(['worker-0', 'worker-1'])
  })
  test('gives back at once what nothing proves, and tells at the end what could not be given back', async () => {
    const stuck = {
      ...fakeNode('worker-3', {}),
      kill: async () => ({ evidence: {}, heal: () => Promise.reject(new Error('no such pod')) }),
    }
    const active = await kill.arm(siteOf([first, stuck]), { identity: 'same' }, never)
    expect(await active.prove()).toMatchObject({
      state: 'partly',
      reached: ['worker-0'],
      reason: expect.stringContaining('nothing proves') as string,
    })
    await expect(active.heal()).rejects.toThrow('no such pod')
  })
  test('one of two that was replaced before the end is partly, not lost', async () => {
    const [one, other] = [fakeNode('worker-0', stopped), fakeNode('worker-1', stopped)]
    const active = await pause.arm(siteOf([one, other]), {}, never)
    one.pid = 7
    expect(await active.prove()).toMatchObject({
      state: 'partly',
      firings: 1,
      reason: expect.stringContaining('worker-0 is another process') as string,
    })
  })
})

test('a harm that cannot be undone is named beside the reason for undoing it', async () => {
  const node = fakeNode('worker-1', {})
  const harm = async (): Promise<NodeHarm> => ({ evidence: {}, heal: () => Promise.reject(new Error('no such pod')) })
  await expect(kill.arm(siteOf([{ ...node, kill: harm }]), { identity: 'same' }, never)).rejects.toThrow(
    /nothing proves "kill".*could not be undone: no such pod/,
  )
})
