import { expect, test } from 'vitest'
import { summarizeNotApplicable } from '../../../harness/model/plan-remarks.ts'
import type { NotApplicable } from '../../../harness/model/plan.ts'

const beyond = (pattern: string, arm: string, lacks: string, ...instead: string[]): NotApplicable => ({
  pattern,
  arm,
  reason: `${arm} needs ${lacks}`,
  runtime: { lacks: [lacks], instead },
})
const lines = (...notApplicable: NotApplicable[]) =>
  summarizeNotApplicable({ notApplicable, runtime: 'process' }).map(({ what, why }) => `${what}: ${why}`)

test('arms that the runtime cannot do are one line, with the runtime that can', () => {
  const left = ['sync', 'webhook'].flatMap((pattern) => [
    beyond(pattern, 'drop', 'packet-filter', 'docker', 'kubernetes'),
    beyond(pattern, 'edge-60', 'edge', 'docker', 'kubernetes'),
  ])
  expect(lines(...left)).toEqual([
    'drop, edge-60: the runtime process does not offer packet-filter, edge; add --runtime docker',
  ])
})

test('what no other runtime offers either is a line of its own, without advice', () => {
  expect(lines(beyond('sync', 'drop', 'packet-filter', 'docker'), beyond('sync', 'quake', 'limits'))).toEqual([
    'drop: the runtime process does not offer packet-filter; add --runtime docker',
    'quake: the runtime process does not offer limits',
  ])
})

test('what is about a pattern is said for each', () => {
  const reason = 'sync has no sender->receiver'
  expect(lines({ pattern: 'sync', arm: 'down', reason })).toEqual([`sync under down: ${reason}`])
})
