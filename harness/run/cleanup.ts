import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { findLabelled } from '../os/leftovers.ts'

/** Everything temporary of a run (databases, sockets, caches) lives in one folder with this prefix. */
const prefix = 'outlast-'
const owner = 'owner.json'

export interface Leftover {
  readonly run: string
  readonly folder: string
  readonly processes: number
}

/** Make the run's temporary folder and write down who owns it, before anything is started. */
export function claimTemp(run: string): string {
  const folder = join(tmpdir(), prefix + run)
  // A server that runs as another user must be able to enter its own data folder below.
  mkdirSync(folder, { recursive: true, mode: 0o711 })
  writeFileSync(join(folder, owner), JSON.stringify({ run, pid: process.pid, startTicks: startTicks(process.pid) }))
  return folder
}

/** Runs whose harness is gone but whose processes or files are not. */
export function findLeftovers(): readonly Leftover[] {
  return readdirSync(tmpdir())
    .filter((name) => name.startsWith(prefix))
    .flatMap((name) => {
      const folder = join(tmpdir(), name)
      const run = abandonedRun(folder)
      return run === undefined ? [] : [{ run, folder, processes: findLabelled(run).length }]
    })
}

/** End and remove what interrupted runs left; other runs that are alive are not touched. Resolves with what it removed. */
export async function cleanUp(): Promise<readonly Leftover[]> {
  const leftovers = findLeftovers()
  for (const leftover of leftovers) await removeRun(leftover.run, leftover.folder)
  return leftovers
}

/**
 * End every process that carries the run's label and delete its temporary folder.
 * Looks again until none was found twice: a process may be starting another in this moment.
 * Resolves with what still stands after `withinMs`: nothing, if all is well.
 */
export async function removeRun(run: string, folder: string, withinMs = 8_000): Promise<readonly string[]> {
  const rounds = Math.ceil(withinMs / 100)
  for (let round = 0, quiet = 0; round < rounds && quiet < 2; round++) {
    const alive = findLabelled(run)
    quiet = alive.length === 0 ? quiet + 1 : 0
    for (const { pid, command } of alive) end(pid, command, round)
    await sleep(100)
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  return findLabelled(run).map(({ pid, command }) => `process ${pid}: ${command}`)
}

/** PostgreSQL gets half a second to remove its shared memory, which no SIGKILL would; everything else goes at once. */
function end(pid: number, command: string, round: number): void {
  try {
    process.kill(pid, round < 5 && command.includes('postgres') ? 'SIGQUIT' : 'SIGKILL')
  } catch {
    // Gone already.
  }
}

function abandonedRun(folder: string): string | undefined {
  try {
    const claim = JSON.parse(readFileSync(join(folder, owner), 'utf8')) as {
      run: string
      pid: number
      startTicks: string
    }
    return isAlive(claim.pid) && startTicks(claim.pid) === claim.startTicks ? undefined : claim.run
  } catch {
    // Not one of ours: a folder without a claim is left alone.
    return undefined
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** Start time of a process in kernel ticks: tells a recycled pid from the owner. Empty where there is no /proc. */
function startTicks(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? ''
  } catch {
    return ''
  }
}
