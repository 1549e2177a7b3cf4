import { once } from 'node:events'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect, createServer, type AddressInfo } from 'node:net'
import { openJournal } from '../cleanup/journal.ts'
import { supervise } from '../cleanup/supervise.ts'
import type { Sweeper } from '../cleanup/sweep.ts'
import { type HarnessError, UsageError } from '../core/errors.ts'
import { briefRequests, readBody } from '../core/http.ts'
import type { NodeEvent, Runtime } from '../model/runtime.ts'
import type { LedgerEffect } from './ledger.ts'
import { openSystem } from './system.ts'
import type { TargetPattern } from './target.ts'

/** A pattern as a service, and who hears what happens in it. */
export interface ServeOptions {
  readonly pattern: TargetPattern
  readonly runtime: Runtime
  readonly timeScale: number
  /** Where it is to be reached; port 0 is any that is free. */
  readonly listen: { readonly host: string; readonly port: number }
  readonly token: string
  /** As `SystemSpec` has it. */
  readonly apiEnv: Readonly<Record<string, string>>
  /** So many nodes do its work. */
  readonly executors: number
  /** It is served: what this resolves with is disposed of at the end. */
  readonly onReady: (ready: Ready) => Promise<AsyncDisposable | undefined>
  readonly onNode: (event: NodeEvent) => void
  readonly onEffect: (effect: LedgerEffect) => void
  readonly onCallback: (path: string, body: string) => void
  /** It is served until this aborts. */
  readonly signal: AbortSignal
}

export interface Ready {
  readonly url: string
  /** The API node itself: from this machine, whatever address others have. */
  readonly nodeUrl: string
  /** The demo receiver: any path below it takes callbacks. */
  readonly receiverUrl: string
}

/**
 * Start a pattern with all that it needs (its servers, workers, a tool server, a callback receiver) and serve it.
 * Resolves once it was told to end and has ended, with what is left then.
 */
export async function servePattern(options: ServeOptions, sweepers: readonly Sweeper[]): Promise<readonly string[]> {
  return supervise(sweepers, async (temp) => {
    const lost = new AbortController()
    const over = AbortSignal.any([options.signal, lost.signal])
    const reason = await options.runtime.whyNot(options.pattern.engine.services)
    if (reason !== undefined) throw new UsageError(`${options.pattern.name} cannot be served here: ${reason}`)
    await using journal = await openJournal(temp)
    const onLost = (error: HarnessError): void => lost.abort(error)
    const place = { cell: 'serve', folder: temp, temp, note: journal.note, lost: onLost }
    await using stack = new AsyncDisposableStack()
    const system = stack.use(await openSystem(specOf(options, place), over))
    const node = system.deployment.nodes.find(({ role }) => role === 'api')!
    const door = stack.use(await openDoor(options.listen, new URL(node.url)))
    const receiverUrl = `http://${system.receiver.address}`
    stack.use(await options.onReady({ url: door.url, nodeUrl: node.url, receiverUrl }))
    if (!over.aborted) await once(over, 'abort')
    if (lost.signal.aborted) throw lost.signal.reason as Error
  })
}

function specOf(options: ServeOptions, place: Parameters<Runtime['open']>[0]) {
  const { pattern, runtime, timeScale, token, apiEnv, executors, onNode, onEffect, onCallback } = options
  const deploy = {
    replicas: { api: 1, executor: executors },
    restartDelayMs: 1_000,
    seed: 1,
    edge: false,
    direct: true,
    onNodeEvent: onNode,
  }
  const openReceiver = (host: string) => openDemoReceiver(host, onCallback)
  const { delivery, engine, tuning } = pattern
  const axes = { delivery: delivery.name, engine, tuning, timeScale }
  return { runtime, place, ...axes, token, apiEnv, deploy, openReceiver, onEffect }
}

/** The address that users have: it stays while the node behind it is started again. */
async function openDoor({ host, port }: ServeOptions['listen'], node: URL): Promise<AsyncDisposable & { url: string }> {
  const server = createServer((client) => {
    const upstream = connect(Number(node.port), node.hostname)
    client.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
    upstream.on('error', () => client.destroy()).on('close', () => client.destroy())
    client.pipe(upstream).pipe(client)
  })
  try {
    await once(server.listen(port, host), 'listening')
  } catch (error) {
    throw new UsageError(`${host}:${port} cannot be listened on: ${(error as Error).message}; --port names another`)
  }
  const at = server.address() as AddressInfo
  const url = `http://${at.family === 'IPv6' ? `[${at.address}]` : at.address}:${at.port}`
  return { url, [Symbol.asyncDispose]: async () => void server.close() }
}

const mostBytes = 1_048_576

/** Takes whatever is posted, and consents where it is asked beforehand (CloudEvents 1.0, HTTP web hooks). */
async function openDemoReceiver(host: string, onCallback: ServeOptions['onCallback']) {
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readBody(request, mostBytes).catch(() => undefined)
    response.writeHead(body ? 204 : 413, { 'webhook-allowed-origin': '*', connection: 'close' }).end()
    if (body && request.method === 'POST') onCallback(request.url!, body.toString('utf8'))
  }
  const server = createHttpServer(briefRequests, (request, response) => void answer(request, response))
  await once(server.listen(0, host), 'listening')
  return {
    address: `${host}:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
