import { describe, expect, test } from 'vitest'
import effectOnce from '../../../harness/checkers/effect-once.ts'
import idempotency from '../../../harness/checkers/idempotency.ts'
import noLostTask from '../../../harness/checkers/no-lost-task.ts'
import noPhantom from '../../../harness/checkers/no-phantom.ts'
import resultIntegrity from '../../../harness/checkers/result-integrity.ts'
import streamContinuity from '../../../harness/checkers/stream-continuity.ts'
import stateMachine from '../../../harness/checkers/state-machine.ts'
import { plannedFault } from '../stats/cells.ts'
import {
  callback,
  effect,
  end,
  event,
  exited,
  fault,
  final,
  intend,
  open,
  poll,
  ready,
  story,
  submit,
  torn,
} from './story.ts'

const t = 't-1'
type Lines = Parameters<typeof story>[0]
const begun = [intend(t), submit(t, 1, 'ok')]

describe('no-lost-task', () => {
  /** The arm's fault touched the task and was over long before its end, so that the promise was put to the test. */
  const tried = fault('tried', 'store-0', 2, 12)
  const check = (lines: Lines, over: Parameters<typeof story>[1] = {}) =>
    noLostTask.check(story([...begun, ...lines], over))
  const under = (...lines: Lines) => check([...tried, ...lines])
  const done = [effect(t, 1, 5), effect(t, 2, 55)]

  test('a result and word of failure are ends; giving up, silence and a forgetful server are not', () => {
    expect(under(end(t, 150, 'ok')).status).toBe('pass')
    expect(under(end(t, 150, 'fail', { reason: 'task-failed' })).status).toBe('pass')
    expect(under(end(t, 150, 'fail', { reason: 'gone' })).status).toBe('fail')
    expect(under(...done, end(t, 300, 'info')).status).toBe('fail')
    expect(under(...done).status).toBe('fail')
  })

  test('where no fault touched an accepted task it was not put to the test, and a loss is one all the same', () => {
    expect(check([end(t, 150, 'ok')])).toMatchObject({ status: 'unexercised', counts: { exposed: 0 } })
    expect(check([end(t, 150, 'ok'), ...fault('f', 'client->api-7', 10, 90)]).status).toBe('unexercised')
    expect(check([end(t, 300, 'info')]).status).toBe('fail')
  })

  test('a fault that takes nothing away and delays nothing did not put it to the test', () => {
    const twice = fault('f', 'store-0', 10, 90, 'callback-duplicate')
    expect(check([end(t, 150, 'ok'), ...twice])).toMatchObject({ status: 'unexercised', counts: { exposed: 1 } })
    expect(check([end(t, 150, 'ok'), ...twice, ...tried]).status).toBe('pass')
  })

  test('a task that was never accepted is not judged', () => {
    const lines = [intend(t), submit(t, 1, 'info'), end(t, 300, 'info')]
    expect(noLostTask.check(story(lines))).toMatchObject({ status: 'unknown', counts: { judged: 0 } })
  })

  describe('late is not lost', () => {
    const right = { status: 'completed', digest: 'right', version: 4 }
    const gaveUp = (doneAt: number, final_ = right, timeScale = 600) =>
      check([effect(t, 1, 5), effect(t, 2, doneAt - 50), end(t, 300, 'info'), final(t, 'ok', final_)], { timeScale })

    test('a result that the server had only after its client gave up, or just before', () => {
      expect(gaveUp(350)).toMatchObject({ status: 'unknown', counts: { late: 1, broken: 0, judged: 0 } })
      expect(gaveUp(250).counts).toMatchObject({ late: 1, broken: 0 })
    })

    test('a result that was kept for longer than any delivery takes is lost', () => {
      expect(gaveUp(150)).toMatchObject({ status: 'fail', counts: { late: 0, broken: 1 } })
    })

    test('a wrong result, none, or one without its work is lost', () => {
      expect(gaveUp(350, { ...right, digest: 'wrong' }).status).toBe('fail')
      expect(gaveUp(350, { ...right, status: 'running', digest: null as never }).status).toBe('fail')
      expect(check([end(t, 300, 'info'), final(t, 'ok', right)]).status).toBe('fail')
    })

    test('a step that was done again does not make it late', () => {
      const zombie = effect(t, 2, 240, { executor: 'worker-1', attempt: 2 })
      const lines = [...done, zombie, end(t, 300, 'info'), final(t, 'ok', right)]
      expect(check(lines, { promises: ['effect-once'] }).status).toBe('fail')
      expect(check(lines).counts.late).toBe(1)
    })

    test('a result that came after the client was to give up', () => {
      expect(under(end(t, 300, 'ok')).status).toBe('pass')
      expect(under(end(t, 301, 'ok')).counts).toMatchObject({ late: 1, broken: 0 })
      expect(under(end(t, 301, 'ok', { digest: 'wrong' })).status).toBe('fail')
    })
  })

  describe('an excuse', () => {
    const early = Array.from({ length: 40 }, (_, i) => `t-${i + 10}`).flatMap((task) => [
      intend(task),
      submit(task, 1, 'ok'),
      end(task, 150, 'ok'),
    ])
    const lost = [...early, effect(t, 1, 5), end(t, 300, 'info')]
    const by = (...faults: Lines) => check([...lost, ...faults]).counts

    test('is an outage that touched the task and lasted until its client gave up, or left it too little time', () => {
      expect(by(...fault('f', 'store-0', 100, 350))).toMatchObject({ excused: 1, broken: 0 })
      // All of the work of 100 ms may be to do again, and up to 100 ms are for the way.
      expect(by(...fault('f', 'store-0', 50, 110))).toMatchObject({ excused: 1, broken: 0 })
      expect(by(...fault('f', 'store-0', 50, 90))).toMatchObject({ excused: 0, broken: 1 })
    })

    test('is no fault elsewhere, of a kind that nobody knows, or that began when all should have been over', () => {
      for (const other of ['worker-3', 'client->api-1', 'api-1'])
        expect(by(...fault('f', other, 100, 350))).toMatchObject({ excused: 0, broken: 1 })
      expect(by(...fault('f', 'store-0', 100, 350, 'gremlin')).broken).toBe(1)
      expect(by(...fault('f', 'store-0', 210, 350)).broken).toBe(1)
    })

    test('is no condition under which the load was offered, and no draw per connection', () => {
      expect(by(...fault('f', 'store-0', -5, 350, 'stall')).broken).toBe(1)
      const drawn = { faults: [plannedFault({ id: 'f', params: { probability: 0.5 } })] }
      expect(check([...lost, ...fault('f', 'store-0', 100, 350)], drawn).counts.broken).toBe(1)
    })

    test('is a delay only where it adds up to the grace', () => {
      const slow = (delayMs: number) => {
        const faults = [plannedFault({ id: 'f', fault: 'latency', params: { delayMs } })]
        return check([...lost, ...fault('f', 'worker->store-0', 100, 350, 'latency')], { faults }).counts.excused
      }
      expect([slow(1), slow(40), slow(50)]).toEqual([0, 0, 1])
    })

    test('is a delay on the link of a client once there and once back, and a silence where no client waits for so long', () => {
      const slow = (delayMs: number) => {
        const faults = [plannedFault({ id: 'f', fault: 'latency', params: { delayMs } })]
        const lines = [...lost, ...fault('f', 'client->api-0', 100, 350, 'latency')]
        return check(lines, { faults, timeScale: 1000 }).counts.excused
      }
      expect([slow(10), slow(39), slow(40)]).toEqual([0, 0, 1])
    })

    test('is a delay only where it was there for long enough to add up', () => {
      const slow = (to: number) => {
        const faults = [plannedFault({ id: 'f', fault: 'latency', params: { delayMs: 60 } })]
        return check([...lost, ...fault('f', 'worker->store-0', 190, to, 'latency')], { faults }).counts.excused
      }
      expect([slow(200), slow(240)]).toEqual([0, 1])
    })

    test('is a silence shorter than anybody waits only for its own length', () => {
      const patient = { ...intend(t), value: { ...intend(t).value, deadlineAt: 1100, giveUpAt: 2100 } } as Lines[number]
      const lines = [patient, submit(t, 1, 'ok'), ...early, effect(t, 1, 5), end(t, 2100, 'info')]
      const silent = (to: number, target = 'store-0') => {
        const plan = { patienceMs: 500, graceMs: 1000, timeScale: 600 }
        return noLostTask.check(story([...lines, ...fault('f', target, 1000, to, 'pause')], plan)).counts.excused
      }
      expect([silent(1060), silent(1300), silent(1390), silent(1410)]).toEqual([0, 0, 1, 1])
      expect([silent(1060, 'worker-0'), silent(1410, 'worker-0')]).toEqual([0, 1])
    })

    test('is no outage after the client should have read what was done, unless another one held that up', () => {
      const patient = { ...intend(t), value: { ...intend(t).value, deadlineAt: 1100, giveUpAt: 2100 } } as Lines[number]
      const read = [patient, submit(t, 1, 'ok'), ...done, poll(t, 90, 'running', 1), end(t, 2100, 'info')]
      const kept = [...read, ...early, final(t, 'ok', { status: 'completed', digest: 'right', version: 4 })]
      const after = (...faults: Lines) => {
        const plan = { graceMs: 1000, timeScale: 600, patienceMs: 50 }
        return noLostTask.check(story([...kept, ...faults], plan)).counts.excused
      }
      const late = fault('f', 'store-0', 500, 2500)
      expect([after(...fault('f', 'store-0', 300, 2500)), after(...late)]).toEqual([1, 0])
      expect(after(...fault('e', 'store-0', 200, 400), ...late)).toBe(1)
    })

    test('of a lost executor ends with the longest takeover, however long it stays away', () => {
      const dead = [...lost, ...fault('f', 'worker-0', 40, 9000)]
      const with_ = (takeoverMs: number) => check(dead, { takeoverMs, promises: ['effect-once'] }).counts
      expect(with_(20)).toMatchObject({ excused: 0, broken: 1 })
      expect(with_(120)).toMatchObject({ excused: 1, broken: 0 })
    })

    test('for more than one in twenty is more than can be told', () => {
      const store = fault('f', 'store-0', 100, 350)
      expect(check([...lost, ...store])).toMatchObject({ status: 'pass', counts: { excused: 1 } })
      expect(check([...lost.slice(3 * 22), ...store])).toMatchObject({
        status: 'unknown',
        summary: expect.stringContaining('1 of 19 accepted tasks (5 %)') as string,
      })
    })
  })

  test('a torn history cannot show that something did not happen', () => {
    expect(noLostTask.check(torn(begun)).status).toBe('unknown')
  })

  test('shows the task, its acceptance and its end', () => {
    expect(check([end(t, 300, 'info')]).witnesses).toEqual([1, 2, 3])
  })
})

