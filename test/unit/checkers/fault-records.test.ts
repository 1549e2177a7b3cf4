import { describe, expect, test } from 'vitest'
import recordSound from '../../../harness/checkers/record-sound.ts'
import type { FaultChange, OpOf } from '../../../harness/model/history.ts'
import { placesIn } from '../../../harness/model/place.ts'
import type { CellPlan, PlannedFault } from '../../../harness/model/plan.ts'
import { plannedFault } from '../stats/cells.ts'
import { effect, exited, ready, story, submit } from './story.ts'

type Line = Parameters<typeof story>[0][number]

const t = 't-00001'
/** The first of the load, as a run counts. */
const sent: Line = {
  f: 'task',
  type: 'invoke',
  at: 0,
  process: 'client',
  task: t,
  value: { ordinal: 0, intendedAt: 0, idealMs: 100, steps: 2, deadlineAt: 200, giveUpAt: 300, expectedDigest: 'right' },
}
const begun = [sent, submit(t, 1, 'ok')]

/** The states of one firing, each at its time. */
function life(id: string, on: string, ...changes: readonly (readonly [number, Partial<FaultChange>])[]): Line[] {
  const about = { id, fault: id.replace(/-\d+#\d+$/, ''), target: placesIn(on) }
  return changes.map(([at, value]) => {
    return { f: 'fault', type: 'observe', at, process: 'nemesis', value: { ...about, ...value } } as Line
  })
}

const firing = (id: string, over: Partial<PlannedFault> = {}): PlannedFault =>
  plannedFault({ id, fault: id.replace(/-\d+#\d+$/, ''), ...over })

function judge(lines: readonly Line[], faults: readonly PlannedFault[], over: Partial<CellPlan> = {}) {
  const { status, summary } = recordSound.check(story([...begun, ...lines], { faults: [...faults], ...over }))
  return status === 'pass' ? status : summary
}

const whole = [
  [100, { state: 'armed' }],
  [200, { state: 'proven', firings: 1 }],
  [210, { state: 'healed' }],
] as const

const node = (at: number, name: string, state: OpOf<'node'>['value']['state']): Line =>
  ({ f: 'node', type: 'observe', at, process: `node:${name}`, value: { node: name, state } }) as Line

describe('a record of faults may be true', () => {
  test('a kill of who did a step, after that', () => {
    const target = { kind: 'node', role: 'executor', ordinal: 'of-step' } as const
    const trigger = { kind: 'step', task: 1, step: 1, delayMs: 20, withinMs: 5000 } as const
    const planned = firing('kill-1#1', { target, trigger })
    const killed = (name: string, at: number) => [
      effect(t, 1, 20, { executor: 'worker-1' }),
      exited(name, at + 0.5),
      ...life('kill-1#1', name, [at, { state: 'armed', onsetAt: at }], [200, { state: 'proven', firings: 1 }]),
      ready(name, 205),
      ...life('kill-1#1', name, [210, { state: 'healed' }]),
    ]
    expect(judge(killed('worker-1', 92), [planned])).toBe('pass')
    expect(judge(killed('worker-0', 92), [planned])).toContain('was on worker-0, and planned on executor-of-step')
    expect(judge(killed('worker-1', 30), [planned])).toContain('60 ms before it was to')
  })

  test('a kill of who accepted a task, in the moment of that', () => {
    const target = { kind: 'node', role: 'api', ordinal: 'of-task' } as const
    const trigger = { kind: 'accepted', task: 1, delayMs: 2, withinMs: 5000, windowMs: 5 } as const
    const planned = firing('kill-1#1', { target, trigger })
    const lines = [exited('api-0', 3.6), ...life('kill-1#1', 'api-0', [3.5, { state: 'armed' }], ...whole.slice(1))]
    expect(judge(lines, [planned])).toBe('pass')
  })

  test('a packet filter on one link of several, and on all, of which some were felt', () => {
    const one = firing('drop-1#1', { target: { kind: 'link', link: 'worker->store', ordinal: 0 } })
    expect(judge(life('drop-1#1', 'worker->store-0', ...whole), [one])).toBe('pass')
    const all = firing('drop-1#1', { target: { kind: 'link', link: 'client->api', ordinal: 'all' } })
    const reached = placesIn('client->api-1')
    const felt = [whole[0], [200, { state: 'partly', reached, firings: 0, reason: 'x' }], whole[2]] as const
    expect(judge(life('drop-1#1', 'client->api-0, client->api-1', ...felt), [all])).toBe('pass')
    expect(judge(life('drop-1#1', 'worker->store-0', ...whole), [all])).toContain('planned on client->api-all')
  })

  test('a rolling deployment of several nodes that was carried out in part', () => {
    const target = { kind: 'node', role: 'executor', ordinal: 'all' } as const
    const planned = firing('rolling-deploy-1#1', { target })
    const reached = placesIn('worker-0, worker-1')
    const lines = [
      exited('worker-0', 100),
      ready('worker-0', 120),
      exited('worker-1', 190),
      ready('worker-1', 230),
      ...life(
        'rolling-deploy-1#1',
        'worker-0, worker-1, worker-2',
        [101, { state: 'armed' }],
        [200, { state: 'partly', reached, firings: 1, reason: 'the window ended before' }],
        [240, { state: 'healed' }],
      ),
      effect(t, 1, 125),
      effect(t, 2, 235, { executor: 'worker-1.2' }),
    ]
    expect(judge(lines, [planned])).toBe('pass')
  })

  test.each([
    ['skipped, on what the cell does not have', [[50, { state: 'skipped', reason: 'x' }]]],
    ['not applied', [[50, { state: 'not-applied', reason: 'x' }]]],
  ] as const)('%s', (_, changes) => {
    expect(judge(life('kill-1#1', 'executor-0', ...changes), [firing('kill-1#1')])).toBe('pass')
  })

  test.each(['unexercised', 'lost'] as const)('%s, and healed or leaked', (state) => {
    const planned = firing('pause-1#1')
    const changes = [whole[0], [200, { state, firings: 0, reason: 'x' }]] as const
    expect(judge(life('pause-1#1', 'worker-0', ...changes, whole[2]), [planned])).toBe('pass')
    expect(judge(life('pause-1#1', 'worker-0', ...changes, [210, { state: 'leaked' }]), [planned])).toBe('pass')
  })

  test('firings that a rate drew, each at its time and on its node', () => {
    const drawn = [1, 2, 3].map((n) =>
      firing(`pause-1#${n}`, {
        target: { kind: 'node', role: 'executor', ordinal: n },
        trigger: { kind: 'time', atMs: 90 },
      }),
    )
    const lives = (...on: readonly string[]) => on.flatMap((name, i) => life(`pause-1#${i + 1}`, name, ...whole))
    // The third is the second again, as there are two: ordinals wrap around.
    expect(judge(lives('worker-1', 'worker-0', 'worker-1'), drawn)).toBe('pass')
    expect(judge([...lives('worker-1', 'worker-0', 'worker-1'), ready('worker-3', -5)], drawn)).toContain(
      'was on worker-0, and planned on executor-2',
    )
  })

  test('a service that crashed by itself works on when it is started again', () => {
    const crash = [node(100, 'worker-0', 'crashed'), node(150, 'worker-0', 'restarting')]
    expect(judge([...crash, effect(t, 1, 160), node(170, 'worker-0', 'ready')], [])).toBe('pass')
    expect(judge([...crash, node(170, 'worker-0', 'ready'), effect(t, 1, 160)], [])).toBe('pass')
    expect(judge([node(100, 'worker-0', 'crashed'), effect(t, 1, 160)], [])).toContain('before it was started again')
  })

  test('a heal that took its time', () => {
    const planned = firing('kill-1#1', { durationMs: 100 })
    const killed = (readyAt: number, healedAt: number) => [
      exited('worker-0', 100),
      ...life('kill-1#1', 'worker-0', whole[0], whole[1]),
      ready('worker-0', readyAt),
      ...life('kill-1#1', 'worker-0', [healedAt, { state: 'healed' }]),
    ]
    expect(judge(killed(4000, 4100), [planned])).toBe('pass')
    expect(judge(killed(400, 2300), [planned])).toBe('pass')
    expect(judge(killed(400, 3000), [planned])).toContain('after its nodes were back')
  })
})
