/**
 * Real runs as they were left on the disk, and what the version that recorded them made of them.
 *
 * usage: node test/support/golden-runs.ts record NAME RUN-FOLDER
 *        node test/support/golden-runs.ts unpack NAME FOLDER
 *        node test/support/golden-runs.ts render NAME...
 *
 * `render` is for a change of what reports say: files and results stay as they were recorded.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, brotliDecompressSync, constants } from 'node:zlib'
import { openRegistry } from '../../harness/registry.ts'
import { judgeFolder } from '../../harness/run/judge.ts'
import { openRun, type RunFolder } from '../../harness/store/run-folder.ts'
import type { RunResults } from '../../harness/model/results.ts'

const longWindow = { [constants.BROTLI_PARAM_LGWIN]: constants.BROTLI_MAX_WINDOW_BITS }

export interface GoldenRun {
  /** Of the run's folder. */
  readonly folder: string
  /** All but logs and reports: texts by their paths in that folder. */
  readonly files: Readonly<Record<string, string>>
  /** `results.json` as `outlast report` writes it. */
  readonly results: string
  /** Texts of `outlast report`, by their formats. */
  readonly reports: Readonly<Record<string, string>>
}

const store = new URL('../unit/verdict/golden/', import.meta.url)
const fileOf = (name: string): URL => new URL(`${name}.json.br`, store)

const registry = openRegistry()
export const formats = await registry.formats()

export async function listGoldenRuns(): Promise<readonly string[]> {
  const files = (await readdir(store)).filter((file) => file.endsWith('.json.br'))
  return files.map((file) => file.slice(0, -'.json.br'.length)).toSorted()
}

export async function readGoldenRun(name: string): Promise<GoldenRun> {
  return JSON.parse(brotliDecompressSync(await readFile(fileOf(name))).toString()) as GoldenRun
}

/** Writes the run's folder into `out`, which exists. */
export async function unpack({ folder, files }: GoldenRun, out: string): Promise<RunFolder> {
  for (const [path, text] of Object.entries(files)) {
    const file = join(out, folder, path)
    await mkdir(dirname(file), { recursive: true, mode: 0o700 })
    await writeFile(file, text)
  }
  return openRun(join(out, folder))
}

/** As `outlast check` and `outlast report` do it, wherever the folder is. */
export async function judgeAnywhere(run: RunFolder): Promise<RunResults> {
  return { ...(await judgeFolder(run, await registry.checkers())), folder: `runs/${run.name}` }
}

async function record(name: string, path: string): Promise<void> {
  const run = await openRun(path)
  const results = await judgeAnywhere(run)
  await keep(name, {
    folder: run.name,
    files: placed(await readFiles(path), results.folder),
    results: JSON.stringify(results),
    reports: reportsOf(results),
  })
}

function reportsOf(results: RunResults): GoldenRun['reports'] {
  const rendered = [...formats.values()].flatMap((format) => {
    const text = format.render(results)
    return typeof text === 'string' && format.name !== 'json' ? [[format.name, text] as const] : []
  })
  return Object.fromEntries(rendered)
}

async function keep(name: string, golden: GoldenRun): Promise<void> {
  await mkdir(store, { recursive: true })
  await writeFile(fileOf(name), brotliCompressSync(JSON.stringify(golden), { params: longWindow }))
}

async function renderAnew(name: string): Promise<void> {
  const golden = await readGoldenRun(name)
  const temp = await mkdtemp(join(tmpdir(), 'outlast-golden-'))
  try {
    await keep(name, { ...golden, reports: reportsOf(await judgeAnywhere(await unpack(golden, temp))) })
  } finally {
    await rm(temp, { recursive: true })
  }
}

/** Nothing vouches for `results.json`: it may say where its run lies now, instead of where it was on somebody's machine. */
function placed(files: GoldenRun['files'], folder: string | undefined): GoldenRun['files'] {
  const { 'results.json': results, ...others } = files
  if (results === undefined) return files
  return { ...others, 'results.json': JSON.stringify({ ...(JSON.parse(results) as object), folder }, null, 1) }
}

async function readFiles(folder: string): Promise<GoldenRun['files']> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const kept = paths.map((path) => path.slice(join(folder, '/').length)).filter((path) => !isLeftOut(path))
  return Object.fromEntries(
    await Promise.all(kept.toSorted().map(async (path) => [path, await readFile(join(folder, path), 'utf8')] as const)),
  )
}

/** What only tells, and what is made from the rest. */
function isLeftOut(path: string): boolean {
  return /(?:^|\/)logs\/|\.log$|^report\./.test(path)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [act, name, folder] = process.argv.slice(2) as [string, string, string]
  if (act === 'record') await record(name, folder)
  else if (act === 'render') for (const one of process.argv.slice(3)) await renderAnew(one)
  else await unpack(await readGoldenRun(name), folder)
}
