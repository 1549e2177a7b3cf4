import { setTimeout as sleep } from 'node:timers/promises'
import { startCluster, type EngineCluster } from '../support/engine-cluster.ts'
import { engines } from '../support/deployment.ts'
import { diceOf } from './dice.ts'
import type { Counted } from './offline.ts'
import { excerpt, type Finding, leaksOf } from './report.ts'
import { makeRequest, type World } from './requests.ts'
import { type ServerNode, startNode } from './server-node.ts'
import { makeSocket } from './sockets.ts'
import { exchangeBytes, type Received, type Sent } from './wire.ts'

export interface ServerOrder {
  readonly seed: number
  readonly indexes: readonly number[]
  readonly limitMs: number
  readonly scratch: string
}

/** Connections at a time. */
const width = 16
/** So many requests fill caches, pools and compiled code before anything is counted. */
const warmUp = 150
const heapSlackBytes = 24 * 2 ** 20
const settleMs = 12_000
const timeScale = 120

/** Throw requests at one delivery after the other, over one engine, and look at each node afterwards. */
export async function throwAtServers(
  engineName: string,
  deliveries: readonly string[],
  order: ServerOrder,
  told: (delivery: string, counted: Counted) => void,
): Promise<void> {
  const engine = engines.get(engineName)!
  await using cluster = await startCluster(engine, timeScale)
  if (engine.services.some(({ role }) => role === 'worker')) await cluster.startWorker()
  for (const delivery of deliveries)
    told(delivery, await throwAtNode(cluster, delivery, `${engineName}-${delivery}`, order))
}

async function throwAtNode(
  cluster: EngineCluster,
  delivery: string,
  part: string,
  { seed, indexes, limitMs, scratch }: ServerOrder,
): Promise<Counted> {
  await using node = await startNode(cluster, delivery, scratch)
  const { token, webhookUrl } = cluster
  const world = { token, webhookUrl, delivery, host: node.host, task: await node.submit('known') }
  const again = (index: number | string): string => `--seed ${seed} --part ${part} --case ${index}`
  const send = async (index: number): Promise<{ sent: Sent; received: Received }> => {
    const sent = sentOf(seed, part, index, world)
    return { sent, received: await exchangeBytes(node.port, sent, limitMs) }
  }
  if (indexes.length > 1) for (let i = 0; i < warmUp; i++) await send(-1 - i)
  await settled(node, 0)
  const before = { descriptors: node.descriptors(), heap: await node.heapBytes() }
  const findings: Finding[] = []
  const statuses = new Map<string, number>()
  let slowestMs = 0
  await eachOf(indexes, async (index) => {
    const { sent, received } = await send(index)
    slowestMs = Math.max(slowestMs, received.tookMs)
    const status = String(received.status ?? received.end)
    statuses.set(status, (statuses.get(status) ?? 0) + 1)
    for (const what of complaintsAbout(sent, received, token))
      findings.push({ again: again(index), what: `${what} (${excerpt(sent.bytes.toString('latin1'), 250)})` })
  })
  const aftermath = await lookAfter(node, before, indexes.length > 1)
  findings.push(...aftermath.map((what) => ({ again: again(`0-${indexes.length - 1}`), what })))
  const counts = [...statuses].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([status, count]) => `${status}: ${count}`)
  return { findings, summary: `${indexes.length} requests, ${counts.join(', ')}; slowest ${Math.round(slowestMs)} ms` }
}

function sentOf(seed: number, part: string, index: number, world: World): Sent {
  const dice = diceOf(seed, part, index)
  return dice.chance(world.delivery === 'websocket' ? 0.35 : 0.05) ? makeSocket(world, dice) : makeRequest(world, dice)
}

async function eachOf(indexes: readonly number[], act: (index: number) => Promise<void>): Promise<void> {
  const left = indexes.values()
  const worker = async (): Promise<void> => {
    for (const index of left) await act(index)
  }
  await Promise.all(Array.from({ length: width }, worker))
}

function complaintsAbout(sent: Sent, { status, text, end, tookMs }: Received, token: string): readonly string[] {
  const body = text.slice(text.indexOf('\r\n\r\n') + 4)
  const isBad =
    status !== undefined && (status === 500 || status === 502 || status === 504 || (status > 504 && status !== 505))
  const isClientsFault = status !== undefined && status >= 400 && status < 500 && ![408, 409, 425, 429].includes(status)
  return [
    ...(end === 'silent' ? [`no end within ${Math.round(tookMs)} ms`] : []),
    ...(isBad ? [`status ${status}: ${excerpt(body)}`] : []),
    ...(end === 'closed' && sent.isWhole && text === '' ? ['closed without an answer'] : []),
    ...(isClientsFault && /"retryable":\s*true/.test(body) ? [`${status} says that a repeat can help`] : []),
    ...(!sent.isAuthorized && text.includes('"task_id":"') ? [`${status} without the token`] : []),
    // eslint-disable-next-line no-control-regex
    ...(/[\u0000-\u0008\u000b\u000c\u000e-\u001f]/.test(sent.frames ? '' : text)
      ? ['a raw control character in the answer']
      : []),
    ...leaksOf(text, [token]),
  ]
}

/** What stays of all this. */
async function lookAfter(
  node: ServerNode,
  before: { readonly descriptors: number; readonly heap: number },
  isMany: boolean,
): Promise<readonly string[]> {
  if (!node.isAlive()) return [`the node died: ${excerpt(node.log(), 2_000)}`]
  const healthMs = await node.health().catch((error: unknown) => error)
  const descriptors = await settled(node, before.descriptors)
  const heap = isMany ? await node.heapBytes().catch((error: unknown) => error) : 0
  const grown = typeof heap === 'number' ? heap - before.heap : 0
  return [
    ...(typeof healthMs === 'number' && healthMs < 1_000 ? [] : [`afterwards /healthz: ${String(healthMs)}`]),
    ...(descriptors > before.descriptors + 2 ? [`${before.descriptors} descriptors before, ${descriptors} after`] : []),
    ...(typeof heap === 'number' ? [] : [String(heap)]),
    ...(grown > heapSlackBytes ? [`memory that stays grew by ${Math.round(grown / 2 ** 20)} MiB`] : []),
    ...errorsIn(node.log()),
  ]
}

/** What the node itself calls an error that nobody expected, each once. What went wrong outside it is a warning. */
function errorsIn(log: string): readonly string[] {
  const lines = log.split('\n').filter((line) => line !== '')
  const errors = lines.flatMap((line) => (line.startsWith('{') ? ownError(line) : [line]))
  return [...new Set(errors)].map((error) => `an error in its log: ${excerpt(error)}`)
}

function ownError(line: string): readonly string[] {
  const { level, where, error } = JSON.parse(line) as { level: string; where: string; error: string }
  return level === 'error' ? [`${where.split('/', 3).join('/')} ${error}`] : []
}

/** How many descriptors it holds once it has let go of what it will let go of. */
async function settled(node: ServerNode, wanted: number): Promise<number> {
  const until = performance.now() + (wanted === 0 ? 500 : settleMs)
  let found = node.descriptors()
  while (performance.now() < until && (wanted === 0 || found > wanted + 2)) {
    await sleep(100)
    found = node.descriptors()
  }
  return found
}
