import { connect, type Socket } from 'node:net'
import { request } from 'undici'
import { sleep } from '../../core/timer.ts'
import type { ProgramCommand } from './program.ts'

/** How a node shows that it can do its work. */
export type Readiness =
  | {
      /** Answers 200. */
      readonly http: string
      /** Called whenever the answer is 404: makes what is asked for. Its failure is that of the start. */
      readonly make?: (signal: AbortSignal) => Promise<void>
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

/** Probe until it answers; true then. Rejects when the signal aborts first. */
export async function waitUntilReady(readiness: Readiness, signal: AbortSignal): Promise<true> {
  while (!(await probe(readiness, signal))) {
    signal.throwIfAborted()
    await sleep(probeEveryMs, signal)
  }
  return true
}

async function probe(readiness: Readiness, signal: AbortSignal): Promise<boolean> {
  if ('tcp' in readiness) return acceptsTcp(readiness.tcp)
  if ('postgres' in readiness) return takesLogins(readiness.postgres)
  const status = await statusOf(readiness.http)
  if (status === 404) await readiness.make?.(signal)
  return status === 200
}

/** Undefined when it does not answer. */
async function statusOf(url: string): Promise<number | undefined> {
  try {
    const response = await request(url, { headersTimeout: 2000, bodyTimeout: 2000, reset: true })
    await response.body.dump()
    return response.statusCode
  } catch {
    return undefined
  }
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
