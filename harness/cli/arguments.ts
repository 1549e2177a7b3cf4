import { join, relative } from 'node:path'
import { stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { InvalidArgumentError } from 'commander'
import { didYouMean } from '../core/did-you-mean.ts'
import { UsageError } from '../core/errors.ts'
import { home } from '../core/own-package.ts'
import { listRuns, openRun, type RunFolder } from '../store/run-folder.ts'
import type { Taken } from '../store/run-record.ts'

/** The path of a scenario that comes with us, in a checkout and in a package: from here where it is below. */
export function shippedScenario(name: string): string {
  const path = fileURLToPath(new URL(`scenarios/${name}.yaml`, home))
  const near = relative(process.cwd(), path)
  return near.startsWith('..') ? path : near
}

export function parseSeed(text: string): number {
  const seed = Number(text)
  if (/^\d+$/.test(text) && Number.isSafeInteger(seed)) return seed
  throw new InvalidArgumentError('A seed is a whole number, for example 42.')
}

export function parseList(text: string): readonly string[] {
  return text.split(',').map((name) => name.trim())
}

/** Where runs go unless `--out` says otherwise. */
export const runsFolder = 'runs'

export const runArgument = 'folder of a run, its name in runs/, or "latest"'

export const editedOption = ['--edited', 'judge files that were changed after the run, on purpose'] as const

export function takenAs({ edited }: { readonly edited?: true }): Taken {
  return edited ? 'edited' : 'recorded'
}

/** A run as named on the command line. Throws UsageError that says what there is. */
export async function findRun(name: string): Promise<RunFolder> {
  const runs = await listRuns(runsFolder)
  const latest = runs.at(-1)
  if (name === 'latest' && latest) return openRun(latest.path)
  if (await stat(name).catch(() => undefined)) return openRun(name)
  const listed = runs.find((run) => run.name === name)
  if (listed) return openRun(join(runsFolder, name))
  const known = latest ? `; the latest in ${runsFolder}/ is ${latest.name}` : `; there is none in ${runsFolder}/`
  const hint = didYouMean(
    name,
    runs.map((run) => run.name),
  )
  throw new UsageError(`there is no run "${name}"${hint}${known}`)
}
