import type { ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import { HarnessError } from '../core/errors.ts'

/** Called when a part of the harness itself is lost: what is measured from then on says nothing about anybody. */
export type OnLost = (error: HarnessError) => void

export interface Heeded {
  /** Its name in sentences: `the ledger`. */
  readonly what: string
  readonly logFile: string
  readonly onLost: OnLost
  /** Of what it prints, the lines that are no word of its own failure. */
  readonly onLine?: (line: string) => void
}

/**
 * Heed a process of the harness's own for as long as it is needed: that it ends, and what it says of itself. A line
 * `{"failed": "why"}` says that it goes on and can no longer do its work. Disposed of before it is ended on purpose.
 */
export function heedChild(child: ChildProcess, { what, logFile, onLost, onLine }: Heeded): Disposable {
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
