import { catalog as named, resolvePattern } from '../patterns/catalog.ts'
import { silencesAt } from '../patterns/contract/types/silence.ts'
import { profiles } from '../patterns/agent/profiles.ts'
import { readdir } from 'node:fs/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { discover } from './core/discover.ts'
import type { Delivery, Engine, Fault, Runtime } from './model/types.ts'
import type { Catalog, CatalogPattern, ProfileText } from './scenario/catalog.ts'
import { readText } from './scenario/load.ts'

/** Everything that a scenario may name, and what is behind the names. */
export interface OpenCatalog extends Catalog {
  readonly deliveries: ReadonlyMap<string, Delivery>
  readonly engines: ReadonlyMap<string, Engine>
  readonly runtimes: ReadonlyMap<string, Runtime>
}

/** Read the folders. Throws HarnessError for a plugin that is not one. */
export async function openCatalog(): Promise<OpenCatalog> {
  const [deliveries, engines, faults, runtimes, faultProfiles] = await Promise.all([
    discover<Delivery>(new URL('../patterns/deliveries/', import.meta.url), 'delivery'),
    discover<Engine>(new URL('../patterns/engines/', import.meta.url), 'engine'),
    discover<Fault>(new URL('./faults/', import.meta.url)),
    discover<Runtime>(new URL('./runtimes/', import.meta.url)),
    readFaultProfiles(new URL('../scenarios/profiles/', import.meta.url)),
  ])
  const resolve = (name: string): CatalogPattern | undefined => {
    try {
      const pattern = resolvePattern(name, deliveries, engines)
      return { ...pattern, silencesAt: (timeScale) => silencesAt(pattern, timeScale) }
    } catch (error) {
      if (error instanceof RangeError) return undefined
      throw error
    }
  }
  return {
    deliveries,
    engines,
    faults,
    runtimes,
    patternNames: named.map(({ name }) => name).filter((name) => resolve(name)),
    deliveryNames: [...deliveries.keys()],
    engineNames: [...engines.keys()],
    resolvePattern: resolve,
    faultProfiles,
    profiles: new Map(
      [...profiles].map(([name, { steps, totalMs }]) => [
        name,
        { steps: steps.length, idealMs: totalMs, longestStepMs: longestStepMs(steps, totalMs) },
      ]),
    ),
  }
}

function longestStepMs(steps: readonly { readonly weight: number }[], totalMs: number): number {
  const weights = steps.map(({ weight }) => weight)
  return (totalMs * Math.max(...weights)) / weights.reduce((sum, weight) => sum + weight, 0)
}

async function readFaultProfiles(folder: URL): Promise<ReadonlyMap<string, ProfileText>> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).toSorted()
  const profiles = files.map(async (name) => {
    const place = fileURLToPath(new URL(name, folder))
    const file = relative(process.cwd(), place)
    return [name.replace('.yaml', ''), { file, text: await readText(place) }] as const
  })
  return new Map(await Promise.all(profiles))
}
