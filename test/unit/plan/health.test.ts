import { describe, expect, test } from 'vitest'
import { scenario, scenarioText } from './catalog.ts'

const healthOf = (tail: string) => scenario({ tail }).health

describe('limits of how late the harness may be', () => {
  test('are strict where milliseconds are quoted, and a share of the grace where they are not', () => {
    expect(healthOf('grace: 2m')).toEqual({ pacerLagP99Ms: 20, eventLoopDelayP99Ms: 50 })
    expect(healthOf('timeScale: 60\ngrace: 4m')).toEqual({ pacerLagP99Ms: 200, eventLoopDelayP99Ms: 200 })
    expect(healthOf('timeScale: 60\ngrace: 10s').pacerLagP99Ms).toBe(50)
    expect(healthOf('timeScale: 5\ngrace: 4m').pacerLagP99Ms).toBe(500)
  })

  test('are what is written, one by one', () => {
    expect(healthOf('health: { pacerLagP99: 70ms }')).toEqual({ pacerLagP99Ms: 70, eventLoopDelayP99Ms: 50 })
  })

  test.each([
    ['grace: 2m\nhealth: { pacerLagP99: 1h }', 'at most 2s (at any scale)'],
    [
      'timeScale: 60\ngrace: 2m\nhealth: { pacerLagP99: 501ms }',
      'at most 500ms (a quarter of the grace, which is 2s here)',
    ],
    ['timeScale: 60\ngrace: 2m\nhealth: { eventLoopDelayP99: 2s }', 'at most 500ms'],
  ])('%s is refused', (tail, allowed) => {
    expect(() => scenario({ tail })).toThrow(allowed)
    expect(() => scenario({ tail })).toThrow(/is no limit: tasks would be late by the driver alone/)
  })

  test('at the bound they are taken', () => {
    expect(healthOf('timeScale: 60\ngrace: 2m\nhealth: { pacerLagP99: 500ms }').pacerLagP99Ms).toBe(500)
    expect(scenarioText()).not.toContain('health')
  })
})
