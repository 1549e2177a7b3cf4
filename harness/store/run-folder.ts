import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { HarnessError, UsageError } from '../core/errors.ts'
import { makeFolder } from '../core/folder.ts'
import { kindOf } from '../core/own-file.ts'
import { type BaseRun, baseSchema } from '../model/base.ts'
import { type Plan, planSchema, readablePlans } from '../model/plan.ts'
import { type Verification, verificationSchema } from '../model/verification.ts'
import {
  environmentSchema,
  resultsSchema,
  type Environment,
  readableResults,
  type RunResults,
} from '../model/results.ts'
import { type Mark, markUnfinished } from './unfinished.ts'
import { readVersioned } from './versioned-file.ts'
import { ensureFolder, writeFailure, writeWhole } from './whole-file.ts'

/**
 * Everything a run leaves behind:
 *
 *     <timestamp>-<scenario>-<seed>/
 *       scenario.yaml plan.json schedule.json environment.json    written before anything starts
 *       against.json                                              of the run of --against, what gates hold this one against
 *       profiles/                                                 those that scenario.yaml includes by their paths
 *       verification.json verification/                           what the patterns did against the contract, unless that was skipped
 *       cells/<cell id>/ history.ndjson evidence.ndjson ledger.ndjson logs/
 *       results.json report.html report.md                        pure functions of the above
 *       unfinished.json                                           only until the run has come to its end
 */
export interface RunFolder {
  readonly name: string
  /** Absolute. */
  readonly path: string
}

export interface RunStart {
  readonly plan: Plan
  /** As `formatSchedule` prints it: kept to the byte. */
  readonly schedule: string
  readonly scenarioText: string
  /** Texts of profiles by their paths from the scenario. */
  readonly profiles?: ReadonlyMap<string, string>
  readonly environment: Environment
  /** What gates on a regression are held against. */
  readonly base?: BaseRun
}

/** Makes a new folder and its first files. Throws UsageError or HarnessError, and leaves no folder then. */
export async function createRun(out: string, start: RunStart): Promise<RunFolder> {
  const run = await makeRunFolder(out, runName(start))
  const cells = join(run.path, 'cells')
  const written = await Promise.allSettled([
    mkdir(cells).catch(refuse(`create ${cells}`)),
    writeJson(join(run.path, 'plan.json'), start.plan),
    writeJson(join(run.path, 'environment.json'), start.environment),
    ...(start.base ? [writeJson(baseFile(run), start.base)] : []),
    writeWhole(join(run.path, 'schedule.json'), start.schedule),
    writeWhole(join(run.path, 'scenario.yaml'), start.scenarioText),
    ...[...(start.profiles ?? [])].map(([path, text]) => writeProfile(join(run.path, path), text)),
  ])
  const failed = written.find((one) => one.status === 'rejected')
  if (!failed) return run
  await rm(run.path, { recursive: true, force: true }).catch(() => {})
  throw failed.reason
}

/** `createRun`, with the mark that stays until the run has come to its end. */
export async function beginRun(
  out: string,
  start: RunStart,
): Promise<{ readonly run: RunFolder; readonly mark: Mark }> {
  const run = await createRun(out, start)
  try {
    return { run, mark: markUnfinished(run) }
  } catch (error) {
    await rm(run.path, { recursive: true, force: true }).catch(() => {})
    throw error
  }
}

async function writeProfile(path: string, text: string): Promise<void> {
  ensureFolder(dirname(path))
  await writeWhole(path, text)
}

function runName({ plan, environment }: RunStart): string {
  const time = environment.startedAt.replace(/\.\d+/, '').replaceAll(/[-:]/g, '')
  return `${time}-${plan.scenario.replaceAll(/[^\w.-]+/g, '_')}-${plan.seed}`
}

async function makeRunFolder(out: string, name: string): Promise<RunFolder> {
  ensureFolder(out)
  for (let copy = 1; ; copy++) {
    const path = resolve(out, copy === 1 ? name : `${name}.${copy}`)
    // Without `recursive`, mkdir is the lock: two runs that start in one second get two folders.
    // What the nodes of a target write is nobody else's business.
    const made = await mkdir(path, { mode: 0o700 }).then(
      () => true,
      (error: NodeJS.ErrnoException) => (error.code === 'EEXIST' ? false : refuse(`create ${path}`)(error)),
    )
    if (made) return { name: basename(path), path }
  }
}

