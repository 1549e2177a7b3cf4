import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { spawn } from './programs.ts'

export const root = fileURLToPath(new URL('../../', import.meta.url))

export interface Finished {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: string
  readonly stderr: string
}

/** The command as a user starts it. With `tmp`, its temporary files go there: no other test's can be mistaken for them. `own`: its environment beside ours. */
export function startOutlast(
  args: readonly string[],
  tmp?: string,
  checkout = root,
  own: Readonly<Record<string, string>> = {},
): ChildProcess {
  const env = { ...process.env, NO_COLOR: '1', ...(tmp && { TMPDIR: tmp }), ...own }
  return spawn(process.execPath, [join(checkout, 'bin/outlast.js'), ...args], { cwd: checkout, env })
}

export async function outlast(
  args: readonly string[],
  tmp?: string,
  checkout = root,
  own: Readonly<Record<string, string>> = {},
): Promise<Finished> {
  const child = startOutlast(args, tmp, checkout, own)
  let [stdout, stderr] = ['', '']
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
  return { code, signal, stdout, stderr }
}

/** Two empty folders that are gone after the test: for the run's results, and for its temporary files. */
export async function temporaryFolders(): Promise<AsyncDisposable & { readonly out: string; readonly tmp: string }> {
  const path = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
  const [out, tmp] = [join(path, 'runs'), join(path, 'tmp')]
  // A database that runs as another user must reach its files.
  await Promise.all([chmod(path, 0o711), mkdir(out), mkdir(tmp, { mode: 0o711 })])
  return { out, tmp, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) }
}
