import { appendFileSync, readdirSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'

/** Where tokens lie. Not set but by the crash suite: then nothing ever happens here. An image has an empty copy of this file. */
const folder = process.env['OUTLAST_FAULT_POINTS']

/**
 * A place where the process may die, as by a lost machine: before or after what it cannot take back. Who passes takes the
 * first token of that name in OUTLAST_FAULT_POINTS, `<name>@<order>-pass` or `<name>@<order>-kill`; the latter is SIGKILL,
 * and nothing runs after it. Tokens are files, so that each is taken once, by one process, across restarts.
 */
export function faultPoint(name: string): void {
  if (folder === undefined) return
  appendFileSync(join(folder, 'passed'), `${name}\n`)
  const tokens = readdirSync(folder).filter((file) => file.startsWith(`${name}@`))
  if (tokens.toSorted().find(take)?.endsWith('kill')) process.kill(process.pid, 'SIGKILL')
}

/** `<name>.before`, the act, and `<name>.after` once it has succeeded. */
export async function withFaultPoints<T>(name: string, act: () => Promise<T>): Promise<T> {
  faultPoint(`${name}.before`)
  const done = await act()
  faultPoint(`${name}.after`)
  return done
}

/** False: another process was faster. */
function take(token: string): boolean {
  try {
    unlinkSync(join(folder!, token))
    return true
  } catch {
    return false
  }
}