describe('effect-once', () => {
  const planned = { patienceMs: 50 }
  const check = (...lines: Lines) => effectOnce.check(story([...begun, ...lines], planned))
  const onOther = { attempt: 2, executor: 'worker-1' }
  /** Enough other work for one excuse to be less than a twentieth of it. */
  const others = Array.from({ length: 20 }, (_, i) => `t-${i + 10}`).flatMap((task) => [
    intend(task),
    effect(task, 1, 10, { executor: 'worker-7' }),
  ])

  test('each step once', () => {
    expect(check(effect(t, 1, 10), effect(t, 2, 60))).toMatchObject({ status: 'unexercised', counts: { times1: 2 } })
  })

  test('is put to the test by a step in flight at the exit of its executor', () => {
    const lines = [effect(t, 1, 10), exited('worker-0', 80), effect(t, 2, 150, onOther)]
    expect(check(...lines)).toMatchObject({ status: 'pass', counts: { interrupted: 1, times1: 2 } })
    expect(check(effect(t, 1, 10), exited('worker-3', 80), effect(t, 2, 70)).status).toBe('unexercised')
    expect(check(effect(t, 1, 10), effect(t, 2, 60), exited('worker-0', 130)).status).toBe('unexercised')
  })

  test('the step in flight at a crash of its executor may repeat, once per crash', () => {
    const first = [effect(t, 1, 10), effect(t, 2, 60), exited('worker-0', 112)]
    expect(check(...first, effect(t, 2, 150, onOther))).toMatchObject({ status: 'pass', counts: { afterCrash: 1 } })
    const again = effect(t, 2, 250, { attempt: 3, executor: 'worker-2' })
    expect(check(...first, effect(t, 2, 150, onOther), again)).toMatchObject({ status: 'fail', counts: { broken: 1 } })
    expect(check(...first, effect(t, 2, 150, onOther), exited('worker-1', 202), again).status).toBe('pass')
  })

  test('a crash excuses no step that begins when the task is known to be done', () => {
    const first = [effect(t, 1, 10), effect(t, 2, 60), exited('worker-0', 112), end(t, 160, 'ok')]
    expect(check(...first, effect(t, 2, 159, onOther)).status).toBe('pass')
    expect(check(...first, effect(t, 2, 161, onOther)).status).toBe('fail')
  })

  test('a crash long after its end excuses no step, also where too few show how long writing takes', () => {
    const done = [effect(t, 1, 10), effect(t, 2, 60)]
    const after = (ms: number) => [exited('worker-0', 110 + ms), effect(t, 2, 120 + ms, onOther), end(t, 9000, 'info')]
    expect(check(...done, ...after(900))).toMatchObject({ status: 'pass', counts: { afterCrash: 1 } })
    expect(check(...done, ...after(1100))).toMatchObject({ status: 'fail', counts: { broken: 1 } })
  })

  test('a crash that comes a slow flush after its end excuses a step, however fast all others are written down', () => {
    const fast = Array.from({ length: 30 }, (_, i) => `t-${i + 40}`).flatMap((task) => [
      intend(task),
      effect(task, 1, 10, { executor: 'worker-7' }),
      effect(task, 2, 63, { executor: 'worker-7' }),
    ])
    const after = (ms: number) =>
      check(...fast, effect(t, 1, 10), exited('worker-0', 60 + ms), effect(t, 1, 250, onOther)).status
    expect([after(66), after(119), after(121)]).toEqual(['pass', 'pass', 'fail'])
  })

  test('a kill acts when it is sent, and its exit may be told much later', () => {
    const fast = Array.from({ length: 30 }, (_, i) => `t-${i + 40}`).flatMap((task) => [
      intend(task),
      effect(task, 1, 10, { executor: 'worker-7' }),
      effect(task, 2, 63, { executor: 'worker-7' }),
    ])
    const killed = (sentAt: number, toldAt: number, name = 'kill', ...more: Lines) =>
      check(
        ...fast,
        effect(t, 1, 10),
        ...fault('f', 'worker-0', sentAt, 600, name),
        exited('worker-0', toldAt),
        effect(t, 1, 650, onOther),
        ...more,
      ).status
    expect(killed(100, 330)).toBe('pass')
    expect(killed(200, 330)).toBe('fail')
    // After SIGTERM it works on until it ends.
    expect(killed(100, 330, 'stop')).toBe('fail')
    // Nor had it been hit while it still worked, or before it was started.
    expect(killed(100, 330, 'kill', effect('t-40', 3, 90, { executor: 'worker-0' }))).toBe('pass')
    expect(killed(100, 330, 'kill', effect('t-40', 3, 190, { executor: 'worker-0' }))).toBe('fail')
    expect(killed(100, 330, 'kill', ready('worker-0', 240))).toBe('fail')
  })

  test('a crash elsewhere excuses nothing', () => {
    const lines = [effect(t, 1, 10), exited('worker-3', 30), effect(t, 1, 100, onOther)]
    expect(check(...lines).status).toBe('fail')
  })

  test('a crash excuses no step before the one in flight', () => {
    const lines = [effect(t, 1, 10), effect(t, 2, 60), exited('worker-0', 112), effect(t, 1, 150, onOther)]
    expect(check(...lines)).toMatchObject({ status: 'fail', counts: { broken: 1 }, witnesses: [3, 6] })
  })

  const repeated = (name: string, target: string, from = 40, to = 200) =>
    check(effect(t, 1, 10), ...fault('f', target, from, to, name), effect(t, 1, 100, onOther), ...others)

  test('losing the lease under a pause, the store or a link of the executor excuses the step in flight', () => {
    for (const target of ['worker-0', 'store-0', 'engine-0']) expect(repeated('pause', target).counts.excused).toBe(1)
    for (const target of [
      'worker->store-0',
      'worker->engine-0',
      'engine->store-0',
      'worker->tools-0',
      'engine->worker-0',
    ])
      expect(repeated('stall', target)).toMatchObject({ status: 'pass', counts: { excused: 1 } })
    for (const target of ['worker-2', 'api-0']) expect(repeated('pause', target).status).toBe('fail')
    for (const target of ['client->api-0', 'sender->receiver-0', 'api->store-0', 'engine->worker-1'])
      expect(repeated('stall', target).status).toBe('fail')
  })

  test('nothing that is shorter than a lease, only a delay, of an unknown kind, or a condition', () => {
    expect(repeated('pause', 'worker-0', 70).status).toBe('fail')
    expect(repeated('reset', 'worker->store-0', 70).counts.excused).toBe(1)
    expect(repeated('latency', 'worker->store-0').status).toBe('fail')
    expect(repeated('gremlin', 'worker-0').status).toBe('fail')
    expect(repeated('stall', 'worker->store-0', -5, 9000).status).toBe('fail')
  })

  test('each repetition needs an interruption of its own: a window explains one, however long it lasts', () => {
    const many = Array.from({ length: 50 }, (_, i) => effect(t, 1, 100 + i, { ...onOther, attempt: i + 2 }))
    for (const [name, target] of [
      ['pause', 'worker-0'],
      ['stall', 'worker->store-0'],
      ['kill', 'store-0'],
    ] as const)
      expect(check(effect(t, 1, 10), ...fault('f', target, 40, 9000, name), ...many).counts).toMatchObject({
        broken: 49,
      })
  })

  test('excuses without a crash for more than one in twenty are more than can be told', () => {
    const lines = [effect(t, 1, 10), ...fault('f', 'worker-0', 40, 200, 'pause'), effect(t, 1, 100, onOther)]
    expect(check(...lines, ...others)).toMatchObject({ status: 'pass', counts: { excused: 1, afterCrash: 0 } })
    expect(check(...lines)).toMatchObject({ status: 'unknown', counts: { excused: 1 } })
  })

  test('one effect posted twice is one execution', () => {
    expect(check(effect(t, 1, 10), effect(t, 1, 10)).counts).toMatchObject({ reposted: 1, times1: 1 })
  })

  test('a zombie that goes on after it was replaced is caught', () => {
    const lines = [
      effect(t, 1, 10),
      ...fault('f', 'worker-0', 30, 200, 'pause'),
      effect(t, 1, 100, onOther),
      effect(t, 2, 150, onOther),
      effect(t, 2, 210),
    ]
    expect(check(...lines)).toMatchObject({ status: 'fail', counts: { broken: 1 } })
  })
})

