/**
 * How true the open-loop pacer keeps its times: tasks per second offered to a real loopback HTTP server in another
 * process, and the lag of each dispatch behind its intended time.
 *
 * usage: node bench/pacer.ts [--rate 1000] [--seconds 10]
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { Agent, request } from 'undici'
import { monotonicMs } from '../patterns/contract/types/timer.ts'
import { createRng } from '../harness/core/rng.ts'
import { planArrivals, offerOpenLoop } from '../harness/run/open-loop.ts'
import { watchHealth } from '../harness/run/health.ts'
import { quantile } from '../harness/stats/quantiles.ts'
import { fork } from '../test/support/programs.ts'
import { openBenchRun } from './bench-run.ts'

if (process.argv.includes('--server')) serve()
else await measure()

function serve(): void {
  const server = createServer((incoming, response) => {
    incoming.resume()
    incoming.on('end', () => response.writeHead(202, { 'content-type': 'application/json' }).end('{"ok":true}'))
  })
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
  process.on('disconnect', () => process.exit(0))
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: { rate: { type: 'string', default: '1000' }, seconds: { type: 'string', default: '10' } },
  })
  const [rate, seconds] = [Number(values.rate), Number(values.seconds)]
  await using _benchRun = await openBenchRun()
  const server = fork(import.meta.filename, ['--server'])
  const [port] = (await once(server, 'message')) as [number]
  const agent = new Agent({ pipelining: 1 })
  const url = `http://127.0.0.1:${port}/v1/tasks`
  const body = JSON.stringify({ type: 'agent', input: { seed: 1, profile: 'research-write', job: 't-00001' } })
  let answered = 0
  const send = async (): Promise<void> => {
    const response = await request(url, { method: 'POST', body, dispatcher: agent })
    await response.body.dump()
    if (response.statusCode === 202) answered++
  }
  await send()
  const arrivals = planArrivals({ arrivals: 'poisson', ratePerSec: rate }, rate * seconds, createRng(1, 'bench'))
  const health = watchHealth()
  const { lagsMs, notOffered } = await offerOpenLoop({
    arrivals,
    epochMs: monotonicMs() + 50,
    maxInFlight: 20_000,
    dispatch: send,
    skip: () => {},
    signal: new AbortController().signal,
  })
  const { eventLoopDelayP99Ms, cpuShare } = health.stop()
  await agent.close()
  server.disconnect()
  const at = (p: number): string => quantile([...lagsMs], p)!.toFixed(2)
  console.log(
    '| offered/s | seconds | answered | not offered | lag p50 ms | lag p99 ms | lag max ms | loop p99 ms | cpu share |',
  )
  console.log('|---|---|---|---|---|---|---|---|---|')
  console.log(
    `| ${rate} | ${seconds} | ${answered - 1} | ${notOffered} | ${at(0.5)} | ${at(0.99)} | ${at(1)} | ${eventLoopDelayP99Ms.toFixed(2)} | ${cpuShare.toFixed(2)} |`,
  )
}
