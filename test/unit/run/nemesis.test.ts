import { placeNames } from '../../../harness/model/place.ts'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { monotonicMs, sleep } from '../../../patterns/contract/types/timer.ts'
import type { FaultChange } from '../../../harness/model/history.ts'
import type { PlannedFault } from '../../../harness/model/plan.ts'
import type { ActiveFault, Fault } from '../../../harness/model/fault.ts'
import type { Deployment, Node } from '../../../harness/model/runtime.ts'
import { carryOut, type FaultNote, type NemesisPorts, watchTasks } from '../../../harness/run/nemesis.ts'

const never = new AbortController().signal
const node = (name: string, role: Node['role'], ordinal: number) => ({ name, role, ordinal }) as Node
const nodes = [node('api-0', 'api', 0), node('worker-0', 'worker', 0), node('worker-1', 'worker', 1)]

const planned = (over: Partial<PlannedFault> = {}): PlannedFault => ({
  id: 'f#1',
  fault: 'probe',
  target: { kind: 'node', role: 'executor', ordinal: 1 },
  trigger: { kind: 'time', atMs: 0 },
  durationMs: 5,
  params: {},
  seed: 1,
  ...over,
})

function setUp(arm: Fault['arm']): { ports: NemesisPorts; changes: FaultChange[]; notes: FaultNote[] } {
  const probe: Fault = {
    name: 'probe',
    summary: '',
    acts: 'node',
    needs: [],
    proof: '',
    impact: 'none',
    params: z.unknown(),
    arm,
  }
  const changes: FaultChange[] = []
  const deployment = { nodes, links: [] as Deployment['links'] } as unknown as Deployment
  const onStep: NemesisPorts['onStep'] = (_task, _step, signal) =>
    new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('never'))))
  const record = (change: FaultChange) => void changes.push(change)
  const notes: FaultNote[] = []
  const note = async (entry: FaultNote) => void notes.push(entry)
  const faults = new Map([['probe', probe]])
  const onAccepted: NemesisPorts['onAccepted'] = (task, signal) => onStep(task, 0, signal)
  const epochMs = monotonicMs()
  const ports: NemesisPorts = { faults, deployment, executor: 'worker', epochMs, onStep, onAccepted, record, note }
  return { ports, changes, notes }
}

const active = (over: Partial<ActiveFault> = {}): ActiveFault => ({
  evidence: { pid: 1 },
  prove: async () => ({ state: 'proven', firings: 1 }),
  heal: async () => {},
  ...over,
})
const states = (changes: readonly FaultChange[]) => changes.map(({ state }) => state)

