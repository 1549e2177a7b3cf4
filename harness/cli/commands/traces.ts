import { exitCodes, HarnessError, UsageError } from '../../core/errors.ts'
import { visibleLine } from '../../core/visible.ts'
import { usualPatience } from '../../export/otlp/send.ts'
import { otlpTarget } from '../../export/otlp/target.ts'
import { judgeFolder } from '../../run/judge.ts'
import type { CommandFile } from '../command.ts'
import { editedOption, findRun, runArgument, takenAs } from '../arguments.ts'
import { otlpOption, sendTraces } from '../observers.ts'
import { print, say } from '../output.ts'

const examples = `
Examples:
  outlast traces latest --otlp http://127.0.0.1:4318

A run with --otlp sends them itself when it is over. This is for a collector that was not there, or for one more.
Both derive the same ids from the run's files: those that its requests carried as traceparent.`

/** Somebody waits for this and for nothing else. */
const patience = { ...usualPatience, wholeMs: 86_400_000 }

export default {
  name: 'traces',
  summary: 'send the traces of a recorded run to an OpenTelemetry collector',
  declare(command, { registry, done }) {
    command
      .argument('<run>', runArgument)
      .option(...otlpOption)
      .option(...editedOption)
      .addHelpText('after', examples)
      .action(async (name: string, { otlp, ...options }: { readonly otlp?: string; readonly edited?: true }) => {
        const target = otlpTarget(otlp, process.env)
        if (!target) throw new UsageError('nothing says where to; write --otlp http://127.0.0.1:4318')
        const folder = await findRun(name)
        const results = await judgeFolder(folder, await registry.checkers(), takenAs(options))
        for (const sentence of results.record ?? []) say(visibleLine(sentence))
        const { sentence, complete } = await sendTraces({ folder, results }, target, patience)
        if (!complete) throw new HarnessError(`traces: ${sentence}`)
        print(sentence)
        done(exitCodes.pass)
      })
  },
} satisfies CommandFile
