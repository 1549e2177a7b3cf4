import { expect, test } from 'vitest'
import { traceOf } from '../../../harness/analysis/trace.ts'
import { interruptionsIn } from '../../../harness/stats/interruptions.ts'
import { effect, end, exited, fault, final, intend, ready, story, submit } from '../checkers/story.ts'

type Lines = Parameters<typeof story>[0]
const t = 't-1'

function interruptions(...lines: Lines) {
  return interruptionsIn(traceOf(story(lines)))
}

const begun = [intend(t), submit(t, 1, 'ok'), effect(t, 1, 10)]
const kill = fault('f', 'worker-0', 100, 150)
const cut = { task: t, fault: 'f' }

function sent(at: number, attempt: number): Lines[number] {
  const value = { attempt, api: 'client->api-0' }
  return { f: 'submit', type: 'invoke', at, process: 'client', task: t, value }
}

test('counts from the cut until a new attempt begins, whoever makes it', () => {
  const again = effect(t, 2, 180, { attempt: 2, executor: 'worker-1' })
  expect(interruptions(...begun, again, end(t, 250, 'ok'), ...kill)).toEqual([{ ...cut, by: 'engine', afterMs: 80 }])
})

test('of a service that does not number its attempts nobody is told, also where nobody went on', () => {
  const ownWork = { idealMs: 100, steps: 2, tellsEffects: true }
  const nodes = [ready('worker-0', 0), ready('worker-1', 0)]
  const own = (...lines: Lines) => interruptionsIn(traceOf(story([...nodes, ...lines], { ownWork })))
  const lost = [...begun, final(t, 'ok', { found: false }), end(t, 300, 'info'), ...kill]
  const other = [intend('t-2'), submit('t-2', 1, 'ok'), effect('t-2', 1, 10)]
  const anew = effect('t-2', 2, 180, { attempt: 2, executor: 'worker-1' })
  // The ledger's own count: how often this step was told of.
  expect(own(...lost, ...other, { ...anew, value: { ...anew.value, attempt: 1 } } as Lines[number])).toEqual([])
  expect(own(...lost)).toEqual([])
  expect(own(...lost, ...other, anew, end('t-2', 250, 'ok')).map(({ task }) => task)).toEqual([t, 't-2'])
})

test('the cut is the exit of the executor, where that is known', () => {
  const again = effect(t, 2, 180, { attempt: 2, executor: 'worker-1' })
  const lines = [...begun, again, end(t, 250, 'ok'), ...kill, exited('worker-0', 120)]
  expect(interruptions(...lines)).toEqual([{ ...cut, by: 'engine', afterMs: 60 }])
})

test('a task interrupted in its first step, of which nobody saw anything, counts', () => {
  const again = effect(t, 1, 190, { attempt: 2, executor: 'worker-1' })
  const lines = [intend(t), submit(t, 1, 'ok'), again, end(t, 250, 'ok'), ...kill]
  expect(interruptions(...lines)).toEqual([{ ...cut, by: 'engine', afterMs: 90 }])
})

test('work that goes on in the same attempt was not interrupted', () => {
  expect(interruptions(...begun, effect(t, 2, 180), end(t, 250, 'ok'), ...kill)).toEqual([])
  expect(interruptions(...begun, effect(t, 2, 90), end(t, 250, 'ok'), ...kill)).toEqual([])
})

test('a task whose work was done needs nobody', () => {
  expect(interruptions(...begun, effect(t, 2, 45), end(t, 300, 'info'), ...kill)).toEqual([])
})

test('a client that submits again under another id went on with it, also where the attempt is the first', () => {
  const anew = { attempt: 1, executor: 'api-1', taskId: 'another' }
  const onApi = effect(t, 1, 10, { executor: 'api-0' })
  const lines = [intend(t), sent(1, 1), onApi, effect(t, 1, 170, anew), effect(t, 2, 220, anew), end(t, 280, 'ok')]
  expect(interruptions(...lines, ...fault('f', 'api-0', 100, 150))).toEqual([{ ...cut, by: 'client', afterMs: 70 }])
})

test('a client that submits again before any step was seen to be done went on with it', () => {
  const onApi = { executor: 'api-1' }
  const lines = [intend(t), sent(1, 1), sent(140, 2), effect(t, 1, 170, onApi), end(t, 280, 'ok')]
  expect(interruptions(...lines, ...fault('f', 'api-0', 100, 150))).toEqual([{ ...cut, by: 'client', afterMs: 70 }])
})

test('nobody went on: never where the end is known, open where it is not', () => {
  const gone = final(t, 'ok', { found: false })
  expect(interruptions(...begun, end(t, 300, 'info'), gone, ...kill)).toEqual([cut])
  expect(interruptions(...begun, end(t, 300, 'fail'), ...kill)).toEqual([cut])
  const running = final(t, 'ok', { status: 'running' })
  expect(interruptions(...begun, end(t, 300, 'info'), running, ...kill)).toEqual([{ ...cut, openAfterMs: 9_899 }])
})

test('a frozen node that still ends its step, after which nobody does the rest, was taken away', () => {
  const freeze = fault('f', 'worker-0', 100, 150, 'pause')
  const zombie = [intend(t), submit(t, 1, 'ok'), effect(t, 1, 90, { endedAt: 160 })]
  const gone = final(t, 'ok', { found: false })
  expect(interruptions(...zombie, end(t, 300, 'info'), gone, ...freeze)).toEqual([cut])
  expect(interruptions(...zombie, effect(t, 2, 165), end(t, 300, 'ok'), ...freeze)).toEqual([])
  const last = [...zombie.slice(0, 2), effect(t, 1, 20), effect(t, 2, 90, { endedAt: 160 })]
  expect(interruptions(...last, end(t, 300, 'info'), gone, ...freeze)).toEqual([])
})

test('a task that the next outage hit before anybody went on is open for the first one', () => {
  const again = effect(t, 2, 190, { attempt: 2 })
  const both = [...fault('f', 'worker-0', 70, 90), ...fault('g', 'worker-0', 150, 170)]
  expect(interruptions(...begun, again, end(t, 260, 'ok'), ...both)).toEqual([
    { ...cut, openAfterMs: 80 },
    { task: t, fault: 'g', by: 'engine', afterMs: 40 },
  ])
})

test('what carries no work cuts no step', () => {
  const again = effect(t, 2, 180, { attempt: 2 })
  for (const target of ['client->api-0', 'sender->receiver', 'api-0'])
    expect(interruptions(...begun, again, end(t, 250, 'ok'), ...fault('f', target, 100, 150))).toEqual([])
})
