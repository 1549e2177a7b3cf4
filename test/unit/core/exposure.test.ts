import { describe, expect, test } from 'vitest'
import { exposures, exposuresInTime } from '../../../harness/analysis/exposure.ts'
import { traceOf } from '../../../harness/analysis/trace.ts'
import { callback, effect, end, fault, intend, open, poll, story, submit } from '../checkers/story.ts'
import { plannedFault } from '../stats/cells.ts'

const t = 't-1'
type Lines = Parameters<typeof story>[0]

/** Whether a fault of this target and window touches the one task of these lines. */
function touched(lines: Lines, target: string, from: number, to: number, over: Parameters<typeof story>[1] = {}) {
  return exposures(traceOf(story([...lines, ...fault('f', target, from, to)], over))).size === 1
}

describe('a link of the clients touches who was on it', () => {
  const two = { replicas: { api: 2, executor: 2 } }
  const asked = { ...submit(t, 1, 'ok'), type: 'invoke' } as Lines[number]

  test('a request that waits for its answer', () => {
    const held = [intend(t), asked, submit(t, 200, 'ok'), end(t, 200, 'ok', { via: 'response' })]
    expect(touched(held, 'client->api-0', 100, 150)).toBe(true)
    expect(touched(held, 'client->api-1', 100, 150)).toBe(false)
  })

  test('a poll, at any replica where all of them know the task, and not the time between two', () => {
    const lines = [intend(t), submit(t, 1, 'ok'), effect(t, 1, 10)]
    const polled = [...lines, poll(t, 90, 'running', 1), poll(t, 190, 'completed', 2), end(t, 200, 'ok')]
    expect(touched(polled, 'client->api-1', 80, 95, two)).toBe(true)
    expect(touched(polled, 'client->api-1', 100, 150, two)).toBe(false)
    const inApi = [...lines.slice(0, 2), effect(t, 1, 10, { executor: 'api-0' }), ...polled.slice(3)]
    expect(touched(inApi, 'client->api-1', 80, 95, two)).toBe(false)
  })

  test('a stream, the first one at the replica that accepted the task', () => {
    const streamed = [intend(t), submit(t, 1, 'ok'), effect(t, 1, 10), open(t, 2), end(t, 200, 'ok', { via: 'stream' })]
    expect(touched(streamed, 'client->api-0', 100, 150, two)).toBe(true)
    expect(touched(streamed, 'client->api-1', 100, 150, two)).toBe(false)
  })

  test('who waits for a callback was on it for the submission only', () => {
    const called = [intend(t), submit(t, 1, 'ok'), effect(t, 1, 10), callback(t, 190), end(t, 200, 'ok')]
    expect(touched(called, 'client->api-0', 100, 150)).toBe(false)
    expect(touched(called, 'client->api-0', 0.5, 20)).toBe(true)
  })
})

describe('an API node touches', () => {
  const one = [
    intend(t),
    submit(t, 1, 'ok'),
    poll(t, 390, 'running', 1),
    poll(t, 490, 'completed', 2),
    end(t, 500, 'ok'),
  ]
  const two = { replicas: { api: 2, executor: 2 } }

  test('its own tasks as long as they live', () => {
    const inApi = [...one, effect(t, 1, 10, { executor: 'api-0' })]
    expect(touched(inApi, 'api-0', 300, 350, two)).toBe(true)
    expect(touched(inApi, 'api-1', 300, 350, two)).toBe(false)
  })

  test('where workers do the work, whose requests it had or just had, and not all that it ever accepted', () => {
    const elsewhere = [...one, effect(t, 1, 10)]
    expect(touched(elsewhere, 'api-0', 300, 350, two)).toBe(false)
    expect(touched(elsewhere, 'api-0', 380, 395, two)).toBe(true)
    expect(touched(elsewhere, 'api-0', 10, 50, two)).toBe(true)
    expect(touched(elsewhere, 'api-1', 10, 50, two)).toBe(false)
  })
})

describe('the links of the work', () => {
  const done = [intend(t), submit(t, 1, 'ok'), effect(t, 1, 10), effect(t, 2, 60)]
  const called = [...done, callback(t, 130), end(t, 131, 'ok')]

  test('the receiver: from the end of the work until a callback was accepted', () => {
    expect(touched(called, 'sender->receiver-0', 20, 90)).toBe(false)
    expect(touched(called, 'sender->receiver-0', 115, 125)).toBe(true)
    const lost = [...done, end(t, 300, 'info')]
    expect(touched(lost, 'sender->receiver-0', 200, 250)).toBe(true)
    expect(touched(done.slice(0, 3).concat(end(t, 300, 'info')), 'sender->receiver-0', 200, 250)).toBe(false)
  })

  test('the tools: while a step calls them', () => {
    expect(touched(called, 'worker->tools-0', 70, 100)).toBe(false)
    expect(touched(called, 'worker->tools-0', 55, 70)).toBe(true)
  })

  test('from the engine to one worker: who ran there', () => {
    expect(touched(called, 'engine->worker-0', 70, 100)).toBe(true)
    expect(touched(called, 'engine->worker-1', 70, 100)).toBe(false)
  })
})

describe('a fault decides nothing of a task that was late before it', () => {
  const lost = [intend(t), submit(t, 1, 'ok'), effect(t, 1, 10), end(t, 1000, 'info')]
  const { deadlineAt } = traceOf(story(lost)).tasks[0]!.intent
  const decisive = (...faults: readonly (readonly [string, number, number])[]) => {
    const lines = faults.flatMap(([id, from, to]) => fault(id, 'worker->store-0', from, to))
    return [...exposuresInTime(traceOf(story([...lost, ...lines]))).values()].flat().map(({ id }) => id)
  }

  test('one before the deadline does, one after it is only met', () => {
    expect(touched(lost, 'worker->store-0', deadlineAt + 10, deadlineAt + 60)).toBe(true)
    expect(decisive(['f', deadlineAt + 10, deadlineAt + 60])).toEqual([])
    expect(decisive(['f', deadlineAt - 10, deadlineAt + 60])).toEqual(['f'])
  })

  test('an outage in time moves the work: what comes after it counts, too', () => {
    expect(decisive(['f', deadlineAt - 10, deadlineAt], ['g', deadlineAt + 10, deadlineAt + 60])).toEqual(['f', 'g'])
  })
})

test('a fault that is too short, or delays too little, touches nobody', () => {
  const lines = [intend(t), submit(t, 1, 'ok'), effect(t, 1, 10), end(t, 200, 'ok')]
  const named = (name: string, params: object, from: number, to: number) => {
    const ops = fault('f', 'worker->store-0', from, to).map((line) =>
      line.f === 'fault' ? { ...line, value: { ...line.value, fault: name } } : line,
    )
    const plan = { faults: [plannedFault({ id: 'f', fault: name, params: { ...params } })] }
    return exposures(traceOf(story([...lines, ...ops], plan))).size
  }
  expect(named('stall', {}, 100, 101.7)).toBe(0)
  expect(named('stall', {}, 100, 150)).toBe(1)
  expect(named('latency', { delayMs: 1 }, 100, 150)).toBe(0)
  expect(named('latency', { delayMs: 40 }, 100, 150)).toBe(1)
})
