import { appendFileSync } from 'node:fs'
import { join } from 'node:path'
import { innermostRun, processAt } from './label.ts'

/**
 * A program of the user's may start others without its environment, and so without the label. They are still in the session
 * that its start began. So a run writes those down, as the processes that lead them, for whoever cleans up after it.
 */
export const sessionsFile = 'sessions.ndjson'

const files = new Map<string, string>()

/** From now on what this run starts is written down in its temporary folder. */
export function keepSessions(run: string, folder: string): void {
  files.set(run, join(folder, sessionsFile))
}

export function forgetSessions(run: string): void {
  files.delete(run)
}

/** Of a process that has just begun a session of its own. At once: a moment later nobody may be there to do it. */
export function noteSession(pid: number): void {
  const file = files.get(innermostRun() ?? '')
  if (file === undefined) return
  try {
    appendFileSync(file, `${JSON.stringify(processAt(pid))}\n`, { mode: 0o600 })
  } catch {
    // A full disk, or a folder that is gone: its label still tells whose it is.
  }
}