describe('idempotency', () => {
  test('a lost acknowledgement and its replay are one task', () => {
    const lines = [
      intend(t),
      submit(t, 1, 'info'),
      submit(t, 50, 'ok', { attempt: 2, replayed: true }),
      effect(t, 1, 10),
    ]
    expect(idempotency.check(story(lines))).toMatchObject({ status: 'pass', counts: { replayed: 1 } })
  })

  test('a lost acknowledgement and a second task are two', () => {
    const lines = [intend(t), submit(t, 1, 'info'), submit(t, 50, 'ok'), effect(t, 1, 10, { taskId: 'other' })]
    expect(idempotency.check(story(lines))).toMatchObject({ status: 'fail', witnesses: [3, 4] })
  })

  test('is put to the test by a key that is sent again after it may have been accepted', () => {
    const again = (first: 'ok' | 'info' | 'fail') =>
      idempotency.check(story([intend(t), submit(t, 1, first), submit(t, 50, 'ok', { attempt: 2 }), effect(t, 1, 60)]))
    expect([again('info').status, again('ok').status]).toEqual(['pass', 'pass'])
    expect(again('fail').status).toBe('unexercised')
    expect(idempotency.check(story([...begun, effect(t, 1, 10)])).status).toBe('unexercised')
  })

  test('two keys may not share a task', () => {
    const lines = [...begun, intend('t-2'), submit('t-2', 2, 'ok', { taskId: `id-${t}` })]
    expect(idempotency.check(story(lines))).toMatchObject({ status: 'fail', counts: { shared: 1 } })
  })
})

