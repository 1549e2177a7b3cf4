/**
 * How many tasks per second each pattern's API accepts when it is asked as fast as it answers (closed loop, autocannon):
 * the capacity above which an open-loop scenario would only measure a queue. Nothing here is a latency figure.
 *
 * usage: node bench/submit.ts [--seconds 5] [--connections 20]
 */
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import runtime from '../harness/runtimes/process.ts'
import { openBenchRun } from './bench-run.ts'
import { openBenchSystem, submission } from './system.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '5' }, connections: { type: 'string', default: '20' } },
})
const [duration, connections] = [Number(values.seconds), Number(values.connections)]
await using benchRun = await openBenchRun([runtime])
console.log('| pattern | submits/s accepted | other answers | errors |')
console.log('|---|---|---|---|')
for (const pattern of ['polling', 'durable-postgres', 'durable-restate']) await measure(pattern)

async function measure(pattern: string): Promise<void> {
  // At full length nothing ends while this runs: what is measured is acceptance alone.
  await using system = await openBenchSystem({ name: pattern, runtime, pattern, timeScale: 1, temp: benchRun.temp })
  let n = 0
  const result = await autocannon({
    url: system.apiLinkUrl,
    duration,
    connections,
    requests: [
      {
        method: 'POST',
        path: '/v1/tasks',
        setupRequest: (request) => ({ ...request, ...submission(`bench-${++n}`, n) }),
      },
    ],
  })
  const accepted = result.statusCodeStats?.['202']?.count ?? 0
  const others = result['1xx'] + result['2xx'] + result['3xx'] + result['4xx'] + result['5xx'] - accepted
  console.log(
    `| ${pattern} | ${Math.round(accepted / result.duration)} | ${others} | ${result.errors + result.timeouts} |`,
  )
}
