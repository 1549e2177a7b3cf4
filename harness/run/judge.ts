import { isDeepStrictEqual } from 'node:util'
import { stat } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import { planTask } from '../../patterns/agent/plan.ts'
import { profileOf } from '../../patterns/agent/profiles.ts'
import { HarnessError } from '../core/errors.ts'
import type { History, TaskIntent } from '../model/history.ts'
import { nodesAmong } from '../model/place.ts'
import { type CellPlan, cellPlanSchema } from '../model/plan.ts'
import type { Checker } from '../model/checker.ts'
import { traceOf } from '../analysis/trace.ts'
import {
  cellBegan,
  cellFolder,
  readEnvironment,
  readPlan,
  readVerification,
  type RunFolder,
} from '../store/run-folder.ts'
import { parseShape } from '../store/versioned-file.ts'
import { readHistory } from '../store/history-file.ts'
import { compareLedger } from '../store/ledger-file.ts'
import { openRecord, type RunRecord, type Taken } from '../store/run-record.ts'
import type { CellResult, RunResults } from '../model/results.ts'
import { jobSeed } from './jobs.ts'
import { judgeCell } from '../verdict/cell.ts'
import { worst } from '../verdict/reasons.ts'
import { judgeRun } from '../verdict/run.ts'

/**
 * Everything about a run, from its plan, environment, verification and histories alone. Cells that an interrupted run never
 * began have no result, and the run is at best inconclusive; so it is where nothing vouches for its files. Throws HarnessError, naming the file and the line where that can be
 * told, for a file that is not what was recorded, not what this version writes, or not of this plan.
 */
export async function judgeFolder(
  run: RunFolder,
  checkers: readonly Checker[],
  taken: Taken = 'recorded',
): Promise<RunResults> {
  const record = await openRecord(run, taken)
  const [plan, environment, verification] = await Promise.all([
    readPlan(run),
    readEnvironment(run),
    readVerification(run),
  ])
  const cells: CellResult[] = []
  for (const cell of plan.cells) {
    const history = await readCell(run, cell, record)
    if (history) cells.push(judgeCell(history, checkers))
  }
  const results = judgeRun({ run: run.name, plan, environment, verification, cells })
  const kept = record.close()
  const vouched = taken !== 'recorded' || kept.files !== undefined
  return { ...(vouched ? results : unvouched(results, kept.record)), folder: typed(run.path), ...kept }
}

/** A pass is earned: files that anybody may have changed since, or lost with their checksums, earn none. */
function unvouched(results: RunResults, why: readonly string[] = []): RunResults {
  return {
    ...results,
    verdict: worst([results.verdict, 'INCONCLUSIVE']),
    reasons: [...results.reasons, ...why.map((sentence) => `${results.run}: ${sentence}`)],
  }
}

/** Relative to here, unless it is elsewhere. */
function typed(path: string): string {
  const near = relative(process.cwd(), path)
  if (near.startsWith('..')) return path
  return near.startsWith('-') ? `./${near}` : near
}

/** The history of a planned cell, compared with plan, ledger and record; undefined of a cell that was not begun. */
export async function readCell(run: RunFolder, cell: CellPlan, record: RunRecord): Promise<History | undefined> {
  if (!(await cellBegan(run, cell.id))) return undefined
  const files = cellFolder(run, cell.id)
  const pathOf = (file: string): string => relative(run.path, file).split(sep).join('/')
  const { history, sha256 } = await readHistory(files.history)
  record.read(pathOf(files.history), sha256)
  if (history.length === 0) return undefined
  refuseOtherCell(files.history, history, cell)
  refuseOtherWork(files.history, history, cell)
  refuseUnheardNodes(files.history, history)
  if (await stat(files.ledger).catch(() => undefined))
    record.read(pathOf(files.ledger), await compareLedger(files.ledger, history))
  else if (history.some(({ f }) => f === 'effect'))
    throw new HarnessError(`${files.ledger} is missing, and the history has effects that were merged from it`)
  return history
}

/** A history is judged by the promises, the limits and the faults in its first line: they must be the planned ones. */
function refuseOtherCell(file: string, [first]: History, planned: CellPlan): void {
  const found = parseShape(first!.value, `${file}:1`, cellPlanSchema)
  const names = [...new Set([...Object.keys(found), ...Object.keys(planned)])] as (keyof CellPlan)[]
  const different = names.filter((name) => !isDeepStrictEqual(found[name], planned[name]))
  if (different.length === 0) return
  throw new HarnessError(
    `${file}:1 is not the planned cell ${planned.id}: plan.json has another ${different.join(', ')}`,
  )
}

/** How long a task's work lasts at best follows from the plan: every overhead, deadline and lateness is counted from that. */
function refuseOtherWork(file: string, history: History, cell: CellPlan): void {
  const { profile } = cell
  const idealMsOf = idealWork(cell)
  if (!idealMsOf) return
  for (const op of history) {
    if (op.f !== 'task' || op.type !== 'invoke') continue
    const { idealMs: found, ordinal } = op.value as TaskIntent
    const planned = idealMsOf(ordinal)
    if (Math.abs(found - planned) <= 0.001) continue
    throw new HarnessError(
      `${file}:${op.index + 1} is another work than the planned one: ${op.task} lasts ${found} ms, and ${profile} lasts ${planned} ms`,
    )
  }
}

/** By the number of a task. Undefined: of a profile that is not ours nobody here knows how long it lasts. */
function idealWork(cell: CellPlan): ((ordinal: number) => number) | undefined {
  const { profile, timeScale } = cell
  const kind = profileOf(profile)
  if (!kind) return undefined
  if (kind.leastMs === kind.mostMs) return () => kind.mostMs / timeScale
  return (ordinal) => planTask({ seed: jobSeed(cell, ordinal), profile }, timeScale).idealMs
}

/** Every node says when it is ready: that one was harmed of which there is no word was not recorded. */
function refuseUnheardNodes(file: string, history: History): void {
  const { faults, nodes } = traceOf(history)
  const heard = new Set(nodes.map(({ value }) => value.node))
  for (const { id, proven, places, ops } of faults) {
    const unheard = proven ? nodesAmong(places).find((node) => !heard.has(node)) : undefined
    if (unheard === undefined) continue
    throw new HarnessError(
      `${file}:${ops[0]! + 1} is about ${id}, which is proven of ${unheard}, a node that never was ready`,
    )
  }
}
