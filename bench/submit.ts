/**
 * How many tasks per second each pattern's API accepts when it is asked as fast as it answers (closed loop, autocannon):
 * the capacity above which an open-loop scenario would only measure a queue. Nothing here is a latency figure.
 *
 * usage: node bench/submit.ts [--seconds 5] [--connections 20]
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import autocannon from 'autocannon'
import { openCatalog } from '../harness/cli/catalog.ts'
import { openLedger } from '../harness/run/ledger.ts'
import runtime from '../harness/runtimes/process.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '5' }, connections: { type: 'string', default: '20' } },
})
const [duration, connections] = [Number(values.seconds), Number(values.connections)]
const token = 'a-token-for-the-benchmark'
const catalog = await openCatalog()
const temp = await mkdtemp(join(tmpdir(), 'outlast-bench-'))
await chmod(temp, 0o711)
console.log('| pattern | submits/s accepted | other answers | errors |')
console.log('|---|---|---|---|')
try {
  for (const pattern of ['polling', 'durable-postgres', 'durable-restate']) await measure(pattern)
} finally {
  await rm(temp, { recursive: true, force: true, maxRetries: 5 })
}

async function measure(name: string): Promise<void> {
  const { delivery, engine } = catalog.resolvePattern(name)!
  const folder = join(temp, name)
  const signal = AbortSignal.timeout(30_000)
  await using ground = await runtime.open({ cell: name, folder, temp, note: async () => {} }, signal)
  await using ledger = await openLedger(join(temp, `${name}.ndjson`), join(temp, 'ledger.log'), ground.host)
  await using deployment = await ground.deploy(
    {
      services: engine.services,
      replicas: { api: 1, executor: 1 },
      // At full length nothing ends while this runs: what is measured is acceptance alone.
      env: {
        OUTLAST_DELIVERY: delivery.name,
        OUTLAST_ENGINE: engine.name,
        OUTLAST_TIME_SCALE: '1',
        OUTLAST_TOKEN: token,
      },
      outside: { tools: ledger.address, receiver: ledger.address },
      restartDelayMs: 1000,
      seed: 1,
      edge: false,
      onNodeEvent: () => {},
    },
    signal,
  )
  let n = 0
  const result = await autocannon({
    url: deployment.links.find(({ kind }) => kind === 'client->api')!.url,
    duration,
    connections,
    requests: [
      {
        method: 'POST',
        path: '/v1/tasks',
        setupRequest: (request) => ({
          ...request,
          headers: {
            authorization: `Bearer ${token}`,
            'content-type': 'application/json',
            'idempotency-key': `"bench-${++n}"`,
          },
          body: JSON.stringify({ type: 'agent', input: { seed: n, profile: 'research-write', job: `b-${n}` } }),
        }),
      },
    ],
  })
  const accepted = result.statusCodeStats?.['202']?.count ?? 0
  const others = result['1xx'] + result['2xx'] + result['3xx'] + result['4xx'] + result['5xx'] - accepted
  console.log(
    `| ${name} | ${Math.round(accepted / result.duration)} | ${others} | ${result.errors + result.timeouts} |`,
  )
}
