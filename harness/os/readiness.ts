import { connect, type Socket } from 'node:net'
import { request } from 'undici'
import { HarnessError } from '../core/errors.ts'
import { describeName } from '../core/stranger.ts'
import { sleep } from '../core/timer.ts'
import type { ProgramCommand } from '../../servers/server.ts'

/** How a node shows that it can do its work. */
export type Readiness =
  | {
      /** Answers 200. */
      readonly http: string
      /** Called whenever the answer is 404: makes what is asked for. Its failure is that of the start. */
      readonly make?: (signal: AbortSignal) => Promise<void>
      /** Drawn for this start and told to the node, which says it with its 200: who does not is somebody else. */
      readonly start?: string
    }
  | { readonly tcp: Address }
  /** Asks for a password, which it does not before it takes queries: it listens while it recovers from a crash. */
  | { readonly postgres: Address }

interface Address {
  readonly host: string
  readonly port: number
}

const probeEveryMs = 25

/** Where a program that says how it is asked is to be asked. */
export function readinessOf(
  ready: ProgramCommand['ready'],
  { host, port, controlPort }: { readonly host: string; readonly port: number; readonly controlPort: number },
): Readiness {
  if (ready === 'tcp') return { tcp: { host, port } }
  if (ready === 'postgres') return { postgres: { host, port } }
  return { http: `http://${host}:${ready.control ? controlPort : port}${ready.http}` }
}

/** Somebody else has the port of a node: what the message says of who that is comes from outside. */
export class PortTaken extends HarnessError {}

/** Whether who listens there is the node; undefined where nobody can tell. */
export type IsOurs = () => Promise<boolean | undefined>

/**
 * Probe until it answers; true then. Rejects when the signal aborts first, and with PortTaken when it is somebody else who
 * answers as the node would.
 */
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
  const { host, port } = 'tcp' in readiness ? readiness.tcp : readiness.postgres
  return `${host}:${port}`
}

async function probe(readiness: Readiness, signal: AbortSignal): Promise<boolean> {
  if ('tcp' in readiness) return acceptsTcp(readiness.tcp)
  if ('postgres' in readiness) return takesLogins(readiness.postgres)
  const answer = await ask(readiness.http)
  if (answer?.status === 404) await readiness.make?.(signal)
  if (answer?.status !== 200) return false
  const { start } = readiness
  if (start === undefined || answer.health['start'] === start) return true
  throw new PortTaken(`${addressOf(readiness)} is answered by somebody else: ${whoIs(answer.health)}`)
}

/** Undefined when it does not answer. */
async function ask(url: string): Promise<{ status: number; health: Readonly<Record<string, unknown>> } | undefined> {
  try {
    const response = await request(url, { headersTimeout: 2000, bodyTimeout: 2000, reset: true })
    return { status: response.statusCode, health: healthIn(await response.body.text()) }
  } catch {
    return undefined
  }
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

/** A StartupMessage and the kind of the first answer (PostgreSQL 18, 54.7): an authentication request, or an error. */
function takesLogins(address: Address): Promise<boolean> {
  return tryTcp(address, (socket, settle) => {
    socket.once('data', (answer) => settle(answer.toString('latin1', 0, 1) === 'R'))
    socket.once('close', () => settle(false))
    socket.write(startupMessage)
  })
}

const startupMessage = startupMessageOf('user\0outlast\0database\0postgres\0\0')

function startupMessageOf(parameters: string): Buffer {
  const head = Buffer.alloc(8)
  head.writeInt32BE(head.length + parameters.length, 0)
  head.writeInt32BE(0x3_0000, 4)
  return Buffer.concat([head, Buffer.from(parameters)])
}

function acceptsTcp(address: Address): Promise<boolean> {
  return tryTcp(address, (_, settle) => settle(true))
}

type Settle = (ready: boolean) => void

function tryTcp(address: Address, onConnect: (socket: Socket, settle: Settle) => void): Promise<boolean> {
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
