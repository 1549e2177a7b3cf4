/**
 * Outlives the harness by design: it holds the other end of a pipe, and when that ends without the word `done`,
 * the harness died, by whatever signal. Then the reaper ends every process of the run and deletes its temporary files.
 *
 * usage: node reaper.ts RUN TEMP_FOLDER
 */
import { removeRun } from './cleanup.ts'

const [run, folder] = process.argv.slice(2)
if (!run || !folder) throw new Error('usage: reaper RUN TEMP_FOLDER')

let received = ''
// A terminal's Ctrl-C goes to the whole foreground group; the reaper must see the harness out.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
process.stdin.setEncoding('utf8')
process.stdin.on('data', (chunk: string) => (received += chunk))
process.stdin.on('end', () => {
  if (received.includes('done')) process.exit(0)
  void removeRun(run, folder).then((standing) => process.exit(standing.length === 0 ? 0 : 5))
})