const refuse =
  (what: string) =>
  (error: unknown): never => {
    throw writeFailure(what, error)
  }

/** A run folder by its path. Throws UsageError that says why it is none, HarnessError where it is one that has lost its plan. */
export async function openRun(path: string): Promise<RunFolder> {
  const folder = await stat(path).catch(() => undefined)
  if (!folder) throw new UsageError(`there is no run at ${path}`)
  if (!folder.isDirectory()) throw new UsageError(`${path} is not a run folder: it is ${kindOf(folder)}`)
  const files = await readdir(path).catch(refuse(`open ${path}`))
  if (!files.includes('plan.json') && files.includes('results.json'))
    throw new HarnessError(`${join(path, 'plan.json')} is missing: it was there when the run ended`)
  if (!files.includes('plan.json')) throw new UsageError(`${path} is not a run folder: it has no plan.json`)
  return { name: basename(resolve(path)), path: resolve(path) }
}

/** The runs in a folder, the oldest first; empty when there is no such folder. */
export async function listRuns(out: string): Promise<readonly RunFolder[]> {
  const entries = await readdir(out, { withFileTypes: true }).catch(() => [])
  const names = entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  const found = await Promise.all(
    names.map((name) =>
      stat(join(out, name, 'plan.json')).then(
        () => name,
        () => [],
      ),
    ),
  )
  return found
    .flat()
    .toSorted()
    .map((name) => ({ name, path: resolve(out, name) }))
}

export function readPlan(run: RunFolder): Promise<Plan> {
  return readVersioned(join(run.path, 'plan.json'), planSchema, readablePlans)
}

export function readEnvironment(run: RunFolder): Promise<Environment> {
  return readVersioned(join(run.path, 'environment.json'), environmentSchema)
}

/** Undefined where the plan is held against no other run. Rejects with HarnessError where its copy of that is gone. */
export async function readBase(run: RunFolder, { against }: Plan): Promise<BaseRun | undefined> {
  return against === undefined ? undefined : readVersioned(baseFile(run), baseSchema, [1])
}

function baseFile(run: RunFolder): string {
  return join(run.path, 'against.json')
}

export function readResults(run: RunFolder): Promise<RunResults> {
  return readVersioned(join(run.path, 'results.json'), resultsSchema, readableResults)
}

/** Undefined where the patterns were not held against the contract. */
export async function readVerification(run: RunFolder): Promise<Verification | undefined> {
  const path = join(run.path, 'verification.json')
  const there = await stat(path).catch(() => undefined)
  return there && readVersioned(path, verificationSchema, [1])
}

export async function writeVerification(run: RunFolder, verification: Verification): Promise<void> {
  await writeJson(join(run.path, 'verification.json'), verification)
}

export async function writeResults(run: RunFolder, results: RunResults): Promise<void> {
  await writeJson(join(run.path, 'results.json'), results)
}

async function writeJson(path: string, value: unknown): Promise<void> {
  await writeWhole(path, `${JSON.stringify(value, null, 1)}\n`)
}

/** The files of one cell, as absolute paths. */
export interface CellFolder {
  readonly path: string
  /** What happened: one `Op` per line. Everything that is judged comes from here. */
  readonly history: string
  /** What actuators and proxies said while they did it. */
  readonly evidence: string
  /** The tool server's own record, merged into the history when the cell ends. */
  readonly ledger: string
  /** Standard output and error of every node. */
  readonly logs: string
}

/** The files of a cell, whether they exist or not. */
export function cellFolder(run: RunFolder, cell: string): CellFolder {
  const path = join(run.path, 'cells', cell)
  return {
    path,
    history: join(path, 'history.ndjson'),
    evidence: join(path, 'evidence.ndjson'),
    ledger: join(path, 'ledger.ndjson'),
    logs: join(path, 'logs'),
  }
}

export async function createCell(run: RunFolder, cell: string): Promise<CellFolder> {
  const folder = cellFolder(run, cell)
  makeFolder(folder.logs)
  return folder
}

/** Whether the cell was begun: an interrupted run has cells that were not. */
export async function cellBegan(run: RunFolder, cell: string): Promise<boolean> {
  return stat(cellFolder(run, cell).history).then(
    () => true,
    () => false,
  )
}
