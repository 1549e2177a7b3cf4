import type { ChildProcess } from 'node:child_process'
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

/** By then the rest of a group that was killed is gone. */
const settledMs = 1_000

/**
 * Of a process that has just begun a session of its own. At once: a moment later nobody may be there to do it. When it has ended
 * and left nobody in its group, that is written down too: its pid may soon be that of another session.
 */
export function noteSession(child: ChildProcess): void {
  const file = files.get(innermostRun() ?? '')
  const { pid } = child
  if (file === undefined || pid === undefined) return
  append(file, processAt(pid))
  const noteEnd = (): boolean => {
    const isOver = !hasGroup(pid)
    if (isOver) append(file, { ended: pid })
    return isOver
  }
  child.once('exit', () => noteEnd() || setTimeout(noteEnd, settledMs).unref())
}

function hasGroup(pid: number): boolean {
  try {
    process.kill(-pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

function append(file: string, line: object): void {
  try {
    appendFileSync(file, `${JSON.stringify(line)}\n`, { mode: 0o600 })
  } catch {
    // A full disk, or a folder that is gone: its label still tells whose it is.
  }
}
