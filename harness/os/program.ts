import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve, sep } from 'node:path'
import type { Readable } from 'node:stream'
import { HarnessError } from '../core/errors.ts'
import { timeLimit } from '../../patterns/contract/types/timer.ts'
import { signalGroup } from './child.ts'
import { runLabel } from './label.ts'

export interface ProgramOptions {
  readonly cwd?: string | URL
  /** By default ours. The label comes on top. */
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly uid?: number | undefined
  readonly gid?: number | undefined
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
}

export interface Output {
  readonly stdout: string
  readonly stderr: string
}

/** A program that could not be started, failed or was ended. `code` is its exit code, a signal's name, or ENOENT. */
export class ProgramError extends HarnessError {
  readonly code: number | string
  readonly stdout: string
  readonly stderr: string
  constructor(message: string, code: number | string, { stdout, stderr }: Output = { stdout: '', stderr: '' }) {
    super(message)
    this.code = code
    this.stdout = stdout
    this.stderr = stderr
  }
}

const mostBytes = 64 * 2 ** 20
const shell = '/bin/sh'
/** The third descriptor ends when we let go of it or die; then SIGKILL ends the group. `exec` keeps the process. */
const tied = '(read -r _ <&3; kill -KILL 0) >/dev/null 2>&1 & exec "$@" 3<&-'

/**
 * Run a program to its end, which comes at the latest with ours: it and what it starts are a group that nobody outlives.
 * Throws ProgramError when it cannot be started, fails, or does not end in time; what `signal` gives as its reason when that aborts.
 */
export async function runProgram(
  command: string,
  args: readonly string[],
  options: ProgramOptions = {},
): Promise<Output> {
  const { cwd, env = process.env, uid, gid, timeoutMs, signal } = options
  signal?.throwIfAborted()
  const program = findProgram(command, env['PATH'])
  const [file, given] = isThere(shell) ? [shell, ['-c', tied, 'sh', program, ...args]] : [program, [...args]]
  const child = spawn(file, given, {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { ...env, ...runLabel() },
    ...(cwd !== undefined && { cwd }),
    ...(uid !== undefined && { uid }),
    ...(gid !== undefined && { gid }),
  })
  const lifeline = child.stdio[3]!
  lifeline.on('error', () => {})
  const limits = [...(signal ? [signal] : []), ...(timeoutMs === undefined ? [] : [timeLimit(timeoutMs)])]
  const limit = AbortSignal.any(limits)
  let isCut = false
  const cut = (): void => {
    if (isCut) return
    isCut = true
    lifeline.destroy()
    if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
  }
  limit.addEventListener('abort', cut, { once: true })
  const said = Promise.all([read(child.stdout!), read(child.stderr!)])
  try {
    const [code, by] = (await once(child, 'exit')) as [number | null, string | null]
    // What it left running holds our pipes open: it ends now.
    cut()
    const [stdout, stderr] = await said
    signal?.throwIfAborted()
    if (code === 0) return { stdout, stderr }
    const how = limit.aborted ? `did not end within ${timeoutMs} ms` : `failed (${by ?? `exit code ${code}`})`
    throw new ProgramError(`${command} ${how}`, by ?? code!, { stdout, stderr })
  } finally {
    cut()
    limit.removeEventListener('abort', cut)
  }
}

async function read(stream: Readable): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= mostBytes) chunks.push(chunk)
  })
  await once(stream, 'close')
  return Buffer.concat(chunks).toString('utf8')
}

/** Why this command could not be started from this folder, or undefined. */
export function whyNoProgram(command: string, cwd: string): string | undefined {
  if (!isFolder(cwd)) return `there is no folder ${cwd}`
  try {
    findProgram(command.includes(sep) ? resolve(cwd, command) : command)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}

/** A name without a folder is looked for on the PATH. Throws ProgramError with the code ENOENT. */
function findProgram(command: string, path = process.env['PATH'] ?? ''): string {
  if (isAbsolute(command) || command.includes(sep)) {
    if (isThere(command)) return command
    throw new ProgramError(`there is no program ${command}`, 'ENOENT')
  }
  const found = path.split(delimiter).map((folder) => join(folder || '.', command))
  const program = found.find(isThere)
  if (program === undefined) throw new ProgramError(`there is no ${command} on the PATH`, 'ENOENT')
  return program
}

function isThere(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return statSync(file).isFile()
  } catch {
    return false
  }
}
