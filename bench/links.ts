/**
 * What a link costs: bulk throughput, HTTP requests per second over kept-alive connections, and the time of one byte
 * there and back, on a direct path, through the embedded server without toxics, and through a real Toxiproxy where one
 * is found. Rounds of all paths are interleaved, so that a noisy machine disturbs all of them alike; medians are shown.
 *
 * usage: node bench/links.ts [--rounds 3]
 */
import { once } from 'node:events'
import { createServer as createHttpServer } from 'node:http'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { parseArgs } from 'node:util'
import { Pool } from 'undici'
import { monotonicMs } from '../patterns/contract/types/timer.ts'
import { openLinks } from '../harness/links/toxiproxy.ts'
import { quantile } from '../harness/stats/quantiles.ts'
import { linkServerKinds } from '../test/conformance/links-servers.ts'
import { fork } from '../test/support/programs.ts'
import { openBenchRun } from './bench-run.ts'

const bulkBytes = 64 * 1024 * 1024
const bulkChunk = Buffer.alloc(64 * 1024)
const httpMs = 800
const httpConnections = 32
const pings = 1500

/** Ports of the three servers at the far end. */
interface Ports {
  readonly bulk: number
  readonly http: number
  readonly echo: number
}

interface Path {
  readonly name: string
  /** `host:port` per server. */
  readonly to: Readonly<Record<keyof Ports, string>>
  readonly bulkMbPerSec: number[]
  readonly requestsPerSec: number[]
  readonly roundTripsMs: number[]
}

if (process.argv.includes('--far-end')) await serve()
else await measure()

async function serve(): Promise<void> {
  const bulk = createServer((socket) => sendBulk(socket.on('error', () => {})))
  const echo = createServer({ noDelay: true }, (socket) => socket.on('error', () => {}).pipe(socket))
  const http = createHttpServer((request, response) => {
    request.resume()
    response.end('{"status":"running"}')
  })
  const ports = await Promise.all([bulk, http, echo].map(listen))
  process.send!({ bulk: ports[0], http: ports[1], echo: ports[2] })
  process.on('disconnect', () => process.exit(0))
}

async function measure(): Promise<void> {
  const { values } = parseArgs({ options: { rounds: { type: 'string', default: '3' } } })
  await using _benchRun = await openBenchRun()
  const farEnd = fork(import.meta.filename, ['--far-end'])
  const [ports] = (await once(farEnd, 'message')) as [Ports]
  await using cleanup = new AsyncDisposableStack()
  cleanup.defer(() => farEnd.disconnect())
  const paths = await openPaths(ports, cleanup)
  await round(paths.map(unrecorded))
  for (let i = 0; i < Number(values.rounds); i++) await round(paths)
  print(paths)
}

async function openPaths(ports: Ports, cleanup: AsyncDisposableStack): Promise<readonly Path[]> {
  const direct = mapPorts(ports, (port) => `127.0.0.1:${port}`)
  const paths = [openPath('direct', direct)]
  for (const { name, missing, start } of linkServerKinds()) {
    if (missing) {
      console.log(`Without a real Toxiproxy: ${missing}.\n`)
      continue
    }
    const links = cleanup.use(await openLinks(cleanup.use(await start()).url))
    const to = { ...direct }
    for (const [ordinal, server] of (['bulk', 'http', 'echo'] as const).entries()) {
      const request = {
        name: `bench-${process.pid}-${server}`,
        kind: 'client->api',
        ordinal,
        upstream: direct[server],
      } as const
      to[server] = new URL((await links.create(request)).url).host
    }
    paths.push(openPath(name === 'real' ? 'real Toxiproxy' : 'embedded', to))
  }
  return paths
}

function openPath(name: string, to: Path['to']): Path {
  return { name, to, bulkMbPerSec: [], requestsPerSec: [], roundTripsMs: [] }
}

/** The same way, for a round whose figures do not count: caches and compilers are cold. */
function unrecorded({ name, to }: Path): Path {
  return openPath(name, to)
}

async function round(paths: readonly Path[]): Promise<void> {
  for (const path of paths) path.bulkMbPerSec.push(await receiveBulk(path.to.bulk))
  for (const path of paths) path.requestsPerSec.push(await saturate(path.to.http))
  for (const path of paths) path.roundTripsMs.push(...(await ping(path.to.echo)))
}

function sendBulk(socket: Socket): void {
  let left = bulkBytes / bulkChunk.length
  const send = (): void => {
    while (left-- > 0) if (!socket.write(bulkChunk)) return void socket.once('drain', send)
    socket.end()
  }
  send()
}

async function receiveBulk(address: string): Promise<number> {
  const from = monotonicMs()
  const socket = dial(address)
  let received = 0
  socket.on('data', (chunk) => (received += chunk.length))
  await once(socket, 'close')
  if (received !== bulkBytes) throw new Error(`${received} of ${bulkBytes} bytes arrived`)
  return received / 1e6 / ((monotonicMs() - from) / 1000)
}

async function saturate(address: string): Promise<number> {
  const pool = new Pool(`http://${address}`, { connections: httpConnections, pipelining: 1 })
  const from = monotonicMs()
  let answered = 0
  const client = async (): Promise<void> => {
    while (monotonicMs() - from < httpMs) {
      const { body } = await pool.request({ path: '/', method: 'GET' })
      await body.dump()
      answered++
    }
  }
  await Promise.all(Array.from({ length: httpConnections }, client))
  const seconds = (monotonicMs() - from) / 1000
  await pool.close()
  return answered / seconds
}

async function ping(address: string): Promise<readonly number[]> {
  const socket = dial(address)
  await once(socket, 'connect')
  const times: number[] = []
  for (let i = 0; i < pings; i++) {
    const answer = once(socket, 'data')
    const from = monotonicMs()
    socket.write('x')
    await answer
    times.push(monotonicMs() - from)
  }
  socket.destroy()
  return times
}

function print(paths: readonly Path[]): void {
  const us = (path: Path, p: number): number => Math.round((quantile(path.roundTripsMs, p) ?? Number.NaN) * 1000)
  const time = (path: Path, p: number): string => {
    const added = us(path, p) - us(paths[0]!, p)
    return path === paths[0] ? `${us(path, p)}` : `${us(path, p)} (${added < 0 ? '' : '+'}${added})`
  }
  const median = (values: readonly number[]): number => Math.round(quantile(values, 0.5) ?? Number.NaN)
  console.log('| path | bulk MB/s | HTTP requests/s | round trip p50, us (added) | p99, us (added) |')
  console.log('|---|---:|---:|---:|---:|')
  for (const path of paths) {
    const cells = [median(path.bulkMbPerSec), median(path.requestsPerSec), time(path, 0.5), time(path, 0.99)]
    console.log(`| ${path.name} | ${cells.join(' | ')} |`)
  }
}

function mapPorts(ports: Ports, address: (port: number) => string): Record<keyof Ports, string> {
  return { bulk: address(ports.bulk), http: address(ports.http), echo: address(ports.echo) }
}

function dial(address: string): Socket {
  const [host, port] = address.split(':')
  return connect({ host: host!, port: Number(port), noDelay: true })
}

async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return (server.address() as AddressInfo).port
}
