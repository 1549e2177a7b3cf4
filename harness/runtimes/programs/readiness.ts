import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'
import type { ProgramCommand } from './program.ts'

/** How a node shows that it can do its work. */
export type Readiness =
  | {
      /** Answers 200. */
      readonly http: string
      /** Called whenever the answer is 404: makes what is asked for. Its failure is that of the start. */
      readonly make?: (signal: AbortSignal) => Promise<void>
    }
  | { readonly tcp: { readonly host: string; readonly port: number } }

const probeEveryMs = 25

/** Where a program that says how it is asked is to be asked. */
export function readinessOf(
  ready: ProgramCommand['ready'],
  { host, port, controlPort }: { readonly host: string; readonly port: number; readonly controlPort: number },
): Readiness {
  if (ready === 'tcp') return { tcp: { host, port } }
  return { http: `http://${host}:${ready.control ? controlPort : port}${ready.http}` }
}

/** Probe until it answers; true then. Rejects when the signal aborts first. */
export async function waitUntilReady(readiness: Readiness, signal: AbortSignal): Promise<true> {
  while (!(await probe(readiness, signal))) {
    signal.throwIfAborted()
    await sleep(probeEveryMs, undefined, { signal })
  }
  return true
}

async function probe(readiness: Readiness, signal: AbortSignal): Promise<boolean> {
  if ('tcp' in readiness) return acceptsTcp(readiness.tcp)
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

function acceptsTcp({ host, port }: { host: string; port: number }): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2000 })
    const settle = (accepted: boolean): void => {
      socket.destroy()
      resolve(accepted)
    }
    socket
      .once('connect', () => settle(true))
      .once('error', () => settle(false))
      .once('timeout', () => settle(false))
  })
}