describe('no-phantom', () => {
  test.each([
    ['an effect', effect('t-9', 1, 10)],
    ['an event', event('t-9', 10, 1)],
    ['a callback', callback('t-9', 10)],
    ['a final state', final('t-9', 'ok', { status: 'running' })],
  ])('%s of unknown work is one', (_, line) => {
    expect(noPhantom.check(story([...begun, line]))).toMatchObject({ status: 'fail', witnesses: [3] })
    expect(noPhantom.check(torn([...begun, line])).status).toBe('fail')
  })

  test('a callback that was for work of another run is counted, and no phantom', () => {
    const value = { path: '/callbacks/t-9-aaaa' }
    const foreign = { f: 'foreign', type: 'observe', at: 10, process: 'receiver', value } as const
    const lines = [...begun, callback(t, 20), foreign, foreign]
    expect(noPhantom.check(story(lines))).toMatchObject({ status: 'pass', counts: { foreignCallbacks: 2 } })
  })

  test('an effect for a task that was intended but never sent is one', () => {
    expect(noPhantom.check(story([intend(t), effect(t, 1, 10)])).status).toBe('fail')
  })

  test('work after a refusal is counted, not judged', () => {
    const lines = [intend(t), submit(t, 1, 'fail'), effect(t, 1, 10)]
    expect(noPhantom.check(story(lines))).toMatchObject({ status: 'pass', counts: { executedThoughRefused: 1 } })
  })
})

