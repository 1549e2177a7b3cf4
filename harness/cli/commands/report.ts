import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Command } from 'commander'
import type { Format } from '../../../reports/format.ts'
import { exitCodes } from '../../core/errors.ts'
import { writeResults } from '../../store/run-folder.ts'
import type { RunResults } from '../../model/results.ts'
import { writeFailure, writeWhole } from '../../store/whole-file.ts'
import { loadFormats, pickFormat } from '../formats.ts'
import { judgeFolder } from '../../run/judge.ts'
import type { Done } from '../main.ts'
import { outputScreen, print, say } from '../output.ts'
import { editedOption, findRun, runArgument, takenAs } from '../run-argument.ts'

const usual = ['html', 'markdown']

const examples = `
Examples:
  outlast report latest                              writes report.html, report.md and results.json into the run's folder
  outlast report latest --format terminal            prints the tables
  outlast report latest --format html --out reports  writes reports/report.html, and nothing into the run's folder`

interface Options {
  readonly format: readonly string[]
  readonly out?: string
  readonly edited?: true
}

export default function declareReport(command: Command, done: Done): void {
  command
    .argument('<run>', runArgument)
    .option('-f, --format <names...>', `html, markdown, json, terminal (default: ${usual.join(' ')})`)
    .option('-o, --out <folder>', "another folder than the run's")
    .option(...editedOption)
    .addHelpText('after', examples)
    .action(async (name: string, { format = usual, out, ...options }: Partial<Options>) => {
      const formats = await loadFormats()
      const wanted = format.flatMap((list) => list.split(',')).map((one) => pickFormat(formats, one))
      const run = await findRun(name)
      const results = await judgeFolder(run, takenAs(options))
      for (const sentence of results.record ?? []) say(sentence)
      if (out === undefined) await writeResults(run, results)
      for (const one of wanted) await deliver(one, results, out ?? run.path)
      done(exitCodes.pass)
    })
}

/** Text for a screen is printed; everything else is written. */
async function deliver(format: Format, results: RunResults, folder: string): Promise<void> {
  if (format.name === 'terminal') return print(format.render(results, outputScreen()))
  print(await writeReportFile(format, results, folder))
}

/** Writes `report.<extension>` and resolves with its path. Throws UsageError or HarnessError that name it. */
export async function writeReportFile(format: Format, results: RunResults, folder: string): Promise<string> {
  const path = join(folder, `report.${format.extension}`)
  await mkdir(folder, { recursive: true }).catch((error: unknown) => {
    throw writeFailure(`create ${folder}`, error)
  })
  await writeWhole(path, format.render(results))
  return path
}
