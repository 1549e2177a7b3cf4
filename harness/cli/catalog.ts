import { catalog as named, resolvePattern } from '../../patterns/catalog.ts'
import { profiles } from '../../patterns/agent/profiles.ts'
import { discover } from '../core/discover.ts'
import type { Delivery, Engine, Fault, Runtime } from '../core/types.ts'
import type { Catalog, CatalogPattern } from '../plan/catalog.ts'

/** Everything that a scenario may name, and what is behind the names. */
export interface OpenCatalog extends Catalog {
  readonly deliveries: ReadonlyMap<string, Delivery>
  readonly engines: ReadonlyMap<string, Engine>
  readonly runtimes: ReadonlyMap<string, Runtime>
}

/** Read the folders. Throws HarnessError for a plugin that is not one. */
export async function openCatalog(): Promise<OpenCatalog> {
  const [deliveries, engines, faults, runtimes] = await Promise.all([
    discover<Delivery>(new URL('../../patterns/deliveries/', import.meta.url), 'delivery'),
    discover<Engine>(new URL('../../patterns/engines/', import.meta.url), 'engine'),
    discover<Fault>(new URL('../faults/', import.meta.url)),
    discover<Runtime>(new URL('../runtimes/', import.meta.url)),
  ])
  const resolve = (name: string): CatalogPattern | undefined => {
    try {
      return resolvePattern(name, deliveries, engines)
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
    profiles: new Map(
      [...profiles].map(([name, { steps, totalMs }]) => [name, { steps: steps.length, idealMs: totalMs }]),
    ),
  }
}