describe('state-machine', () => {
  const check = (...lines: Parameters<typeof story>[0]) => stateMachine.check(story([...begun, ...lines])).status

  test('forward passes, also with states skipped and repeated', () => {
    expect(
      check(poll(t, 1, 'queued', 1), poll(t, 2, 'running', 2), poll(t, 3, 'running', 2), poll(t, 4, 'completed', 9)),
    ).toBe('pass')
    expect(check(poll(t, 1, 'running', 2), poll(t, 2, 'cancelling', 3), poll(t, 3, 'completed', 4))).toBe('pass')
  })

  test.each([
    ['from running to queued', poll(t, 1, 'running', 2), poll(t, 2, 'queued', 3)],
    ['from running to rejected', poll(t, 1, 'running', 2), poll(t, 2, 'rejected', 3)],
    ['to an older version', poll(t, 1, 'running', 3), poll(t, 2, 'running', 2)],
    ['out of a terminal state', poll(t, 1, 'completed', 5), poll(t, 2, 'running', 6)],
    ['on after the terminal event', event(t, 1, 1, 'completed'), event(t, 2, 2, 'completed')],
    ['to two ends on two channels', poll(t, 1, 'failed', 5), callback(t, 2)],
  ])('not %s', (_, first, second) => {
    expect(check(first, second)).toBe('fail')
  })

  test('not on, or to a result, after its client was told that it failed', () => {
    const told = end(t, 6, 'fail', { reason: 'task-failed' })
    expect(check(told, final(t, 'ok', { status: 'completed', digest: 'right' }))).toBe('fail')
    expect(check(told, final(t, 'ok', { status: 'running' }))).toBe('fail')
    // Which of the ends without a result it was told is not on record.
    for (const status of ['failed', 'cancelled', 'expired'] as const) {
      expect(check(poll(t, 5, status, 3), told, final(t, 'ok', { status }))).toBe('pass')
      expect(check(told, final(t, 'ok', { status }))).toBe('pass')
    }
    expect(check(told, final(t, 'ok', { found: false }))).toBe('unexercised')
    expect(check(end(t, 6, 'fail', { reason: 'gone' }), final(t, 'ok', { status: 'running' }))).toBe('unexercised')
  })

  test('a task that was seen once had no chance to go back', () => {
    expect(check(end(t, 6, 'ok'))).toBe('unexercised')
    expect(check(callback(t, 5), end(t, 6, 'ok'))).toBe('pass')
  })

  test('the same terminal state on every channel, and repeated events, are fine', () => {
    const lines = [event(t, 1, 1, 'queued'), event(t, 2, 2, 'completed'), event(t, 3, 2, 'completed')]
    expect(check(...lines, poll(t, 4, 'completed', 2), callback(t, 5), end(t, 6, 'ok'))).toBe('pass')
  })

  test('each channel has its own view: a poll may lag behind the stream', () => {
    expect(check(event(t, 1, 1, 'queued'), event(t, 2, 2, 'running'), poll(t, 3, 'queued', 1))).toBe('pass')
  })
})

