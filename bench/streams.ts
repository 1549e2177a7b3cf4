/**
 * What idle event streams and slow clients cost one API node: the memory of each stream, and how long others wait for an
 * answer meanwhile. The node is a process of its own on the in-memory engine, as shipped; the streams follow tasks of five
 * minutes at full length, a tenth of them without ever reading. Slow clients send nothing, half a request, a body in drops, or
 * take no answer; who is cut comes back. `/healthz` is asked by a process of its own, ten times a second.
 *
 * usage: node bench/streams.ts [--delivery sse] [--streams 5000] [--slow 2000] [--tasks 1] [--seconds 60]
 */
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { Agent, createServer, get, request as httpRequest } from 'node:http'
import { connect, type AddressInfo, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { holdPort } from '../harness/os/ports.ts'
import { nodeFlags } from '../harness/runtimes/_shared/servers.ts'
import { fork, spawn } from '../test/support/programs.ts'
import { openBenchRun } from './bench-run.ts'

const token = 'bench-token-0123456789'
const authorization = `authorization: Bearer ${token}`
/** Of slow clients. */
const betweenArrivalsMs = 2

const [asked] = process.argv.slice(2)
if (asked?.startsWith('http')) await askHealth(asked)
else await main()

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      delivery: { type: 'string', default: 'sse' },
      streams: { type: 'string', default: '5000' },
      slow: { type: 'string', default: '2000' },
      tasks: { type: 'string', default: '1' },
      seconds: { type: 'string', default: '60' },
    },
  })
  const [streams, slow, tasks, seconds] = [values.streams, values.slow, values.tasks, values.seconds].map(Number) as [
    number,
    number,
    number,
    number,
  ]
  await using _benchRun = await openBenchRun()
  const tools = createServer((request, response) => request.resume().on('end', () => response.end('{}')))
  await once(tools.listen(0, '127.0.0.1'), 'listening')
  using held = await holdPort()
  const { port } = held
  const node = startNode(values.delivery, port, (tools.address() as AddressInfo).port)
  const url = `http://127.0.0.1:${port}`
  try {
    await untilHealthy(url)
    const health = fork(fileURLToPath(import.meta.url), [url])
    const paths = await Promise.all(Array.from({ length: tasks }, (_, i) => submitTask(url, i)))
    // The first ones load and compile code.
    const warm = await openAll(
      port,
      200,
      (i) => streamOf(paths[i % tasks]!),
      () => true,
    )
    for (const socket of warm) socket.destroy()
    await sleep(2000)
    const before = costOf(node.pid!)
    const open = await openAll(
      port,
      streams,
      (i) => streamOf(paths[i % tasks]!),
      (i) => i % 10 > 0,
    )
    await sleep(5000)
    await lapse(health)
    const [idleFrom, began] = [costOf(node.pid!).cpuMs, performance.now()]
    await sleep(seconds * 1000)
    const during = costOf(node.pid!)
    const cpuShare = (during.cpuMs - idleFrom) / (performance.now() - began)
    const idleHealth = await lapse(health)
    const crowd = crowdOf(port, slow, paths[0]!)
    await sleep(slow * betweenArrivalsMs + 1000)
    const rushHealth = await lapse(health)
    await sleep(seconds * 1000)
    const crowdHealth = await lapse(health)
    const { descriptors: most } = costOf(node.pid!)
    crowd.leave()
    for (const socket of open) socket.destroy()
    await sleep(5000)
    const after = costOf(node.pid!)
    const each = (during.residentKib - before.residentKib) / streams
    console.log(
      '| streams | KiB each | cpu share | health p50, p99, max ms | while slow clients come | with slow clients | descriptors: most, after |',
    )
    console.log('|---|---|---|---|---|---|---|')
    console.log(
      `| ${streams} | ${each.toFixed(1)} | ${cpuShare.toFixed(2)} | ${idleHealth} | ${rushHealth} | ${crowdHealth} | ${most}, ${after.descriptors} |`,
    )
    health.kill()
  } finally {
    node.kill('SIGKILL')
    tools.close()
    tools.closeAllConnections()
  }
}

function startNode(delivery: string, port: number, toolsPort: number) {
  const env = {
    PATH: process.env['PATH'],
    OUTLAST_NODE: 'api-0',
    OUTLAST_PORT: String(port),
    OUTLAST_DELIVERY: delivery,
    OUTLAST_ENGINE: 'memory',
    OUTLAST_TOKEN: token,
    OUTLAST_TOOLS_URL: `http://127.0.0.1:${toolsPort}`,
    OUTLAST_PARENT_PIPE: '1',
  }
  const entry = fileURLToPath(new URL('../patterns/serve.ts', import.meta.url))
  return spawn(process.execPath, [...nodeFlags('serve'), entry], { env, stdio: ['pipe', 'inherit', 'inherit'] })
}