describe('the nemesis', () => {
  it('arms, proves and heals, and says what it touched', async () => {
    const { ports, changes } = setUp(async () => active())
    await carryOut([planned()], ports, never)
    expect(states(changes)).toEqual(['armed', 'proven', 'healed'])
    expect(changes[0]!.target).toEqual([{ node: 'worker-1' }])
  })

  it('names what was harmed, where a fault was carried out in part', async () => {
    const proof = { state: 'partly', reached: ['worker-0'], reason: 'worker-1 was not running' } as const
    const { ports, changes } = setUp(async () => active({ prove: async () => proof }))
    await carryOut([planned({ target: { kind: 'node', role: 'executor', ordinal: 'all' } })], ports, never)
    expect(states(changes)).toEqual(['armed', 'partly', 'healed'])
    expect(changes[1]).toMatchObject({
      target: [{ node: 'worker-0' }, { node: 'worker-1' }],
      ...proof,
      reached: [{ node: 'worker-0' }],
    })
  })

  it('says when a fault took effect, where that was before it was known to have', async () => {
    const { ports, changes } = setUp(async () => active({ sinceMs: ports.epochMs - 7 }))
    await carryOut([planned()], ports, never)
    expect(changes.map(({ onsetAt }) => onsetAt)).toEqual([-7, undefined, undefined])
  })

  it('of one that cannot say when it took effect, says when it was ordered', async () => {
    let orderedMs = 0
    const { ports, changes } = setUp(async () => {
      orderedMs = monotonicMs()
      await sleep(30)
      return active()
    })
    await carryOut([planned()], ports, never)
    expect(changes[0]!.onsetAt).toBeLessThanOrEqual(orderedMs - ports.epochMs)
  })

  it('writes down a fault before it is armed, and that it was healed after that', async () => {
    const seen: string[] = []
    const { ports, notes } = setUp(async () => {
      seen.push(...notes.map(({ kind }) => kind))
      return active()
    })
    await carryOut([planned({ durationMs: 50 })], ports, never)
    expect(seen).toEqual(['fault'])
    expect(notes).toMatchObject([
      { kind: 'fault', name: 'f#1', target: 'worker-1' },
      { kind: 'healed', name: 'f#1' },
    ])
  })

  it('arms nothing that it could not write down', async () => {
    const { ports, changes } = setUp(() => Promise.reject(new Error('armed')))
    await carryOut([planned()], { ...ports, note: () => Promise.reject(new Error('the disk is full')) }, never)
    expect(changes).toMatchObject([{ state: 'not-applied', reason: 'the disk is full' }])
  })

  it('leaves a fault that it could not undo without a note of its healing', async () => {
    const { ports, notes } = setUp(async () => active({ heal: () => Promise.reject(new Error('stuck')) }))
    await carryOut([planned()], ports, never)
    expect(notes.map(({ kind }) => kind)).toEqual(['fault'])
  })

  it('aims at whoever did the step that set it off', async () => {
    const { ports, changes } = setUp(async () => active())
    const trigger = { kind: 'step', task: 1, step: 2, delayMs: 0, withinMs: 1000 } as const
    const target = { kind: 'node', role: 'executor', ordinal: 'of-step' } as const
    await carryOut([planned({ trigger, target })], { ...ports, onStep: async () => 'worker-1' }, never)
    expect(changes.map(({ target: places, state }) => [placeNames(places), state])).toEqual([
      ['worker-1', 'armed'],
      ['worker-1', 'proven'],
      ['worker-1', 'healed'],
    ])
  })

  it('aims at the node that accepted, with its line on the disk before', async () => {
    const { ports, changes, notes } = setUp(async () => active())
    const trigger = { kind: 'accepted', task: 1, delayMs: 1, withinMs: 1000, windowMs: 20 } as const
    const target = { kind: 'node', role: 'api', ordinal: 'of-task' } as const
    const onAccepted = async () => {
      expect(notes).toMatchObject([{ kind: 'fault', name: 'f#1' }])
      return 'api-0'
    }
    await carryOut([planned({ trigger, target })], { ...ports, onAccepted }, never)
    expect(changes.map(({ target: places, state }) => [placeNames(places), state])).toEqual([
      ['api-0', 'armed'],
      ['api-0', 'proven'],
      ['api-0', 'healed'],
    ])
    expect(notes.map(({ kind }) => kind)).toEqual(['fault', 'healed'])
  })

  it('arms nothing at a step that nobody did in time, and says at whom it would have aimed', async () => {
    const { ports, changes } = setUp(() => Promise.reject(new Error('armed')))
    const trigger = { kind: 'step', task: 1, step: 2, delayMs: 0, withinMs: 5 } as const
    const target = { kind: 'node', role: 'executor', ordinal: 'of-step' } as const
    await carryOut([planned({ trigger, target })], ports, never)
    expect(changes).toMatchObject([{ state: 'skipped', target: [{ node: 'executor-of-step' }] }])
  })

  it('wraps ordinals around, so that one schedule fits patterns of any size', async () => {
    const { ports, changes } = setUp(async () => active())
    await carryOut([planned({ target: { kind: 'node', role: 'executor', ordinal: 4 } })], ports, never)
    expect(changes[0]!.target).toEqual([{ node: 'worker-0' }])
  })

  it('calls a fault that could not be armed not-applied, with the reason', async () => {
    const { ports, changes } = setUp(() => Promise.reject(new Error('worker-1 is not running')))
    await carryOut([planned()], ports, never)
    expect(changes).toMatchObject([{ state: 'not-applied', reason: 'worker-1 is not running' }])
  })

  it('calls a target that this cell does not have not-applied', async () => {
    const { ports, changes } = setUp(async () => active())
    await carryOut([planned({ target: { kind: 'link', link: 'sender->receiver', ordinal: 'all' } })], ports, never)
    expect(states(changes)).toEqual(['not-applied'])
  })

  it('heals although the proof failed, and reports what could not be undone as leaked', async () => {
    let healed = 0
    const heal = async () => {
      healed++
      throw new Error('the proxy does not answer')
    }
    const prove = () => Promise.reject(new Error('gone'))
    const { ports, changes } = setUp(async () => active({ prove, heal }))
    await carryOut([planned()], ports, never)
    expect(states(changes)).toEqual(['armed', 'lost', 'leaked'])
    expect(healed).toBe(1)
  })

  it('heals at once when the run is aborted', async () => {
    const { ports, changes } = setUp(async () => active())
    const controller = new AbortController()
    const running = carryOut([planned({ durationMs: 600_000 })], ports, controller.signal)
    setTimeout(() => controller.abort(), 20)
    await running
    expect(states(changes)).toEqual(['armed', 'proven', 'healed'])
  })

  it('says skipped when the trigger never comes', async () => {
    const { ports, changes } = setUp(async () => active())
    const trigger = { kind: 'step', task: 3, step: 4, delayMs: 0, withinMs: 10 } as const
    await carryOut([planned({ trigger })], ports, never)
    expect(states(changes)).toEqual(['skipped'])
  })
})

it('tells who waits what a task came to, before or after it did, and the first time only', async () => {
  const watch = watchTasks()
  const waiting = watch.accepted(2, never)
  watch.sawAccepted('t-00002', 'api-1')
  watch.sawAccepted('t-00002', 'api-0')
  watch.sawEffect({ task: 't-00002', step: 1, executor: 'worker-1.2' })
  watch.sawEffect({ task: 't-00002', step: 1, executor: 'worker-0' })
  expect(await Promise.all([waiting, watch.accepted(2, never), watch.step(2, 1, never)])).toEqual([
    'api-1',
    'api-1',
    'worker-1',
  ])
  await expect(watch.accepted(3, AbortSignal.timeout(1))).rejects.toThrow()
})
