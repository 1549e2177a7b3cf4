/**
 * `node:child_process` for tests and benchmarks: what is started carries the label of the suite, whatever environment it is
 * given, and so is ended with it.
 */
import * as child from 'node:child_process'
import { promisify } from 'node:util'
import { runLabel } from '../../harness/os/label.ts'

interface Given {
  readonly env?: NodeJS.ProcessEnv | undefined
}

function labelled(options: Given = {}): object {
  return { ...options, env: { ...(options.env ?? process.env), ...runLabel() } }
}

type Start<T> = (file: string, args?: readonly string[], options?: Given) => T

function starting<F extends (...given: never[]) => unknown>(start: F): F {
  const labelling: Start<unknown> = (file, args = [], options) =>
    (start as unknown as Start<unknown>)(file, args, labelled(options))
  return labelling as unknown as F
}

export const spawn = starting(child.spawn)
export const spawnSync = starting(child.spawnSync)
export const execFileSync = starting(child.execFileSync)
export const fork = starting(child.fork)
/** Resolves with what the program wrote; rejects when it fails. */
export const run = starting(promisify(child.execFile))