async function untilHealthy(url: string): Promise<void> {
  while (!(await isHealthy(url))) await sleep(50)
}

function isHealthy(url: string, agent?: Agent): Promise<boolean> {
  return new Promise((resolve) => {
    get(`${url}/healthz`, { ...(agent && { agent }) }, (answer) => {
      answer.resume().on('end', () => resolve(answer.statusCode === 200))
    }).on('error', () => resolve(false))
  })
}

async function submitTask(url: string, index: number): Promise<string> {
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'idempotency-key': `k-${index}`,
  }
  const input = { seed: index, profile: 'research-write', job: `job-${index}` }
  const posted = httpRequest(`${url}/v1/tasks`, { method: 'POST', headers })
  posted.end(JSON.stringify({ type: 'agent', input }))
  const [answer] = (await once(posted, 'response')) as [NodeJS.ReadableStream & { statusCode: number }]
  let body = ''
  for await (const chunk of answer) body += String(chunk)
  if (answer.statusCode !== 202) throw new Error(`a task was answered ${answer.statusCode}: ${body}`)
  return (JSON.parse(body) as { links: { self: string } }).links.self
}

function streamOf(path: string): string {
  return `GET ${path}/events HTTP/1.1\r\nhost: node\r\n${authorization}\r\naccept: text/event-stream\r\n\r\n`
}

/** So many connections, a few at a time; each has sent its request, and had an answer if it reads. */
async function openAll(
  port: number,
  count: number,
  bytesOf: (index: number) => string,
  reads: (index: number) => boolean,
): Promise<Socket[]> {
  const sockets: Socket[] = []
  const open = async (index: number): Promise<void> => {
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    sockets.push(socket)
    await once(socket, 'connect')
    socket.write(bytesOf(index))
    if (!reads(index)) return void socket.pause()
    await once(socket, 'data')
    socket.on('data', () => {})
  }
  for (let index = 0; index < count; index += 100)
    await Promise.all(Array.from({ length: Math.min(100, count - index) }, (_, i) => open(index + i)))
  return sockets
}

/** Slow clients of four kinds, each of which comes back when it is cut. */
function crowdOf(port: number, count: number, path: string): { leave(): void } {
  const post = `POST /v1/tasks HTTP/1.1\r\nhost: node\r\n${authorization}\r\ncontent-type: application/json\r\n`
  const kinds = [
    '',
    'GET /healthz HTTP/1.1\r\nhost: no',
    `${post}idempotency-key: slow\r\ncontent-length: 60000\r\n\r\n{`,
    `GET ${path} HTTP/1.1\r\nhost: node\r\n${authorization}\r\n\r\n`.repeat(200),
  ]
  const sockets = new Set<Socket>()
  let isOver = false
  const come = (index: number): void => {
    if (isOver) return
    const socket = connect(port, '127.0.0.1').on('error', () => {})
    sockets.add(socket)
    const kind = index % kinds.length
    socket.on('connect', () => socket.write(kinds[kind]!))
    if (kind === 3) socket.pause()
    else socket.on('data', () => {})
    const drip = setInterval(() => kind > 0 && kind < 3 && socket.writable && socket.write('x'), 5000)
    socket.on('close', () => {
      clearInterval(drip)
      sockets.delete(socket)
      setTimeout(come, 1000, index)
    })
  }
  for (let index = 0; index < count; index++) setTimeout(come, index * betweenArrivalsMs, index)
  return {
    leave: () => {
      isOver = true
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** In a process of its own: asks ten times a second, and says how long the answers took when it is asked. */
async function askHealth(url: string): Promise<never> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let tookMs: number[] = []
  process.on('message', () => {
    process.send!(tookMs)
    tookMs = []
  })
  for (;;) {
    const began = performance.now()
    await isHealthy(url, agent)
    tookMs.push(performance.now() - began)
    await sleep(100)
  }
}

/** What it has measured since the last time: median, 99th percentile and maximum. */
async function lapse(health: ChildProcess): Promise<string> {
  health.send('lapse')
  const [tookMs] = (await once(health, 'message')) as [number[]]
  const sorted = tookMs.toSorted((a, b) => a - b)
  const at = (share: number): string => (sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN).toFixed(1)
  return `${at(0.5)}, ${at(0.99)}, ${at(1)}`
}

/** Of a process, as Linux accounts it. */
function costOf(pid: number): { residentKib: number; cpuMs: number; descriptors: number } {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  return {
    residentKib: Number(/^VmRSS:\s+(\d+)/m.exec(status)![1]),
    cpuMs: (Number(fields[11]) + Number(fields[12])) * 10,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
  }
}
