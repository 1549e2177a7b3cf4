import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { discover } from '../../../harness/core/discover.ts'
import type { Fault } from '../../../harness/model/fault.ts'

const faults = await discover<Fault>(new URL('../../../harness/faults/', import.meta.url))
const required: Readonly<Record<string, object>> = { latency: { delayMs: 5 } }

describe.each([...faults.values()])('fault $name', (fault) => {
  test('says in one line what it does and needs something of the runtime', () => {
    expect(fault.summary).toMatch(/^[^\n]{10,120}$/)
    expect(fault.needs.length).toBeGreaterThan(0)
  })
  test('takes what the plan stored, and ignores what only others read', () => {
    const params = fault.params.parse(required[fault.name] ?? {})
    expect(fault.params.parse({ ...(params as object), meanGapMs: 5 })).toEqual(params)
  })
  test('describes each of its parameters for editors', () => {
    const { properties = {} } = z.toJSONSchema(fault.params, { io: 'input' })
    for (const [name, property] of Object.entries(properties)) expect(property, name).toHaveProperty('description')
  })
  test('has a floor, if it has one, for a duration of its own', () => {
    const { properties = {} } = z.toJSONSchema(fault.params, { io: 'input' })
    if (!fault.floor) return
    expect(Object.keys(properties)).toContain(fault.floor.param)
    expect(fault.floor.param).toMatch(/[a-z]Ms$/)
  })
  test('acts on its default target, if it has one, in the way it says', () => {
    expect([undefined, fault.acts]).toContain(fault.defaultTarget?.kind)
  })
})
