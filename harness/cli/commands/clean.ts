import { exitCodes } from '../../core/errors.ts'
import { visibleLine } from '../../core/visible.ts'
import { cleanUp, cleanUpRun } from '../../cleanup/sweep.ts'
import { describeLeftovers } from '../../cleanup/leftovers.ts'
import type { CommandFile } from '../command.ts'
import { print, say } from '../output.ts'

const notes = `
Runs that are alive are not touched, and neither are the folders in runs/. What another machine, or another container, may
still be using is left alone and named; --run removes it. What another user made, or may have made, is named and passed over.

A service of yours that a run took down by its command "kill", and did not bring back, is brought back by its command "restart".

Exits with 5 when something still stands.`

export default {
  name: 'clean',
  summary: 'remove what interrupted runs left: processes, databases, temporary files',
  declare(command, { registry, done }) {
    command
      .option('--run <run>', 'only this one, also when it cannot be told from here whether it lives')
      .addHelpText('after', notes)
      .action(async ({ run }: { readonly run?: string }) => {
        const sweepers = [...(await registry.runtimes()).values()]
        const { removed, unclear, remaining, passedOver } = await (run === undefined
          ? cleanUp(sweepers)
          : cleanUpRun(run, sweepers))
        for (const found of removed) print(visibleLine(describeLeftovers(found)))
        if (removed.length === 0) print('Nothing was left behind.')
        for (const found of unclear)
          say(`left alone, as it cannot be told from here whether it lives: ${visibleLine(describeLeftovers(found))}`)
        for (const sentence of passedOver) say(`passed over: ${visibleLine(sentence)}`)
        for (const sentence of remaining) say(`still there: ${visibleLine(sentence)}`)
        done(remaining.length > 0 ? exitCodes.leftBehind : exitCodes.pass)
      })
  },
} satisfies CommandFile
