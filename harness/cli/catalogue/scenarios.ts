import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'
import { meanTotalMs, profiles as kinds } from '../../../patterns/agent/profiles.ts'
import { home } from '../../core/own-package.ts'
import { loadScenario } from '../../scenario/load.ts'
import { formatDuration } from '../../scenario/units.ts'
import type { Registry } from '../../registry.ts'
import { type Entry, type Section, told } from './entry.ts'

export const work: Section = {
  about: 'What a task is: `profile` names one of these, and `work` describes one of your own.',
  entries: async () =>
    [...kinds].map(([name, profile]) => {
      const { steps, leastMs, mostMs, about = '' } = profile
      const range = `${formatDuration(leastMs)} to ${formatDuration(mostMs)}, ${formatDuration(meanTotalMs(profile))} on average`
      const credits = steps.reduce((sum, step) => sum + step.credits, 0)
      return {
        name,
        summary: about,
        facts: told([
          ['takes', leastMs === mostMs ? formatDuration(mostMs) : range],
          ['steps', steps.map((step) => step.name).join('; ')],
          ['credits', String(credits)],
        ]),
      }
    }),
}

export const scenarios: Section = {
  about: 'What `outlast run` takes, as shipped. A file of your own is as good.',
  entries: async (registry) => {
    const folder = new URL('scenarios/', home)
    const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).toSorted()
    return Promise.all(files.map((file) => scenarioEntry(fileURLToPath(new URL(file, folder)), file, registry)))
  },
}

async function scenarioEntry(path: string, file: string, registry: Registry): Promise<Entry> {
  const { scenario } = await loadScenario(path, await registry.catalog())
  const { question, patterns, arms, load, timeScale, gates, repetitions } = scenario
  return {
    name: `scenarios/${file}`,
    summary: question,
    facts: told([
      ['patterns', patterns.join(', ')],
      ['arms', arms.map(({ name }) => name).join(', ')],
      ['tasks', `${load.tasks} for each pattern and arm${repetitions > 1 ? `, ${repetitions} times` : ''}`],
      ['compressed', timeScale === 1 ? 'not at all' : `${timeScale} times`],
      ['gates', gates.length === 0 ? undefined : String(gates.length)],
    ]),
  }
}

interface WrittenProfile {
  readonly about?: string
  readonly timeScale?: { readonly max: number; readonly why: string }
  readonly faults?: readonly Readonly<Record<string, unknown>>[]
}

export const profiles: Section = {
  about: 'Faults under a name, which an arm includes: a real system with the values that it comes with.',
  entries: async (registry) => {
    const { faultProfiles } = await registry.catalog()
    return [...faultProfiles].map(([name, source]) => {
      const { about = '', faults = [], timeScale } = ('text' in source ? parse(source.text) : {}) as WrittenProfile
      return {
        name,
        summary: about,
        facts: told([
          ['faults', faults.map(describeEntry).join('; ')],
          ['compressed', timeScale && `${timeScale.max} times at most: ${timeScale.why}`],
        ]),
      }
    })
  },
}

/** `edge (at 0s, for load, idle 60s)`: as it is written. */
function describeEntry({ fault, ...rest }: Readonly<Record<string, unknown>>): string {
  const values = Object.entries(rest).map(
    ([key, value]) => `${key} ${typeof value === 'string' ? value : JSON.stringify(value)}`,
  )
  return `${String(fault)} (${values.join(', ')})`
}
