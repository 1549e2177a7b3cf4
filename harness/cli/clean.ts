import type { Command } from 'commander'
import { exitCodes } from '../core/errors.ts'
import { cleanUp, findLeftovers } from '../run/cleanup.ts'
import type { Done } from './main.ts'
import { print, say } from './output.ts'

export default function declareClean(command: Command, done: Done): void {
  command
    .addHelpText('after', '\nRuns that are alive are not touched, and neither are the folders in runs/.')
    .action(async () => {
      const removed = await cleanUp()
      for (const { run, folder, processes } of removed) print(`${run}: processes ${processes}, ${folder}`)
      if (removed.length === 0) print('Nothing was left behind.')
      const still = findLeftovers()
      for (const { run, folder } of still) say(`${run} is still there: ${folder}`)
      done(still.length > 0 ? exitCodes.leftBehind : exitCodes.pass)
    })
}
