import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { writeFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { HarnessError } from '../core/errors.ts'
import { makeFolder } from '../core/folder.ts'
import { openForAppending } from '../core/own-file.ts'
import { mustNotBeOver, runLabel } from './label.ts'
import { noteSession } from './sessions.ts'
import { sleep } from '../../patterns/contract/types/timer.ts'

export interface ChildSpec {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** stderr goes here, stdout too unless it is read. Appended to, so that every life of a node is kept. */
  readonly logFile: string
  readonly stdout?: 'log' | 'pipe'
  readonly cwd?: string
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  /** Below the harness in priority: a starved load generator would blame the system for its own lag. */
  readonly nice?: number
  /** A program of the user's: nobody knows what it starts, and in which groups. */
  readonly isForeign?: true
  /** In our own group instead: the kernel shares out processors among groups. */
  readonly joined?: true
}

/**
 * Start a process in a group of its own. It inherits only PATH, a temporary directory, the run's label and what `env`
 * says. No secret of the caller's environment reaches a system under test. Its stdin is a pipe that ends with this
 * process. Rejects when it cannot be started at all, and after the end of the run.
 */
export async function spawnChild(spec: ChildSpec): Promise<ChildProcess> {
  mustNotBeOver()
  makeFolder(dirname(spec.logFile))
  const log = openForAppending(spec.logFile)
  try {
    const child = spawn(spec.command, [...spec.args], {
      detached: !spec.joined,
      stdio: ['pipe', spec.stdout === 'pipe' ? 'pipe' : log, log],
      env: { ...inherited(), ...spec.env, ...runLabel() },
      ...(spec.cwd !== undefined && { cwd: spec.cwd }),
      ...(spec.uid !== undefined && { uid: spec.uid }),
      ...(spec.gid !== undefined && { gid: spec.gid }),
    })
    // A pipe whose reader died is no news: the exit event tells.
    child.stdin?.on('error', () => {})
    if (!spec.joined) noteSession(child)
    await once(child, 'spawn')
    if (spec.nice && child.pid) void yieldToHarness(child.pid, spec.nice)
    return child
  } finally {
    closeSync(log)
  }
}

/** The first line that the child prints, as JSON; rejects with its log's name when it ends before. */
export async function readFirstLine<T>(child: ChildProcess, what: string, logFile: string): Promise<T> {
  const lines = createInterface({ input: child.stdout! })
  const line = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve)
    child.once('exit', (code, signal) => reject(startFailure(what, code, signal, logFile)))
  })
  lines.close()
  child.stdout!.resume()
  return JSON.parse(line) as T
}

function startFailure(what: string, code: number | null, signal: string | null, logFile: string): HarnessError {
  return new HarnessError(`${what} ended while it was starting (${signal ?? `exit code ${code}`}); see ${logFile}`)
}

/** SIGKILL the child's whole group and wait for its end; a child that is gone already is fine. */
export async function killGroup(child: ChildProcess, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null || !child.pid) return
  const gone = once(child, 'exit')
  // One that is in our own group has none.
  if (!signalGroup(child.pid, signal)) child.kill(signal)
  await gone
}

/** Signal a process group; false when there is none. */
export function signalGroup(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(-pid, signal)
    return true
  } catch {
    return false
  }
}

function inherited(): Record<string, string> {
  const names = ['PATH', 'TMPDIR', 'NODE_COMPILE_CACHE']
  return Object.fromEntries(names.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

/**
 * Put a process below the harness: a starved load generator would blame the system under test for its own lag.
 *
 * Under Linux's autogroup scheduling a child in a session of its own is a group. It has as much right to the processor
 * as all of ours together, whatever its nice value. There the group's own value counts (sched(7)). Best effort: where
 * there is no such file, nice is what there is.
 */
async function yieldToHarness(pid: number, nice: number): Promise<void> {
  try {
    setPriority(pid, nice)
  } catch {
    return
  }
  // Without privileges the kernel takes one such write in 100 ms and answers EAGAIN to the others.
  for (let tries = 0; tries < 100; tries++) {
    const error = await writeFile(`/proc/${pid}/autogroup`, String(nice)).catch(
      (thrown: NodeJS.ErrnoException) => thrown,
    )
    if (error?.code !== 'EAGAIN') return
    await sleep(50)
  }
}

/** Called when a part of the harness itself is lost: what is measured from then on says nothing about anybody. */
export type OnLost = (error: HarnessError) => void

interface WatchedChild {
  /** Its name in sentences: `the ledger`. */
  readonly what: string
  readonly logFile: string
  readonly onLost: OnLost
  /** Of what it prints, the lines that are no word of its own failure. */
  readonly onLine?: (line: string) => void
}

/** Watch a process of the harness's own: its end, and lines `{"failed": "why"}`, by which it says it cannot go on. */
export function watchChild(child: ChildProcess, { what, logFile, onLost, onLine }: WatchedChild): Disposable {
  const onExit = (code: number | null, signal: string | null): void => {
    onLost(new HarnessError(`${what} ended while it was needed (${signal ?? `exit code ${code}`}); see ${logFile}`))
  }
  if (child.exitCode === null && child.signalCode === null) child.once('exit', onExit)
  else onExit(child.exitCode, child.signalCode)
  const lines = createInterface({ input: child.stdout! })
  lines.on('line', (line) => {
    const failed = failureIn(line)
    if (failed === undefined) onLine?.(line)
    else onLost(new HarnessError(failed))
  })
  return { [Symbol.dispose]: () => void child.off('exit', onExit) }
}

function failureIn(line: string): string | undefined {
  if (!line.startsWith('{"failed":')) return undefined
  return String((JSON.parse(line) as { readonly failed: unknown }).failed)
}

/** Path of a process entry of ours beside `base` (an `import.meta.url`): `.ts` in a checkout, `.js` once built. */
export function entryPath(name: string, base: string): string {
  return fileURLToPath(new URL(name + (base.endsWith('.ts') ? '.ts' : '.js'), base))
}
