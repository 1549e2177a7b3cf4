import { readdir } from 'node:fs/promises'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { meanTotalMs, nameWork, type Profile, profileOf, profiles, workLimits } from '../patterns/agent/profiles.ts'
import { catalog as named, resolvePattern } from '../patterns/catalog.ts'
import type { Delivery } from '../patterns/contract/types/delivery.ts'
import type { Engine } from '../patterns/contract/types/engine.ts'
import { silencesAt } from '../patterns/contract/types/timeouts.ts'
import { home } from './core/own-package.ts'
import type { Fault } from './model/fault.ts'
import type { Runtime } from './model/runtime.ts'
import type { Target } from './model/target.ts'
import type { Catalog, CatalogPattern, ProfileText, WorkProfile } from './scenario/catalog.ts'
import { readText } from './scenario/load.ts'
import { patternOf, targetSilencesAt } from './targets/pattern.ts'
import { storeNames } from './targets/program.ts'

export type Plugins<T> = () => Promise<ReadonlyMap<string, T>>

/** The plugins that a scenario may name. */
export interface CatalogKinds {
  readonly deliveries: Plugins<Delivery>
  readonly engines: Plugins<Engine>
  readonly faults: Plugins<Fault>
  readonly runtimes: Plugins<Runtime>
}

/** What scenarios are checked against. Rejects with HarnessError where a plugin cannot be used. */
export async function readCatalog(kinds: CatalogKinds): Promise<Catalog> {
  const [deliveries, engines, faults, runtimes, faultProfiles] = await Promise.all([
    kinds.deliveries(),
    kinds.engines(),
    kinds.faults(),
    kinds.runtimes(),
    readFaultProfiles(new URL('scenarios/profiles/', home)),
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
    faults,
    runtimes,
    patternNames: named.map(({ name }) => name).filter((name) => resolve(name)),
    deliveries,
    engineNames: [...engines.keys()],
    storeNames,
    resolvePattern: resolve,
    patternOf: (target) => catalogPattern(target, deliveries.get(target.client)!),
    faultProfiles,
    profileNames: [...profiles.keys()],
    workOf: (name) => {
      const profile = profileOf(name)
      return profile && workOf(profile)
    },
    nameWork: (work) => {
      const name = nameWork(work)
      return profileOf(name) ? { name } : { problem: workHelp }
    },
  }
}

function catalogPattern(target: Target, ofClient: Delivery): CatalogPattern {
  const pattern = patternOf(target, ofClient)
  return {
    ...pattern,
    work: ownWork(target),
    silencesAt: (timeScale) => targetSilencesAt({ target, pattern }, timeScale),
  }
}

function ownWork({ work: { takesMs, steps } }: Target): WorkProfile {
  return { steps, idealMs: takesMs, longestStepMs: takesMs / steps }
}

const workHelp =
  `is work that no server takes; write 1 to ${workLimits.steps} steps of at least ${workLimits.leastStepMs} ms, ` +
  `24h at most and the shorter duration first, and at most ${workLimits.resultBytes} resultBytes`

function workOf(profile: Profile): WorkProfile {
  const { steps, leastMs, mostMs } = profile
  const time = { idealMs: meanTotalMs(profile), longestStepMs: longestStepMs(steps, mostMs) }
  const common = {
    steps: steps.length,
    ...time,
    calls: steps.map(({ kind }) => kind),
    credits: steps.map((step) => step.credits),
  }
  return leastMs === mostMs ? common : { ...common, idealRangeMs: [leastMs, mostMs] }
}

function longestStepMs(steps: readonly { readonly weight: number }[], totalMs: number): number {
  const weights = steps.map(({ weight }) => weight)
  return (totalMs * Math.max(...weights)) / weights.reduce((sum, weight) => sum + weight, 0)
}

async function readFaultProfiles(folder: URL): Promise<ReadonlyMap<string, ProfileText>> {
  const files = (await readdir(folder)).filter((name) => name.endsWith('.yaml')).toSorted()
  const profiles = files.map(async (name) => {
    const path = fileURLToPath(new URL(name, folder))
    const file = relative(process.cwd(), path)
    return [name.replace('.yaml', ''), { file, text: await readText(path) }] as const
  })
  return new Map(await Promise.all(profiles))
}
