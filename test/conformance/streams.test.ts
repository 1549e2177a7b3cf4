import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { keepPort } from '../support/ports.ts'
import { loadDeliveryServer } from '../../patterns/contract/server/plugins.ts'
import type { RunJob } from '../../patterns/contract/client/client.ts'
import { listenWith, startApiNode, startServe, timeScale, timing, token } from './support/api-node.ts'
import { jobFor, portsFor, type RecordedPorts } from './support/client-ports.ts'
import { startCutter } from './support/cutter.ts'
import { startEndlessLog } from './support/endless-log.ts'
import { readEnd, requestBody, submit } from './support/http.ts'
import { closeServer, startToolServer } from './support/tool-server.ts'
import { rightAnswer } from '../support/tools.ts'
import { openSocket } from './support/websocket.ts'

// @alone: clients allow a handshake a part of a second at this scale.

const never = new AbortController().signal

// Each test has servers of its own, and waits for most of its ten seconds.
vi.setConfig({ maxConcurrency: 12 })

async function clientOf(delivery: string): Promise<RunJob> {
  return ((await import(`../../patterns/deliveries/${delivery}/client.ts`)) as { default: RunJob }).default
}

function longJob(key: string, seed: number) {
  return { ...jobFor(key, seed), input: { seed, profile: 'research-write', job: key } }
}

function streamStates(ports: RecordedPorts): string[] {
  return ports.log.flatMap((seen) => (seen.f === 'stream' ? [seen.value.state] : []))
}

function eventNumbers(ports: RecordedPorts): number[] {
  return ports.log.flatMap((seen) => (seen.f === 'event' ? [seen.value.seq] : []))
}

const everyEvent = Array.from({ length: 15 }, (_, i) => i + 1)

describe.concurrent.each([
  ['sse', /\/events/],
  ['websocket', /\/ws/],
])('%s, without a fallback', (delivery, requestLine) => {
  test('a cut stream is opened again where it broke, nothing twice, and never polls', async () => {
    await using node = await startApiNode(delivery)
    await using cutter = await startCutter(node.url)
    const ports = portsFor([cutter.url])
    const job = longJob('cut', 71)
    const running = (await clientOf(delivery))(job, ports, never)
    for (const seen of [3, 6]) {
      while (eventNumbers(ports).length < seen) await sleep(5)
      cutter.harm('cut', requestLine)
      while (streamStates(ports).at(-1) !== 'closed') await sleep(1)
      cutter.heal()
    }
    const { task, via } = await running
    expect([via, task.result!.digest]).toEqual(['stream', rightAnswer(job.input)])
    expect(task).toEqual(await readEnd(node.url, task.task_id))
    expect(eventNumbers(ports)).toEqual(everyEvent)
    expect(streamStates(ports).filter((state) => state === 'open')).toHaveLength(3)
    expect(ports.log.some(({ f }) => f === 'poll')).toBe(false)
  })

  test('a half-open connection is noticed by the watchdog and left', async () => {
    await using node = await startApiNode(delivery)
    await using cutter = await startCutter(node.url)
    const ports = portsFor([cutter.url])
    const job = longJob('silent', 72)
    const running = (await clientOf(delivery))(job, ports, never)
    while (eventNumbers(ports).length < 2) await sleep(5)
    cutter.harm('silence', requestLine)
    const began = performance.now()
    while (!streamStates(ports).includes('heartbeat-missed')) await sleep(5)
    expect(performance.now() - began).toBeLessThan(timing.watchdogMs + 500)
    cutter.heal()
    expect((await running).task.result!.digest).toBe(rightAnswer(job.input))
    expect(eventNumbers(ports)).toEqual(everyEvent)
    const states = streamStates(ports)
    expect(states.slice(0, 3)).toEqual(['open', 'heartbeat-missed', 'closed'])
    // The next connection may still have met the silence.
    expect(states.slice(3)).toContain('open')
  })

  test('when a node leaves, another replica goes on where it ended', async () => {
    await using node = await startApiNode(delivery)
    // A second API over the same tasks: what replicas of a shared log are.
    const half = await loadDeliveryServer(delivery)
    const listen = { host: '127.0.0.1', port: 0 }
    const settings = { node: 'api-1', listen, delivery, engine: 'memory', timeScale, tuning: 'default' as const, token }
    const drain = new AbortController()
    const app = half.routes(node.backend, settings, drain.signal)
    const second = await listenWith(app, settings, half.openSockets?.())
    const ports = portsFor([node.url, second.url], { sticky: false })
    const running = (await clientOf(delivery))(longJob('moved', 73), ports, never)
    while (eventNumbers(ports).length < 4) await sleep(5)
    node.drain.abort()
    const { via } = await running
    drain.abort()
    await closeServer(second.server)
    expect([via, eventNumbers(ports)]).toEqual(['stream', everyEvent])
    expect(streamStates(ports).filter((state) => state === 'open').length).toBeGreaterThan(1)
  })

  test('gives up with the reason of the signal and leaves no connection behind', async () => {
    await using node = await startApiNode(delivery)
    await using cutter = await startCutter(node.url)
    const ports = portsFor([cutter.url])
    const stop = new AbortController()
    const running = (await clientOf(delivery))(longJob('given-up', 74), ports, stop.signal)
    while (eventNumbers(ports).length === 0) await sleep(5)
    stop.abort(new Error('enough'))
    await expect(running).rejects.toThrow('enough')
    expect(streamStates(ports)).toEqual(['open', 'closed'])
  })
})

describe.concurrent('websocket', () => {
  test('a reader that takes nothing is cut, and holds no more than its socket', async () => {
    await using endless = await startEndlessLog('websocket')
    const { socket, closed } = await openSocket(`${endless.url}/v1/tasks/endless`)
    socket.pause()
    await endless.readerCut
    expect(endless.produced() * endless.eventBytes).toBeLessThan(64 * 2 ** 20)
    socket.resume()
    expect(await closed).toBe(1006)
  })

  test('SIGTERM: sockets are told that the node restarts, exit 0', async () => {
    await using tools = await startToolServer()
    await using api = await startServe('websocket', tools.url, await keepPort())
    const { json } = await submit(api.url, 'drain', requestBody(82))
    const { closed, events } = await openSocket(api.url + json.links.self)
    while (events.length === 0) await sleep(5)
    const exited = new Promise((resolve) => api.child.once('exit', (...how) => resolve(how)))
    api.child.kill('SIGTERM')
    expect(await closed).toBe(1012)
    expect(await exited).toEqual([0, null])
    expect(api.log()).toBe('')
  })
})
