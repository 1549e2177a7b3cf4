import { once } from 'node:events'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WebSocket } from 'ws'
import { whenTokenEnds } from '../../../../patterns/contract/server/expiry.ts'
import { createFrontDoor } from '../../../../patterns/contract/server/front-door.ts'
import { loadDeliveryServer } from '../../../../patterns/contract/server/plugins.ts'
import { allScopes, epoch } from '../../../support/issuer.ts'
import { type GuardedApi, openGuardedApi } from './guarded-api.ts'

let api: GuardedApi
let server: Server | undefined
beforeEach(async () => (api = await openGuardedApi()))
afterEach(async () => {
  server?.close().closeAllConnections()
  await api[Symbol.asyncDispose]()
})

async function listen(delivery: string): Promise<string> {
  const half = await loadDeliveryServer(delivery)
  server = createFrontDoor(await api.app(delivery), api.settings, half.openSockets?.())
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

const briefly = async (seconds: number): Promise<string> =>
  `Bearer ${await api.issuer.token('ann', allScopes, { exp: epoch(seconds) })}`

/** Resolves with the milliseconds until the stream ended, of this token's; undefined: it was open for as long as we listened. */
async function streamFor(auth: string, listenMs: number): Promise<number | undefined> {
  const at = await listen('sse')
  const headers = { authorization: auth, accept: 'text/event-stream' }
  const signal = AbortSignal.timeout(listenMs)
  const answer = await fetch(`http://${at}/v1/tasks/${api.victim}/events`, { headers, signal })
  expect(answer.status).toBe(200)
  try {
    for await (const _ of answer.body!) continue
    return Date.now()
  } catch {
    return undefined
  }
}

/** When exactly is shown with fake timers, below: a machine that has other work needs time to tell. */
const busyMs = 3_000

test('a stream ends with its token', async () => {
  const exp = epoch(2)
  const endedAt = await streamFor(await briefly(2), 5_000)
  expect(endedAt! - exp * 1000).toBeGreaterThanOrEqual(-50)
  expect(endedAt! - exp * 1000).toBeLessThan(busyMs)
})

test('a stream whose token lasts goes on', async () => {
  expect(await streamFor(api.ann, 1_500)).toBeUndefined()
})

test('a socket closes with 1008 with its token', async () => {
  const at = await listen('websocket')
  const exp = epoch(2)
  const socket = new WebSocket(`ws://${at}/v1/tasks/${api.victim}/ws`, { headers: { authorization: await briefly(2) } })
  await once(socket, 'open')
  socket.send('{"type":"hello","last_seq":0}')
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  expect([code, String(reason)]).toEqual([1008, 'the token has ended'])
  expect(Date.now() - exp * 1000).toBeLessThan(busyMs)
})

test('a client that does not say goodbye is cut', async () => {
  const at = await listen('websocket')
  const exp = epoch(1)
  const socket = new WebSocket(`ws://${at}/v1/tasks/${api.victim}/ws`, { headers: { authorization: await briefly(1) } })
  await once(socket, 'open')
  socket.send('{"type":"hello","last_seq":0}')
  await once(socket, 'message')
  // It reads nothing more, and so never answers the close.
  socket.pause()
  const sockets = () => new Promise<number>((resolve) => server!.getConnections((_, count) => resolve(count)))
  await vi.waitFor(async () => expect(await sockets()).toBe(0), { timeout: 8_000, interval: 50 })
  expect(Date.now()).toBeGreaterThanOrEqual(exp * 1000)
  socket.terminate()
})

describe('whenTokenEnds', () => {
  afterEach(() => vi.useRealTimers())
  const acts = (expiresAt: number, endsAt: number): number[] => {
    vi.useFakeTimers({ now: 100_000 })
    const at: number[] = []
    const caller = { principal: 'ann', scopes: 'all', expiresAt, endsAt } as const
    whenTokenEnds(caller, () => at.push(Date.now()))
    vi.advanceTimersByTime(60_000)
    return at
  }

  test('is its exp, once', () => {
    expect(acts(103_000, 108_000)).toEqual([103_000])
  })

  test('is the end of what clocks may differ by, for one that is taken after its exp', () => {
    expect(acts(99_000, 104_000)).toEqual([104_000])
    expect(acts(94_000, 99_000)).toEqual([100_000])
  })

  test('never comes where a token has none, and not after it was given up', () => {
    expect(acts(Infinity, Infinity)).toEqual([])
    vi.useFakeTimers({ now: 100_000 })
    const act = vi.fn<() => void>()
    whenTokenEnds({ principal: 'ann', scopes: 'all', expiresAt: 101_000, endsAt: 106_000 }, act)[Symbol.dispose]()
    vi.advanceTimersByTime(60_000)
    expect(act).not.toHaveBeenCalled()
  })
})
