import { visibleLine } from '../../core/visible.ts'
import { openRecord, type RunRecord } from '../../store/run-record.ts'
import type { RunResults } from '../../model/results.ts'
import { exitCodeOf } from '../../verdict/run.ts'
import { otherFigure } from '../../verdict/saved.ts'
import { usualFormats } from '../formats.ts'
import { judgeRecord } from '../../run/judge.ts'
import type { CommandFile } from '../command.ts'
import { outputScreen, print, say } from '../output.ts'
import { editedOption, findRun, runArgument, takenAs } from '../arguments.ts'

const examples = `
Examples:
  outlast check latest
  outlast check runs/20260413T140500Z-smoke-42
  outlast check latest --edited    judges files that were changed on purpose

A run whose files are not those that results.json vouches for is refused with exit code 4.
Where nothing vouches for them the run is INCONCLUSIVE at best, exit code 2.`

export default {
  name: 'check',
  summary: 'judge a run again from its files, and exit with its verdict',
  declare(command, { registry, done }) {
    command
      .argument('<run>', runArgument)
      .option(...editedOption)
      .addHelpText('after', examples)
      .action(async (name: string, options: { readonly edited?: true }) => {
        const run = await findRun(name)
        const record = await openRecord(run, takenAs(options))
        const results = await judgeRecord(run, await registry.checkers(), record)
        for (const format of usualFormats(await registry.formats(), 'screen'))
          print(format.render(results, outputScreen()))
        for (const sentence of results.record ?? []) say(visibleLine(sentence))
        compareWithSaved(record, results)
        done(exitCodeOf(results))
      })
  },
} satisfies CommandFile

/** Checkers improve: then the same histories may be judged otherwise than when the run ended. Others read `results.json` alone. */
function compareWithSaved({ figures }: RunRecord, results: RunResults): void {
  if ((results.record ?? []).length > 0) return
  const saved = figures()
  const other = saved && otherFigure(saved, results)
  if (other !== undefined)
    say(
      `results.json is not what its files give: ${other}. Another version judged these files, or it was changed since; outlast report ${results.run} renews it`,
    )
}
