import { describe, expect, test } from 'vitest'
import { type MachineHealth, machineLimits } from '../../../harness/model/machine.ts'
import { sicknessOf } from '../../../harness/checkers/harness-healthy.ts'

const limits = machineLimits({ watchdogMs: 625, leaseMs: 1000, requestTimeoutMs: 667 })!
const unharmed = { nodes: [], memory: [] }
const well: MachineHealth = { standstill: { at: 0, ms: 20 }, cores: 2 }
const told = (over: Partial<MachineHealth>, harm: Parameters<typeof sicknessOf>[2] = unharmed) =>
  sicknessOf({ ...well, ...over }, limits, harm)
const course = (worst: number) => ({ mean: worst / 2, worst, at: 12_300 })

describe('limits', () => {
  test('come from the shortest silence that anybody takes for death', () => {
    expect(limits).toMatchObject({ silence: { name: 'watchdogMs', ms: 625 }, standstillMs: 312.5, delayShare: 0.75 })
    expect(machineLimits({})).toBeUndefined()
  })
})

describe('a sick machine', () => {
  test('well is well, and plans from before have no limits', () => {
    expect(told({})).toEqual([])
    expect(sicknessOf({ ...well, standstill: { at: 0, ms: 9000 } }, undefined, unharmed)).toEqual([])
  })

  test('a harness that stood still says for how long and when', () => {
    expect(told({ standstill: { at: 12_345, ms: 312 } })).toEqual([])
    expect(told({ standstill: { at: 12_345, ms: 3002 } })).toEqual([
      'the harness stood still for 3.0 s at 0:12 (limit 313 ms of watchdogMs, 625 ms)',
    ])
  })

  test('a node that waited for more than three quarters of the silence is named with what it waited', () => {
    const spell = (waitedMs: number) => [{ name: 'worker-1', mean: 0.1, worst: [{ at: 61_000, ms: 640, waitedMs }] }]
    expect(told({ processes: spell(480) })).toEqual([])
    expect(told({ processes: spell(481) })).toEqual([
      'worker-1 had work and waited 481 ms of 640 ms for a processor at 1:01 (limit 469 ms of watchdogMs, 625 ms)',
    ])
  })

  test('a node that a fault acts on waits by design; a spell beside it does not', () => {
    const processes = [{ name: 'worker-1', mean: 0.1, worst: [{ at: 1000, ms: 700, waitedMs: 600 }] }]
    const harmed = (node: string, from: number, until: number) => ({ nodes: [{ node, from, until }], memory: [] })
    expect(told({ processes }, harmed('worker-1', 900, 1600))).toEqual([])
    expect(told({ processes }, harmed('worker-1', 1700, 2000))).toHaveLength(1)
    expect(told({ processes }, harmed('worker-0', 900, 1100))).toHaveLength(1)
  })

  test('a fault explains its own time in a spell, and no more', () => {
    const processes = [{ name: 'worker-1', mean: 0.1, worst: [{ at: 1000, ms: 700, waitedMs: 600 }] }]
    const during = (...windows: [number, number][]) => {
      const nodes = windows.map(([from, until]) => ({ node: 'worker-1', from, until }))
      return told({ processes }, { nodes, memory: [] })
    }
    expect(during([900, 1001])).toHaveLength(1)
    expect(during([1690, 2000])).toHaveLength(1)
    expect(during([1300, 1310])).toEqual([expect.stringContaining('waited 590 ms of 690 ms')])
    // Two windows that overlap are one, and what is left of a spell would have to be beyond the limit by itself.
    expect(during([1000, 1100], [1050, 1110], [1060, 1090])).toHaveLength(1)
    expect(during([1000, 1100], [1400, 1440])).toEqual([])
  })

  test('pressure counts where others make it, not where the run does', () => {
    expect(told({ cpuPressure: course(0.9), others: course(0.3) })).toEqual([])
    expect(told({ cpuPressure: course(0.2), others: course(0.9) })).toEqual([])
    expect(told({ cpuPressure: course(0.94), others: course(0.61) })).toEqual([
      'others than this run used 1.2 of 2 processors in the worst ten seconds, from 0:12 (limit 0.7), and somebody waited for one 94 % of that time (limit 25 %)',
    ])
  })

  test('steal and pressure on memory, unless a fault fills it', () => {
    expect(told({ steal: course(0.04), memoryPressure: course(0.09) })).toEqual([])
    expect(told({ steal: course(0.06) })).toEqual([
      expect.stringContaining('the hypervisor gave 6 % of the processors'),
    ])
    expect(told({ memoryPressure: course(0.2) })).toEqual([
      expect.stringContaining('waited for memory 20 % of the time'),
    ])
    const { at } = course(0.2)
    const filled = (from: number) => ({ nodes: [], memory: [{ from, until: from + 500 }] })
    expect(told({ memoryPressure: course(0.2) }, filled(at + 5000))).toEqual([])
    expect(told({ memoryPressure: course(0.2) }, filled(at + 15_000))).toEqual([])
    expect(told({ memoryPressure: course(0.2) }, filled(at + 20_000))).toHaveLength(1)
    expect(told({ memoryPressure: course(0.2) }, filled(at - 10_600))).toHaveLength(1)
  })
})
