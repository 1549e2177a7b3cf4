import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { describeError } from '../core/errors.ts'
import type { Runtime } from '../model/types.ts'
import { Breach } from '../conform/expect.ts'
import { type CaseResult, type NamedCase, runCases } from '../conform/suite.ts'
import type { OnLost } from '../os/heed.ts'
import { openJournal } from '../cleanup/journal.ts'
import { openScene, type ScenePattern } from './target.ts'
import { supervise } from '../cleanup/supervise.ts'
import { findSweepers } from '../cleanup/sweepers.ts'

/** What patterns of ours are held against, and where. */
export interface ConformOptions {
  readonly cases: readonly NamedCase[]
  readonly runtime: Runtime
  readonly timeScale: number
  /** Where logs of nodes go; by default into what is removed at the end. */
  readonly logs?: string
  /** Cases that fail may try once more. */
  readonly patient?: boolean
  readonly signal: AbortSignal
  /** A part of the harness failed: what cases find then says nothing. */
  readonly onLost?: OnLost
  readonly onStart?: (pattern: string) => void
  readonly onResult?: (pattern: string, result: CaseResult) => void
}

export interface Conformance {
  readonly pattern: string
  readonly cases: readonly CaseResult[]
}

/** Hold patterns against cases, one after another. Resolves with what still stands afterwards, too: nothing, if all is well. */
export async function conformPatterns(
  patterns: readonly ScenePattern[],
  options: ConformOptions,
): Promise<{ readonly conformances: readonly Conformance[]; readonly leftBehind: readonly string[] }> {
  const conformances: Conformance[] = []
  const broken = new AbortController()
  const signal = AbortSignal.any([options.signal, broken.signal])
  const own: ConformOptions = { ...options, signal, onLost: (error) => broken.abort(error) }
  const leftBehind = await supervise(await findSweepers(), async (temp) => {
    for (const pattern of patterns) conformances.push(await conformPattern(pattern, temp, own))
  })
  return { conformances, leftBehind }
}

/** One pattern, in the run that is under way. What keeps it from being asked at all is its one result. Rejects on abort alone. */
export async function conformPattern(
  pattern: ScenePattern,
  temp: string,
  options: ConformOptions,
): Promise<Conformance> {
  const { cases, runtime, timeScale, signal } = options
  const { name } = pattern
  options.onStart?.(name)
  const tell = (result: CaseResult): void => options.onResult?.(name, result)
  try {
    const reason = await runtime.whyNot(pattern.engine.services)
    if (reason !== undefined) throw new Error(reason)
    await using journal = await openJournal(temp)
    const folder = join(options.logs ?? temp, `conform-${name}`)
    // In the run's own folder only where that still is: what was deleted with it must not come back.
    await mkdir(folder, { recursive: options.logs !== undefined })
    const { onLost: lost } = options
    const place = { cell: `conform-${name}`, folder, temp, note: journal.note, ...(lost && { lost }) }
    await using scene = await openScene(pattern, { ...place, runtime, timeScale, signal })
    return {
      pattern: name,
      cases: await runCases(cases, scene.target, { onResult: tell, patient: options.patient ?? false }),
    }
  } catch (error) {
    signal.throwIfAborted()
    const result = unstarted(error)
    tell(result)
    return { pattern: name, cases: [result] }
  }
}

/** It runs and does not do the first thing that is asked of it, or it could not be started. */
export function unstarted(error: unknown): CaseResult {
  const outcome = error instanceof Breach ? 'fail' : 'undecided'
  return { case: 'start', outcome, reason: describeError(error).split('\n')[0]! }
}
