import { readdir } from 'node:fs/promises'
import { describeError } from '../core/errors.ts'
import { findLabelled } from './processes.ts'
import { listeningPorts } from '../os/listeners.ts'
import { runProgram } from '../os/program.ts'
import type { Sweeper } from './sweep.ts'
import { listTemp } from './temp-folder.ts'

/** Something that a run could leave on a machine. */
export interface Leftover {
  readonly kind: string
  readonly name: string
  /** Whose it is, where that is written on it; else its name tells. */
  readonly run?: string
}

/**
 * What there is of this run, and what has a name like ours. It covers processes, listening ports, what runtimes keep,
 * tables of the packet filter, network namespaces and temporary folders. Reads only. A runtime that cannot be asked may
 * keep something, and is listed; tables and namespaces that may not be read are not.
 */
export async function listLeftovers(run: string, sweepers: readonly Sweeper[]): Promise<readonly Leftover[]> {
  // The reaper sees the run out: it goes when the run says that it is done.
  const processes = findLabelled(run).filter(({ isReaper }) => !isReaper)
  const pids = [process.pid, ...processes.map(({ pid }) => pid)]
  const resources = sweepers.map((sweeper) => tracesOf(sweeper, run))
  const named = (kind: string) => (name: string) => ({ kind, name })
  return [
    ...processes.map(({ pid, command }) => ({ kind: 'process', name: `${pid}: ${command}`, run })),
    ...listeningPorts(pids).map((port) => ({ kind: 'listener on port', name: String(port), run })),
    ...(await Promise.all(resources)).flat(),
    ...(await tables()).map(named('nft table')),
    ...(await readdir('/run/netns').catch(() => [])).map(named('network namespace')),
    ...listTemp().map(named('temporary folder')),
  ]
}

async function tracesOf({ name, resources }: Sweeper, run: string): Promise<readonly Leftover[]> {
  try {
    return await resources()
  } catch (error) {
    return [{ kind: 'what runtime', name: `${name} keeps: it cannot be asked: ${describeError(error)}`, run }]
  }
}

/** What is there after a run, was not before, and is that run's. Pure. */
export function leftBehindBy(run: string, before: readonly Leftover[], after: readonly Leftover[]): readonly string[] {
  const known = new Set(before.map(keyOf))
  return after.filter((one) => isOf(run, one) && !known.has(keyOf(one))).map(keyOf)
}

/**
 * Names are compared by their letters and digits: a table of the packet filter may have no hyphen. Another harness may be
 * at work beside this one, so that only the run's own name makes a thing this run's.
 */
function isOf(run: string, { name, run: owner }: Leftover): boolean {
  if (owner !== undefined) return owner === run
  const plain = (text: string): string => text.replaceAll(/[^a-z0-9]+/gi, '-')
  return `${plain(name)}-`.startsWith(`outlast-${plain(run)}-`)
}

function keyOf({ kind, name }: Leftover): string {
  return `${kind} ${name}`
}

/** Tables of the packet filter of the namespace that we are in: we make none there, which is what this is to show. */
async function tables(): Promise<readonly string[]> {
  const listing = await runProgram('nft', ['list', 'tables'], { timeoutMs: 2_000 }).catch(() => ({ stdout: '' }))
  return listing.stdout.split('\n').flatMap((line) => /^table \w+ (\S+)/.exec(line)?.slice(1) ?? [])
}
