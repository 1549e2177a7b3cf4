import { describe, expect, test } from 'vitest'
import effectOnce from '../../../harness/checkers/effect-once.ts'
import idempotency from '../../../harness/checkers/idempotency.ts'
import noLostTask from '../../../harness/checkers/no-lost-task.ts'
import noPhantom from '../../../harness/checkers/no-phantom.ts'
import resultIntegrity from '../../../harness/checkers/result-integrity.ts'
import sseContinuity from '../../../harness/checkers/sse-continuity.ts'
import stateMachine from '../../../harness/checkers/state-machine.ts'
import { callback, effect, end, event, exited, fault, final, intend, open, poll, story, submit, torn } from './story.ts'

const t = 't-1'
const begun = [intend(t), submit(t, 1, 'ok')]

describe('no-lost-task', () => {
  const check = (...rest: Parameters<typeof story>[0]) => noLostTask.check(story([...begun, ...rest]))

  test('a result and word of failure are ends; giving up, silence and a forgetful server are not', () => {
    expect(check(end(t, 150, 'ok')).status).toBe('pass')
    expect(check(end(t, 150, 'fail', { reason: 'task-failed' })).status).toBe('pass')
    expect(check(end(t, 150, 'fail', { reason: 'gone' })).status).toBe('fail')
    expect(check(end(t, 300, 'info')).status).toBe('fail')
    expect(check().status).toBe('fail')
  })

  test('a result after the client was to give up is too late', () => {
    expect(check(end(t, 300, 'ok')).status).toBe('pass')
    expect(check(end(t, 301, 'ok')).status).toBe('fail')
  })

  test('a task that was never accepted is not judged', () => {
    const lines = [intend(t), submit(t, 1, 'info'), end(t, 300, 'info')]
    expect(noLostTask.check(story(lines))).toMatchObject({ status: 'unknown', counts: { judged: 0 } })
  })

  test('who gave up inside a fault had no chance; who gave up after the heal had one', () => {
    expect(check(...fault('f', 'store-0', 100, 350), end(t, 300, 'info'))).toMatchObject({
      status: 'unknown',
      counts: { excused: 1 },
    })
    expect(check(...fault('f', 'store-0', 100, 250), end(t, 300, 'info')).status).toBe('fail')
  })

  test('a torn history cannot show that something did not happen', () => {
    expect(noLostTask.check(torn(begun)).status).toBe('unknown')
  })

  test('shows the task, its acceptance and its end', () => {
    expect(check(end(t, 300, 'info')).witnesses).toEqual([1, 2, 3])
  })
})

describe('effect-once', () => {
  const check = (...lines: Parameters<typeof story>[0]) => effectOnce.check(story([...begun, ...lines]))
  const onOther = { attempt: 2, executor: 'worker-1' }

  test('each step once', () => {
    expect(check(effect(t, 1, 10), effect(t, 2, 60))).toMatchObject({ status: 'pass', counts: { times1: 2 } })
  })

  test('the step in flight at a crash of its executor may repeat, once per crash', () => {
    const first = [effect(t, 1, 10), effect(t, 2, 60), exited('worker-0', 112)]
    expect(check(...first, effect(t, 2, 150, onOther))).toMatchObject({ status: 'pass', counts: { times2: 1 } })
    const again = effect(t, 2, 250, { attempt: 3, executor: 'worker-2' })
    expect(check(...first, effect(t, 2, 150, onOther), again)).toMatchObject({ status: 'fail', counts: { broken: 1 } })
    expect(check(...first, effect(t, 2, 150, onOther), exited('worker-1', 202), again).status).toBe('pass')
  })

  test('a crash elsewhere excuses nothing', () => {
    const lines = [effect(t, 1, 10), exited('worker-3', 30), effect(t, 1, 100, onOther)]
    expect(check(...lines).status).toBe('fail')
  })

  test('a crash excuses no step before the one in flight', () => {
    const lines = [effect(t, 1, 10), effect(t, 2, 60), exited('worker-0', 112), effect(t, 1, 150, onOther)]
    expect(check(...lines)).toMatchObject({ status: 'fail', counts: { broken: 1 }, witnesses: [3, 6] })
  })

  test('losing the lease under a pause, the store or a link excuses the step in flight', () => {
    for (const target of ['worker-0', 'store-0', 'engine-0', 'worker->store-0', 'worker->store-0, worker->store-1'])
      expect(check(effect(t, 1, 10), ...fault('f', target, 40, 200), effect(t, 1, 100, onOther)).status).toBe('pass')
    for (const target of ['worker-2', 'client->api-0', 'sender->receiver-0'])
      expect(check(effect(t, 1, 10), ...fault('f', target, 40, 200), effect(t, 1, 100, onOther)).status).toBe('fail')
  })

  test('one effect posted twice is one execution', () => {
    expect(check(effect(t, 1, 10), effect(t, 1, 10))).toMatchObject({
      status: 'pass',
      counts: { reposted: 1, times1: 1 },
    })
  })

  test('a zombie that goes on after it was replaced is caught', () => {
    const lines = [
      effect(t, 1, 10),
      ...fault('f', 'worker-0', 30, 200),
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

describe('sse-continuity', () => {
  const check = (...lines: Parameters<typeof story>[0]) => sseContinuity.check(story([...begun, ...lines]))

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
    expect(check(event(t, 1, 1), poll(t, 2, 'running', 4), open(t, 3, 4), event(t, 4, 5)).status).toBe('pass')
    expect(check(event(t, 1, 1), open(t, 3, 4), event(t, 4, 5))).toMatchObject({ status: 'fail', counts: { gaps: 1 } })
  })

  test('without a stream there is nothing to judge', () => {
    expect(check(poll(t, 1, 'running', 2)).status).toBe('unknown')
  })
})
