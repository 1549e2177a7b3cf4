import type { Command } from 'commander'
import { readResults, type RunFolder } from '../store/run-folder.ts'
import type { RunResults } from '../store/schema.ts'
import { exitCodeOf } from '../verdict/run.ts'
import { loadFormats, pickFormat } from './formats.ts'
import { judgeFolder } from '../run/judge.ts'
import type { Done } from './main.ts'
import { outputScreen, print, say } from './output.ts'
import { findRun, runArgument } from './run-argument.ts'

export default function declareCheck(command: Command, done: Done): void {
  command
    .argument('<run>', runArgument)
    .addHelpText('after', '\nExamples:\n  outlast check latest\n  outlast check runs/20260413T140500Z-smoke-42')
    .action(async (name: string) => {
      const run = await findRun(name)
      const results = await judgeFolder(run)
      print(pickFormat(await loadFormats(), 'terminal').render(results, outputScreen()))
      await compareWithSaved(run, results)
      done(exitCodeOf(results))
    })
}

/** Checkers improve: then the same histories may be judged otherwise than when the run ended. */
async function compareWithSaved(run: RunFolder, { verdict }: RunResults): Promise<void> {
  const saved = await readResults(run).catch(() => undefined)
  if (saved && saved.verdict !== verdict)
    say(`results.json says ${saved.verdict}: it was judged by another version; outlast report ${run.name} renews it`)
}
