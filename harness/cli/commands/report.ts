import type { Format } from '../../../reports/format.ts'
import { exitCodes } from '../../core/errors.ts'
import { visibleLine } from '../../core/visible.ts'
import { writeResults } from '../../store/run-folder.ts'
import type { RunResults } from '../../model/results.ts'
import { parseFormats, pickFormats, usualFormats, writeReportFile } from '../formats.ts'
import { tellGithub } from '../github.ts'
import { judgeFolder } from '../../run/judge.ts'
import type { CommandFile } from '../command.ts'
import { outputScreen, print, say } from '../output.ts'
import { editedOption, findRun, runArgument, takenAs } from '../arguments.ts'

const examples = `
Examples:
  outlast report latest                              writes report.html, report.md and results.json into the run's folder
  outlast report latest --format terminal            prints the tables
  outlast report latest --format junit,csv --out ci  writes ci/report.xml and ci/report.csv, and nothing into the run's folder`

interface Options {
  readonly format: readonly string[]
  readonly out?: string
  readonly edited?: true
}

export default {
  name: 'report',
  summary: 'judge a run again from its files, and write its report',
  declare(command, { registry, done }) {
    command
      .argument('<run>', runArgument)
      .option('-f, --format <a,b>', 'as outlast list formats has them (default: what a run writes)', parseFormats)
      .option('-o, --out <folder>', "another folder than the run's")
      .option(...editedOption)
      .addHelpText('after', examples)
      .action(async (name: string, { format, out, ...options }: Partial<Options>) => {
        const formats = await registry.formats()
        const wanted = format ? pickFormats(formats, format) : usualFormats(formats, 'file')
        const run = await findRun(name)
        const results = await judgeFolder(run, await registry.checkers(), takenAs(options))
        for (const sentence of results.record ?? []) say(visibleLine(sentence))
        if (out === undefined) await writeResults(run, results)
        for (const one of wanted) await deliver(one, results, out ?? run.path)
        await tellGithub(results)
        done(exitCodes.pass)
      })
  },
} satisfies CommandFile

/** Text for a screen is printed; everything else is written. */
async function deliver(format: Format, results: RunResults, folder: string): Promise<void> {
  if (format.output === 'screen') return print(format.render(results, outputScreen()))
  print(await writeReportFile(format, results, folder))
}
