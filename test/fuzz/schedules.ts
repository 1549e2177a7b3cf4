import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { openRegistry } from '../../harness/registry.ts'
import { planScenario } from '../../harness/cli/scenario-arguments.ts'
import { formatSchedule } from '../../harness/plan/schedule.ts'
import { root } from '../support/outlast.ts'
import type { Dice } from './dice.ts'
import { distort, oddNumbers } from './odd.ts'
import { damageText } from './texts.ts'

export interface Replayed {
  readonly scenario: string
  readonly schedule: string
}

/** Schedules as a run writes them. */
export async function readSchedules(): Promise<readonly Replayed[]> {
  const registry = openRegistry()
  const scenarios = ['smoke', 'quickstart', 'streams'].map((name) => join(root, `scenarios/${name}.yaml`))
  return Promise.all(
    scenarios.map(async (scenario) => {
      const { plan } = await planScenario(scenario, { runtime: 'process' }, registry)
      return { scenario, schedule: formatSchedule(plan) }
    }),
  )
}

/** Write one that is wrong in some way. Resolves with its path. */
export function makeSchedule(folder: string, { schedule }: Replayed, dice: Dice): string {
  const path = join(folder, 'schedule.json')
  writeFileSync(path, scheduleBytes(schedule, dice))
  return path
}

function scheduleBytes(schedule: string, dice: Dice): Buffer {
  if (dice.chance(0.3)) return damageText(schedule, dice)
  if (dice.chance(0.7)) return Buffer.from(JSON.stringify(distort(JSON.parse(schedule), dice)))
  // `1e999` is JSON, and no number.
  const numbers = [...oddNumbers.map(String), '1e999', '-1e999', '1e-999', '01', '1.', '0x10']
  const places = [...schedule.matchAll(/(?<=: ?)-?\d+(?:\.\d+)?/g)]
  if (places.length === 0) return Buffer.from(schedule)
  const { index, 0: found } = dice.pick(places)
  return Buffer.from(schedule.slice(0, index) + dice.pick(numbers) + schedule.slice(index + found.length))
}
