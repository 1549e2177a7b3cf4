import { expect, test } from 'vitest'
import { eventsIn } from '../../../harness/run/control-logs.ts'
import { opShapes } from '../../../harness/model/history.ts'

test('a log of a server that is wrong can be recorded, and an answer without one is none', () => {
  const log = eventsIn({ events: [{ seq: 1 }, null, 'x', [1]] })
  expect(log).toEqual([{ seq: 1 }, {}, {}, {}])
  expect(opShapes.control.values.observe.fits({ kind: 'steer', moment: 'log', log })).toBe(true)
  expect([{}, { events: null }, { events: 'x' }].map(eventsIn)).toEqual([undefined, undefined, undefined])
})
