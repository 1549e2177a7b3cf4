/**
 * Starts pairs of runs, each pair in one instant and in this checkout. Says what they had of each other: nothing, if
 * all is well. A busy machine makes runs INVALID (4), which says nothing of either.
 *
 * usage: node test/twins.ts [--pairs 50] [--at-once 2] [--verify]
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openBenchRun } from '../bench/bench-run.ts'
import { startTwins } from './support/twins.ts'

const { values } = parseArgs({
  options: {
    pairs: { type: 'string', default: '50' },
    'at-once': { type: 'string', default: '2' },
    verify: { type: 'boolean', default: false },
  },
})
// Killed, it takes the runs with it.
await using _scene = await openBenchRun()
const pairs = Number(values.pairs)
const codes = new Map<number | null, number>()
let [shared, meetings] = [0, 0]
for (let pair = 1; pair <= pairs; pair++) {
  const base = await mkdtemp(join(tmpdir(), 'twins-'))
  await chmod(base, 0o711)
  const twins = await startTwins(base, Number(values['at-once']), values.verify ? [] : ['--no-verify'])
  for (const code of twins.codes) codes.set(code, (codes.get(code) ?? 0) + 1)
  shared += twins.sharedPorts.length
  meetings += twins.meetings.length
  const [first = ''] = twins.meetings
  console.log(
    `${pair}/${pairs}: exit ${twins.codes.join(' ')}, ${twins.ports} ports in ${twins.looks} looks, ` +
      `shared: ${twins.sharedPorts.join(' ') || 'none'}, strangers: ${twins.meetings.length} ${first}`,
  )
  const isSuspect =
    twins.sharedPorts.length + twins.meetings.length > 0 || twins.codes.some((code) => code !== 0 && code !== 4)
  if (isSuspect) console.log(`${twins.output}\nkept: ${base}`)
  else await rm(base, { recursive: true, force: true, maxRetries: 5 })
}
const told = [...codes].map(([code, count]) => `${count} with exit code ${code}`).join(', ')
console.log(`${pairs} pairs, runs: ${told}; shared ports: ${shared}, foreign answers and taken ports: ${meetings}`)
const isWell = shared + meetings === 0 && [...codes.keys()].every((code) => code === 0 || code === 4)
process.exitCode = isWell ? 0 : 1
