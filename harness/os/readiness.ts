import { connect, type Socket } from 'node:net'
import { request } from 'undici'
import { HarnessError } from '../core/errors.ts'
import { describeName } from '../core/http.ts'
import { sleep } from '../../patterns/contract/types/timer.ts'
import { lastErrorLine, portTakenLine } from './log-tail.ts'

/** How a node shows that it can do its work. */
export type Readiness =
  | {
      /** Answers 200. */
      readonly http: string
      /** Called whenever the answer is 404: makes what is asked for. Its failure is that of the start. */
      readonly make?: (signal: AbortSignal) => Promise<void>
      /** Drawn for this start and given to the node: a process that does not answer with it is a stranger. */
      readonly start?: string
    }
  | { readonly tcp: Address }
  /** Answers as only its own protocol can tell. Never rejects. */
  | { readonly probe: (address: Address) => Promise<boolean>; readonly at: Address }

export interface Address {
  readonly host: string
  readonly port: number
}

const probeEveryMs = 25
/** A node that is not ready by then is not going to be. */
const startLimitMs = 60_000

/** Another process has the port of a node. The message's text about it comes from outside. */
export class PortTaken extends HarnessError {}

/** Whether who listens there is the node; undefined where nobody can tell. */
export type IsOurs = () => Promise<boolean | undefined>

/** Probe until it answers. Rejects on abort, and with PortTaken when a stranger answers as the node would. */
export async function waitUntilReady(
  readiness: Readiness,
  signal: AbortSignal,
  isOurs: IsOurs = async () => undefined,
): Promise<true> {
  while (!(await probe(readiness, signal))) {
    signal.throwIfAborted()
    await sleep(probeEveryMs, signal)
  }
  const hasProved = 'http' in readiness && readiness.start !== undefined
  if (!hasProved && (await isOurs()) === false) throw new PortTaken(`somebody else listens at ${addressOf(readiness)}`)
  return true
}

function addressOf(readiness: Readiness): string {
  if ('http' in readiness) return new URL(readiness.http).host
  const { host, port } = 'tcp' in readiness ? readiness.tcp : readiness.at
  return `${host}:${port}`
}

async function probe(readiness: Readiness, signal: AbortSignal): Promise<boolean> {
  if ('tcp' in readiness) return tryTcp(readiness.tcp, (_, settle) => settle(true))
  if ('probe' in readiness) return readiness.probe(readiness.at)
  const { http, make, start } = readiness
  const answer = await ask(http, start !== undefined, signal)
  if (answer?.status === 404) await make?.(signal)
  if (answer?.status !== 200) return false
  if (start === undefined || answer.health['start'] === start) return true
  throw new PortTaken(`${addressOf(readiness)} is answered by somebody else: ${whoIs(answer.health)}`)
}

interface Answer {
  readonly status: number
  /** Empty where nobody reads what it says. */
  readonly health: Readonly<Record<string, unknown>>
}

/** All of one answer: a server of the user's, or a stranger, may go on saying something for ever. */
const answerLimitMs = 2_000
const mostHealthBytes = 65_536

/** Undefined when it does not answer. */
async function ask(url: string, isRead: boolean, signal: AbortSignal): Promise<Answer | undefined> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(answerLimitMs)])
  try {
    const { statusCode: status, body } = await request(url, { signal: limit, reset: true })
    if (isRead) return { status, health: healthIn(await beginningOf(body)) }
    body.on('error', () => {}).destroy()
    return { status, health: {} }
  } catch {
    return undefined
  }
}

async function beginningOf(body: AsyncIterable<Buffer>): Promise<string> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of body) {
    pieces.push(piece)
    if ((bytes += piece.length) > mostHealthBytes) break
  }
  return Buffer.concat(pieces).toString('utf8')
}

/** What a stranger says need not be JSON. */
function healthIn(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>
  } catch {
    return {}
  }
}

function whoIs({ system, node }: Readonly<Record<string, unknown>>): string {
  if (typeof node !== 'string') return 'it does not say who'
  return describeName(typeof system === 'string' ? `${system}/${node}` : node)
}

type Settle = (ready: boolean) => void

/** Dial, and let `onConnect` settle what came of it; false where the connection fails or is silent for 2 s. */
export function tryTcp(address: Address, onConnect: (socket: Socket, settle: Settle) => void): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ ...address, timeout: 2000 })
    const settle: Settle = (ready) => {
      socket.destroy()
      resolve(ready)
    }
    socket
      .once('connect', () => onConnect(socket, settle))
      .on('error', () => settle(false))
      .once('timeout', () => settle(false))
  })
}

/** Wait for a started node. Rejects with its log's name when it ends first, with PortTaken when its port is taken. */
export async function becomeReady(
  node: {
    readonly name: string
    readonly logFile: string
    /** The log is gone when the error is read. */
    readonly isTransient?: true
    readonly ready: Readiness
    readonly ended: Promise<unknown>
    readonly isOurs?: IsOurs
  },
  signal: AbortSignal,
): Promise<void> {
  const { name, ready, ended, isOurs } = node
  const limit = AbortSignal.timeout(startLimitMs)
  const probed = waitUntilReady(ready, AbortSignal.any([signal, limit]), isOurs).catch(async (error: unknown) => {
    if (error instanceof PortTaken) throw new PortTaken(`${name}: ${error.message}`)
    if (!limit.aborted) throw error
    throw await startFailure(`${name} was not ready within ${startLimitMs / 1000} s, ${lackOf(ready)}`, node)
  })
  const isReady = await Promise.race([probed, ended.then(() => false)])
  if (isReady) return
  const failure = await startFailure(`${name} ended while it was starting`, node)
  const taken = await portTakenLine(node.logFile)
  throw taken === undefined ? failure : new PortTaken(`${name} could not have its port: ${taken}`)
}

/** What a node never did. */
function lackOf(ready: Readiness): string {
  if ('http' in ready) return `as GET ${ready.http} did not answer 200`
  return `as it did not answer at ${addressOf(ready)}`
}

async function startFailure(
  what: string,
  { logFile, isTransient }: { readonly logFile: string; readonly isTransient?: true },
): Promise<HarnessError> {
  const said = await lastErrorLine(logFile)
  const where = isTransient ? '' : ` (${logFile})`
  return new HarnessError(`${what}${said === undefined ? '' : `: ${said}`}${where}`)
}
