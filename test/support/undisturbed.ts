import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'vitest'
import type { CellResult, RunResults } from '../../harness/model/results.ts'
import { type Finished, outlast } from './outlast.ts'

export interface UndisturbedRun extends Finished {
  readonly folder: string
  readonly results: RunResults
}

/** `outlast run` of a test that no busy machine may decide: see `requireQuiet`. Any other outcome is the test's to judge. */
export async function runUndisturbed(
  args: readonly string[],
  { out, tmp }: { readonly out: string; readonly tmp: string },
  test: TestContext,
): Promise<UndisturbedRun> {
  const run = await outlast(['run', ...args, '--out', out], tmp)
  const name = (await readdir(out, { withFileTypes: true })).find((entry) => entry.isDirectory())?.name
  if (name === undefined) throw new Error(`no run folder; exit code ${run.code}: ${run.stdout}${run.stderr}`)
  const folder = join(out, name)
  const results = await readResults(folder)
  requireQuiet(test, starvation(results))
  return { ...run, folder, results }
}

export async function readResults(folder: string): Promise<RunResults> {
  return JSON.parse(await readFile(join(folder, 'results.json'), 'utf8')) as RunResults
}

/** In the folder of this run of the suites: a line for each test that was starved twice. */
const starvedTwice = join(tmpdir(), 'starved-tests')
/** After so many tests nothing is gained by a second try: it doubles the suites' time on a machine that stays busy. */
const mostSecondTries = 3

/**
 * With the sentence in which a run says that its machine starved it. Throws what the suite tries once more
 * (vitest.config.ts); the second time it skips the test with that sentence, and at once where others needed that before.
 */
export function requireQuiet({ task, skip }: TestContext, why: string | undefined): void {
  if (why === undefined) return
  const reason = `this machine is too busy: ${why}`
  const before = existsSync(starvedTwice) ? readFileSync(starvedTwice, 'utf8').trim().split('\n').length : 0
  if (before >= mostSecondTries) skip(`${reason} (${before} other tests found it so twice)`)
  if (task.result?.retryCount) {
    appendFileSync(starvedTwice, `${task.name}\n`)
    skip(reason)
  }
  throw new Error(reason)
}

/** What the run says of its machine, where that alone made it INVALID; undefined where a cell or a checker failed beside it. */
export function starvation({ verdict, cells }: RunResults): string | undefined {
  const starved = cells.filter((cell) => cell.verdict === 'INVALID').map(starvationOf)
  const others = cells.filter((cell) => cell.verdict === 'FAIL')
  if (verdict !== 'INVALID' || others.length > 0 || starved.includes(undefined)) return undefined
  return starved[0]
}

/** The same of one cell. */
export function starvationOf({ verdict, reasons }: CellResult): string | undefined {
  if (verdict !== 'INVALID' || reasons.some(blamesPattern)) return undefined
  return reasons.find(blamesMachine)
}

function blamesMachine(reason: string): boolean {
  return / harness-healthy failed: |the machine or the harness, not the pattern/.test(reason)
}

function blamesPattern(reason: string): boolean {
  return / failed: /.test(reason) && !blamesMachine(reason)
}
