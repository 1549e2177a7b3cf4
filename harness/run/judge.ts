import { isDeepStrictEqual } from 'node:util'
import { stat } from 'node:fs/promises'
import { relative, sep } from 'node:path'
import { planTask } from '../../patterns/agent/plan.ts'
import { profileOf } from '../../patterns/agent/profiles.ts'
import { HarnessError } from '../core/errors.ts'
import type { History, TaskIntent, OpOf } from '../model/history.ts'
import { nodesAmong } from '../model/place.ts'
import { type CellPlan, cellPlanSchema } from '../model/plan.ts'
import type { Checker } from '../model/checker.ts'
import { traceOf } from '../analysis/trace.ts'
import {
  cellBegan,
  cellFolder,
  readBase,
  readEnvironment,
  readPlan,
  readVerification,
  type RunFolder,
} from '../store/run-folder.ts'
import { parseShape } from '../store/versioned-file.ts'
import { readHistory } from '../store/history-file.ts'
import { openRecord, type RunRecord, type Taken } from '../store/run-record.ts'
import type { CellResult, RunResults } from '../model/results.ts'
import { jobSeed } from './jobs.ts'
import { judgeCell } from '../verdict/cell.ts'
import { worst } from '../verdict/reasons.ts'
import { judgeRun } from '../verdict/run.ts'
import { pickStories, storiesOf } from '../verdict/stories.ts'
import type { Story } from '../model/story.ts'
import { nodeOf } from '../analysis/places.ts'
import { readLines } from '../store/line-file.ts'

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
  return judgeRecord(run, checkers, await openRecord(run, taken))
}

/** The same of files that are being compared with their record already. */
export async function judgeRecord(
  run: RunFolder,
  checkers: readonly Checker[],
  record: RunRecord,
): Promise<RunResults> {
  const [plan, environment, verification] = await Promise.all([
    readPlan(run),
    readEnvironment(run),
    readVerification(run),
  ])
  const base = await readBase(run, plan)
  const cells: CellResult[] = []
  const stories: (readonly Story[])[] = []
  for (const cell of plan.cells) {
    const history = await readCell(run, cell, record)
    if (!history) continue
    const result = judgeCell(history, checkers)
    cells.push(result)
    stories.push(storiesOf(traceOf(history), result))
  }
  const judged = judgeRun({ run: run.name, plan, environment, verification, cells, base })
  const results = { ...judged, stories: pickStories(stories) }
  const kept = record.close()
  const vouched = record.taken !== 'recorded' || kept.files !== undefined
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
  const { profile, timeScale, ownWork } = cell
  if (ownWork) return () => ownWork.idealMs
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

/** Both sides of a difference were rounded to whole microseconds. */
const resolutionMs = 0.002

type Line = Readonly<Record<string, unknown>>

/**
 * Compares the tool server's own record with the effects that the history took from it: the same ones, in the same
 * order, at the same times. Effects that came in while the history was completed are in the record only. Resolves with
 * the file's SHA-256; rejects with HarnessError naming `file:line`.
 */
async function compareLedger(path: string, history: History): Promise<string> {
  const [effects, refusals]: [OpOf<'effect'>[], OpOf<'refusal'>[]] = [[], []]
  for (const op of history)
    if (op.f === 'effect') effects.push(op)
    else if (op.f === 'refusal') refusals.push(op)
  const finalAt = history.find((op) => op.f === 'phase' && op.value.phase === 'final')?.at
  const whole = history.some((op) => op.f === 'phase' && op.value.phase === 'end')
  let [number, refused, zeroMs]: [number, number, number | undefined] = [0, 0, undefined]
  const sha256 = await readLines(path, (value) => {
    const line = (typeof value === 'object' && value !== null ? value : {}) as Line
    const op = 'refused' in line ? refusals[refused++] : effects[number++]
    zeroMs ??= op && Number(line['receivedAt']) - op.at
    const flaw = op ? flawOf(line, op, zeroMs!) : extraFlaw(line, zeroMs, whole ? finalAt : undefined)
    if (flaw !== undefined) throw new HarnessError(`${path}:${number + refused} ${flaw}`)
  })
  const missing = effects.length - number + refusals.length - refused
  if (missing > 0)
    throw new HarnessError(
      `${path} has ${number + refused} lines and the history ${effects.length + refusals.length} effects: ${missing} are missing`,
    )
  return sha256
}

function flawOf(line: Line, op: OpOf<'effect'> | OpOf<'refusal'>, zeroMs: number): string | undefined {
  if (op.f === 'effect') return effectFlaw(line, op, zeroMs)
  const { reason, said } = op.value
  const same = line['refused'] === reason && line['said'] === said
  if (same && Math.abs(Number(line['receivedAt']) - zeroMs - op.at) <= resolutionMs) return undefined
  return `is another refusal than that of line ${op.index + 1} of the history`
}

function effectFlaw(line: Line, op: OpOf<'effect'>, zeroMs: number): string | undefined {
  const other = otherField(line, op, zeroMs)
  return other && `has another ${other} than the effect of line ${op.index + 1} of the history`
}

function otherField(line: Line, { at, task, value }: OpOf<'effect'>, zeroMs: number): string | undefined {
  if (line['task'] !== task) return 'task'
  for (const name of comparedAlike) if (line[name] !== value[name]) return name
  if (typeof line['executor'] !== 'string' || nodeOf(line['executor']) !== value.executor) return 'executor'
  const isOff = (name: string, ms: number): boolean => !(Math.abs(Number(line[name]) - zeroMs - ms) <= resolutionMs)
  if (isOff('startedAt', value.startedAt)) return 'startedAt'
  if (isOff('endedAt', value.endedAt)) return 'endedAt'
  return isOff('receivedAt', at) ? 'receivedAt' : undefined
}

/** Of the rest the ledger has the name of a process, and times by its own clock. */
const comparedAlike = ['taskId', 'step', 'attempt', 'idempotencyKey', 'tool'] as const

/** Without an end the history has no effects yet. */
function extraFlaw(line: Line, zeroMs: number | undefined, finalAt: number | undefined): string | undefined {
  if (finalAt === undefined) return undefined
  const receivedAt = Number(line['receivedAt']) - (zeroMs ?? Infinity)
  return receivedAt >= finalAt || zeroMs === undefined ? undefined : 'is an effect that the history does not have'
}
