import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { readdir } from 'node:fs/promises'
import { sleep } from '../../patterns/contract/types/timer.ts'
import { killGroup, spawnChild, entryPath } from '../os/child.ts'
import { beginLabel, closeRun, endLabel, newRunName, reaperMark } from '../os/label.ts'
import { forgetSessions, keepSessions } from '../os/sessions.ts'
import { removeRun, type Sweeper } from './sweep.ts'
import { claimTemp, listTemp } from './temp-folder.ts'
import { describeError } from '../core/errors.ts'
import { findLabelled } from './processes.ts'
import { listeningPorts } from '../os/listeners.ts'
import { runProgram } from '../os/program.ts'

/** Something that starts processes and leaves none of them. */
export interface Supervised {
  readonly run: string
  readonly temp: string
  /** End all of it but these processes. Resolves with what is still there. From then on nothing can be started. */
  end(spared?: readonly number[]): Promise<readonly string[]>
}

/** By then it has nothing to do any more. */
const reaperLeavesMs = 2_000

/** Run `act`, which starts processes, and end what it leaves. Resolves with what is still there afterwards. */
export async function supervise(
  sweepers: readonly Sweeper[],
  act: (temp: string) => Promise<void>,
  reaperLog?: string,
): Promise<readonly string[]> {
  // Short: it is part of the path of Unix sockets, which may have no more than about a hundred bytes.
  const run = newRunName()
  const before = await listLeftovers(run, sweepers)
  const supervised = await beginSupervised(sweepers, run, reaperLog)
  const leftBehind: string[] = []
  try {
    await act(supervised.temp)
  } finally {
    const remaining = await supervised.end()
    const found = leftBehindBy(run, before, await listLeftovers(run, sweepers))
    const untold = found.filter((one) => !remaining.some((told) => told === one || told.startsWith(`${one}:`)))
    leftBehind.push(...remaining, ...untold)
  }
  return leftBehind
}

/** Label what this process starts from now on. A reaper removes it and the temporary folder when this process dies. */
export async function beginSupervised(
  sweepers: readonly Sweeper[],
  run = newRunName(),
  reaperLog?: string,
): Promise<Supervised> {
  const temp = claimTemp(run)
  beginLabel(run)
  const reaper = await startReaper(run, temp, reaperLog ?? join(temp, 'reaper.log'))
  // Not before: the reaper's own session is none that it ends.
  keepSessions(run, temp)
  return {
    run,
    temp,
    async end(spared = []) {
      closeRun()
      const remaining = await removeRun(run, temp, sweepers, { spared: [reaper.pid!, ...spared] })
      await dismiss(reaper)
      forgetSessions(run)
      endLabel()
      return remaining
    },
  }
}

/** It finds the engines that we find: unlike a node it gets what says where they are. */
async function startReaper(run: string, temp: string, logFile: string): Promise<ChildProcess> {
  const names = Object.keys(process.env).filter((name) => name === 'HOME' || name.startsWith('DOCKER_'))
  const reaper = await spawnChild({
    command: process.execPath,
    args: [entryPath('./reaper', import.meta.url), run, temp],
    env: { ...Object.fromEntries(names.map((name) => [name, process.env[name]!])), ...reaperMark },
    logFile,
  })
  // For the user's own commands alone, and on no disk.
  reaper.stdin!.write(`${JSON.stringify(process.env)}\n`)
  return reaper
}

async function dismiss(reaper: ChildProcess): Promise<void> {
  if (reaper.exitCode !== null || reaper.signalCode !== null) return
  const gone = once(reaper, 'exit')
  reaper.stdin!.end('done')
  const over = new AbortController()
  await Promise.race([gone, sleep(reaperLeavesMs, over.signal).catch(() => {})])
  over.abort()
  await killGroup(reaper)
}

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
