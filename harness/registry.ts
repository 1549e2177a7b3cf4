import type { Format } from '../reports/format.ts'
import type { NamedCase } from './conform/suite.ts'
import { discover, type Named } from './core/discover.ts'
import type { Checker } from './model/checker.ts'
import type { Delivery } from '../patterns/contract/types/delivery.ts'
import type { Engine } from '../patterns/contract/types/engine.ts'
import type { Runtime } from './model/runtime.ts'
import type { Fault } from './model/fault.ts'
import type { Target } from './model/target.ts'
import type { CatalogKinds, Plugins } from './plugin-catalog.ts'
import type { Catalog } from './scenario/catalog.ts'

/** All plugins. A kind's folder is read once, when it is first asked for. Nothing below looks for plugins itself. */
export interface Registry extends CatalogKinds {
  readonly checkers: () => Promise<readonly Checker[]>
  readonly formats: Plugins<Format>
  readonly cases: () => Promise<readonly NamedCase[]>
  readonly catalog: () => Promise<Catalog>
}

/** Reads nothing yet: a command loads what it asks for, and no more. Asking for a kind rejects with HarnessError where a plugin of it cannot be used. */
export function openRegistry(): Registry {
  return withCatalog({
    deliveries: plugins<Delivery>(new URL('../patterns/deliveries/', import.meta.url), 'delivery'),
    engines: plugins<Engine>(new URL('../patterns/engines/', import.meta.url), 'engine'),
    faults: plugins<Fault>(new URL('./faults/', import.meta.url)),
    runtimes: plugins<Runtime>(new URL('./runtimes/', import.meta.url)),
    checkers: once(async () => [...(await discover<Checker>(new URL('./checkers/', import.meta.url))).values()]),
    formats: plugins<Format>(new URL('../reports/formats/', import.meta.url)),
    cases: once(async () => (await import('./conform/suite.ts')).loadCases()),
  })
}

/** The same with these services of the user's, each as a delivery and an engine of its name. */
export function withTargets(registry: Registry, targets: readonly Target[] = []): Registry {
  if (targets.length === 0) return registry
  const patterns = once(async () => {
    const [deliveries, { patternOf }] = [await registry.deliveries(), await import('./targets/pattern.ts')]
    return targets.map((target) => patternOf(target, deliveries.get(target.client)!))
  })
  return {
    ...registry,
    deliveries: once(async () =>
      extended(
        await registry.deliveries(),
        (await patterns()).map(({ delivery }) => delivery),
      ),
    ),
    engines: once(async () =>
      extended(
        await registry.engines(),
        (await patterns()).map(({ engine }) => engine),
      ),
    ),
  }
}

function extended<T extends Named>(known: ReadonlyMap<string, T>, more: readonly T[]): ReadonlyMap<string, T> {
  return new Map([...known, ...more.map((one) => [one.name, one] as const)])
}

/** The same with these engines besides: controls whose truth is known. */
export function withEngines(registry: Registry, more: readonly Engine[]): Registry {
  return withCatalog({ ...registry, engines: once(async () => extended(await registry.engines(), more)) })
}

function plugins<T extends Named>(folder: URL, entry?: string): Plugins<T> {
  return once(() => discover<T>(folder, entry))
}

function once<T>(load: () => Promise<T>): () => Promise<T> {
  let loaded: Promise<T> | undefined
  return () => (loaded ??= load())
}

function withCatalog(kinds: Omit<Registry, 'catalog'>): Registry {
  return { ...kinds, catalog: once(async () => (await import('./plugin-catalog.ts')).readCatalog(kinds)) }
}