describe('result-integrity', () => {
  const check = (value: object) => resultIntegrity.check(story([...begun, end(t, 100, 'ok', value)])).status

  test('only the right digest will do', () => {
    expect(check({})).toBe('pass')
    expect(check({ digest: 'wrong' })).toBe('fail')
    expect(check({ digest: null })).toBe('fail')
  })

  test('word of a failed task is no result', () => {
    expect(check({ status: 'failed', digest: null })).toBe('unknown')
  })
})

describe('stream-continuity', () => {
  const check = (...lines: Parameters<typeof story>[0]) => streamContinuity.check(story([...begun, ...lines]))

  test('resumed where it broke off', () => {
    expect(check(open(t, 1), event(t, 2, 1), event(t, 3, 2), open(t, 4, 2), event(t, 5, 3))).toMatchObject({
      status: 'pass',
      counts: { resumptions: 1 },
    })
  })

  test('a gap and a repetition', () => {
    expect(check(open(t, 1), event(t, 2, 1), event(t, 3, 3))).toMatchObject({ status: 'fail', counts: { gaps: 1 } })
    expect(check(open(t, 1), event(t, 2, 1), open(t, 3, 1), event(t, 4, 1))).toMatchObject({
      status: 'fail',
      counts: { repetitions: 1 },
    })
    expect(check(open(t, 1), event(t, 2, 2)).status).toBe('fail')
  })

  test('a client may skip what polling told it, and nothing else', () => {
    const skipped = [event(t, 1, 1), poll(t, 2, 'running', 4), open(t, 3, 4), event(t, 4, 5)]
    expect(check(...skipped)).toMatchObject({ status: 'pass', counts: { resumptions: 1 } })
    expect(check(event(t, 1, 1), open(t, 3, 4), event(t, 4, 5))).toMatchObject({ status: 'fail', counts: { gaps: 1 } })
  })

  test('without a resumption it was not put to the test', () => {
    expect(check(open(t, 1), event(t, 2, 1), event(t, 3, 2))).toMatchObject({
      status: 'unexercised',
      summary: 'no resumption put it to the test',
    })
  })

  test('without a stream there is nothing to judge', () => {
    expect(check(poll(t, 1, 'running', 2)).status).toBe('unknown')
  })
})
