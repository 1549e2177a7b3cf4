/**
 * A run as others see it: a claim, a reaper and processes with the label. Says `{ run, pids }` and then does nothing until it is
 * ended.
 *
 * usage: node living-run.ts
 */
import { join } from 'node:path'
import { spawnChild } from '../../harness/os/child.ts'
import { currentRun } from '../../harness/os/label.ts'
import { supervise } from '../../harness/cleanup/supervise.ts'

await supervise([], async (temp) => {
  const spec = { command: 'sleep', args: ['600'], logFile: join(temp, 'sleep.log') }
  const children = [await spawnChild(spec), await spawnChild(spec)]
  console.log(JSON.stringify({ run: currentRun(), pids: children.map(({ pid }) => pid) }))
  await new Promise((resolve) => setTimeout(resolve, 600_000))
})
