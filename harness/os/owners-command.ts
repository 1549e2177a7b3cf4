import { spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { dirname } from 'node:path'
import { HarnessError } from '../core/errors.ts'
import { makeFolder } from '../core/folder.ts'
import { openForAppending } from '../core/own-file.ts'
import { startTimer } from '../../patterns/contract/types/timer.ts'
import { signalGroup } from './child.ts'

export interface OwnersCommand {
  readonly command: readonly string[]
  readonly cwd: string
  /** What it says, and what it leaves running. */
  readonly logFile: string
  readonly limitMs: number
  /** What it finds around it; by default what this process does. */
  readonly env?: NodeJS.ProcessEnv
}

/**
 * Run a command of the user's about a service of the user's. What it leaves running is that service: it has no label of the run,
 * by which it would be ended with it, and no pipe of ours. Rejects with HarnessError where it cannot be started or fails, and
 * where it takes longer than `limitMs`: then it is ended.
 */
export async function runOwnersCommand(spec: OwnersCommand): Promise<void> {
  const { command, cwd, logFile, limitMs, env = process.env } = spec
  const [program, ...args] = command
  makeFolder(dirname(logFile))
  const log = openForAppending(logFile)
  let isCut = false
  try {
    const child = spawn(program!, args, { cwd, env, detached: true, stdio: ['ignore', log, log] })
    using _ = startTimer(() => {
      isCut = true
      if (child.pid !== undefined) signalGroup(child.pid, 'SIGKILL')
    }, limitMs)
    const how = await new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(error.message))
      child.once('exit', (code, signal) =>
        resolve(code === 0 ? undefined : `failed (${signal ?? `exit code ${code}`})`),
      )
    })
    if (isCut) throw new HarnessError(`${program} did not end within ${limitMs / 1000} s (${logFile})`)
    if (how !== undefined) throw new HarnessError(`${program} ${how} (${logFile})`)
  } finally {
    closeSync(log)
  }
}
