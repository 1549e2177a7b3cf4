import { existsSync } from 'node:fs'
import { dirname } from 'node:path'
import { describeError } from '../core/errors.ts'
import type { OwnersService } from '../model/runtime.ts'
import { goesDown, untilAnswers } from '../os/answers.ts'
import { runOwnersCommand } from '../os/owners-command.ts'

const usualLimitMs = 30_000

interface Circumstances {
  /** What its owner's commands find around them: what they would have found in the run. */
  readonly env: NodeJS.ProcessEnv
  readonly limitMs?: number
}

/**
 * Bring back services that a run took down and did not bring back, by their owner's commands. Who answers is left alone. Resolves
 * with a sentence on each that is still down.
 */
export async function bringBack(
  services: readonly OwnersService[],
  { env, limitMs = usualLimitMs }: Circumstances,
): Promise<readonly string[]> {
  const told = services.map(async ({ name, url, state, restart, cwd, logFile }) => {
    try {
      // Begun in the moment when its run died, it may be about to succeed, and a second one would be in its way.
      if (state === 'restarting') await untilAnswers(url, true, limitMs).catch(() => {})
      if (!(await goesDown(url))) return []
      await runOwnersCommand({ command: restart, cwd, logFile: logIn(logFile), limitMs, env })
      await untilAnswers(url, true, limitMs)
      return []
    } catch (error) {
      return [`service ${name}: it is down, and its command "restart" did not bring it back: ${describeError(error)}`]
    }
  })
  return (await Promise.all(told)).flat()
}

/** The folder of the run may be gone by now, and is not made again. */
function logIn(file: string): string {
  return existsSync(dirname(file)) ? file : '/dev/null'
}
