/**
 * How true the open-loop pacer keeps its times: tasks per second offered to a real loopback HTTP server in another
 * process, and the lag of each dispatch behind its intended time. With `--rounds N` it is done N times without and N times
 * with a live page that has a viewer, in turns.
 *
 * usage: node bench/pacer.ts [--rate 1000] [--seconds 10] [--rounds 0]
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { Agent, request } from 'undici'
import { monotonicMs } from '../patterns/contract/types/timer.ts'
import { createRng } from '../harness/core/rng.ts'
import { planArrivals, offerOpenLoop } from '../harness/run/open-loop.ts'
import { LivePage } from '../harness/live/live-page.ts'
import { watchHealth } from '../harness/run/health.ts'
import { quantile } from '../harness/stats/quantiles.ts'
import { fork } from '../test/support/programs.ts'
import { openBenchRun } from './bench-run.ts'

if (process.argv.includes('--server')) serve()
else if (process.argv.includes('--viewer')) await view(process.argv.at(-1)!)
else await measure()

function serve(): void {
  const server = createServer((incoming, response) => {
    incoming.resume()
    incoming.on('end', () => response.writeHead(202, { 'content-type': 'application/json' }).end('{"ok":true}'))
  })
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
  process.on('disconnect', () => process.exit(0))
}

/** Reads a live page's stream in a process of its own, as a browser does. */
async function view(url: string): Promise<void> {
  process.on('disconnect', () => process.exit(0))
  const { body } = await fetch(new URL('events', url))
  process.send!('reading')
  for await (const _ of body!);
}

async function measure(): Promise<void> {
  const { values } = parseArgs({
    options: {
      rate: { type: 'string', default: '1000' },
      seconds: { type: 'string', default: '10' },
      rounds: { type: 'string', default: '0' },
    },
  })
  const [rate, seconds, rounds] = [Number(values.rate), Number(values.seconds), Number(values.rounds)]
  await using _benchRun = await openBenchRun()
  console.log(
    '| live page | offered/s | seconds | answered | not offered | lag p50 ms | lag p99 ms | lag max ms | loop p99 ms | cpu share |',
  )
  console.log('|---|---|---|---|---|---|---|---|---|---|')
  if (rounds === 0) console.log(await offer(rate, seconds, undefined))
  for (let round = 0; round < rounds; round++) {
    console.log(await offer(rate, seconds, undefined))
    await using page = await LivePage.open({ scenario: 'bench', question: '', facts: [] }, monotonicMs)
    console.log(await offer(rate, seconds, page))
  }
}

/** What a run of six cells tells of itself, as often as it does, while somebody watches. */
async function tellAndWatch(page: LivePage): Promise<Disposable> {
  const cells = ['a', 'b', 'c', 'd', 'e', 'f']
  const names = ['api-0', 'api-1', 'worker-0', 'worker-1', 'store-0']
  const nodes = names.map((name) => ({ name, role: name.replace(/-.*/, '') as 'api' | 'worker' | 'store' }))
  const links = names.map((to) => ({ name: `client->${to}`, from: ['client'], to }))
  for (const cell of cells) {
    page.tell({ kind: 'cell-start', cell, pattern: cell, arm: 'none', tasks: 10_000, plannedMs: 60_000 })
    page.tell({ kind: 'cell-system', cell, nodes, links })
    page.tell({ kind: 'cell-phase', cell, phase: 'load' })
  }
  let count = 0
  const timer = setInterval(() => {
    const told = { elapsedMs: ++count, started: 3 * count, finished: 2 * count, ok: count, failed: count, right: count }
    for (const cell of cells) page.tell({ kind: 'cell-progress', cell, ...told })
  }, 500)
  const viewer = fork(import.meta.filename, ['--viewer', page.url])
  await once(viewer, 'message')
  return {
    [Symbol.dispose]: () => {
      clearInterval(timer)
      viewer.disconnect()
    },
  }
}

/** One line of the table. */
async function offer(rate: number, seconds: number, page: LivePage | undefined): Promise<string> {
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
  using _watched = page && (await tellAndWatch(page))
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
  return `| ${page ? 'watched' : 'none'} | ${rate} | ${seconds} | ${answered - 1} | ${notOffered} | ${at(0.5)} | ${at(0.99)} | ${at(1)} | ${eventLoopDelayP99Ms.toFixed(2)} | ${cpuShare.toFixed(2)} |`
}
