import { describe, expect, test } from 'vitest'
import { exposures } from '../../../harness/analysis/exposure.ts'
import { traceOf } from '../../../harness/analysis/trace.ts'
import { reasonFromCheck, reasonsFromFaults } from '../../../harness/verdict/reasons.ts'
import { judgeCell } from '../../../harness/verdict/cell.ts'
import { end, fault, intend, story, submit } from '../checkers/story.ts'

describe('a check', () => {
  const about = { checker: 'c', summary: 's', counts: {}, witnesses: [] }

  test('that nothing put to the test is no reason, promised or about the run', () => {
    const check = { ...about, status: 'unexercised' } as const
    expect(reasonFromCheck('x', { ...check, judges: 'effect-once', promised: true })).toBeUndefined()
    expect(reasonFromCheck('x', { ...check, promised: false })).toBeUndefined()
  })

  test('that cannot tell is one, where it was promised', () => {
    const check = { ...about, judges: 'effect-once', status: 'unknown' } as const
    expect(reasonFromCheck('x', { ...check, promised: true })).toMatchObject({ verdict: 'INCONCLUSIVE' })
    expect(reasonFromCheck('x', { ...check, promised: false })).toBeUndefined()
  })
})

describe('a fault that was carried out in part', () => {
  const t = 't-1'
  const killed = fault('f', 'api-0, api-1', 50, 90).map((line) =>
    line.f === 'fault' && line.value.state === 'proven'
      ? {
          ...line,
          value: { ...line.value, state: 'partly' as const, reached: [{ node: 'api-0' }], reason: 'api-1 was away' },
        }
      : line,
  )
  const through = (api: string) =>
    story([intend(t), submit(t, 1, 'ok', { api: `client->${api}` }), end(t, 100, 'ok'), ...killed])

  test('leaves the cell inconclusive, and says which', () => {
    const { verdict, faults } = judgeCell(through('api-0'), [])
    expect(verdict).toBe('INCONCLUSIVE')
    expect(faults).toMatchObject([{ state: 'partly', proven: true, healedAt: 90 }])
    expect(reasonsFromFaults('x', faults).map(({ text }) => text)).toEqual([
      'x: 1 of 1 planned faults were carried out in part: f (api-1 was away)',
    ])
  })

  test('exposes who used what it reached, and nobody else', () => {
    const exposed = (api: string) => exposures(traceOf(through(api))).size
    expect(exposed('api-0')).toBe(1)
    expect(exposed('api-1')).toBe(0)
  })
})
