/**
 * Outlives the harness by design. It holds the other end of a pipe, whose first line is the harness's environment. When the
 * pipe ends without the line `done`, the harness died, by any signal. Then the reaper ends every process of the run, brings
 * back services of the user's that it took down, has every runtime remove what it kept for it, and deletes its temporary files.
 * What then still stands is the last that it writes.
 *
 * usage: node reaper.ts RUN TEMP_FOLDER
 */
import { describeError, exitCodes } from '../core/errors.ts'
import { discover } from '../core/discover.ts'
import type { Runtime } from '../model/runtime.ts'
import { withoutLabel } from '../os/label.ts'
import { removeRun, type Sweeper } from './sweep.ts'

const [run, folder] = process.argv.slice(2)
if (!run || !folder) throw new Error('usage: reaper RUN TEMP_FOLDER')

// Loaded now: by then the checkout may be another one. What cannot be loaded must not save the processes of the run.
const sweepers = discover<Runtime>(new URL('../runtimes/', import.meta.url)).then(
  (runtimes): readonly Sweeper[] => [...runtimes.values()],
  (error: unknown) => [unloaded(error)],
)

let received = ''
// A terminal's Ctrl-C goes to the whole foreground group; the reaper must see the harness out.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.stdin.setEncoding('utf8')
process.stdin.on('data', (chunk: string) => (received += chunk))
process.stdin.on('end', () => {
  const [first = '', last] = received.split('\n')
  if (last === 'done') process.exit(exitCodes.pass)
  void reap(run, folder, environmentIn(first))
})

/** Of the harness; without what marks our own processes where it died before it could say. */
function environmentIn(line: string): NodeJS.ProcessEnv {
  try {
    return JSON.parse(line) as NodeJS.ProcessEnv
  } catch {
    return withoutLabel(process.env)
  }
}

async function reap(run: string, folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const remaining = await removeRun(run, folder, await sweepers, { env })
  for (const sentence of remaining) console.log(sentence)
  process.exit(remaining.length === 0 ? exitCodes.pass : exitCodes.leftBehind)
}

function unloaded(error: unknown): Sweeper {
  const sentence = `what runtimes made: none could be loaded: ${describeError(error)}`
  return { name: 'none', resources: async () => [], sweep: async () => [sentence] }
}
