import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { request } from 'undici'

/** How a node shows that it can do its work. */
export type Readiness = { readonly http: string } | { readonly tcp: { readonly host: string; readonly port: number } }

const probeEveryMs = 25

/** Probe until it answers; true then. Rejects when the signal aborts first. */
export async function waitUntilReady(readiness: Readiness, signal: AbortSignal): Promise<true> {
  while (!(await probe(readiness))) {
    signal.throwIfAborted()
    await sleep(probeEveryMs, undefined, { signal })
  }
  return true
}

async function probe(readiness: Readiness): Promise<boolean> {
  return 'http' in readiness ? answersHttp(readiness.http) : acceptsTcp(readiness.tcp)
}

async function answersHttp(url: string): Promise<boolean> {
  try {
    const response = await request(url, { headersTimeout: 2000, bodyTimeout: 2000, reset: true })
    await response.body.dump()
    return response.statusCode === 200
  } catch {
    return false
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
