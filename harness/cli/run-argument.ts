import { join } from 'node:path'
import { stat } from 'node:fs/promises'
import { UsageError } from '../core/errors.ts'
import { didYouMean } from '../core/did-you-mean.ts'
import { listRuns, openRun, type RunFolder } from '../store/run-folder.ts'
import type { Taken } from '../store/run-record.ts'

/** Where runs go unless `--out` says otherwise. */
export const runsFolder = 'runs'

export const runArgument = 'folder of a run, its name in runs/, or "latest"'

/** For every command that judges a run. */
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
