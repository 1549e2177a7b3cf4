import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Agent } from 'undici'
import { describe, expect, test } from 'vitest'
import { createdEvent } from '../../../patterns/contract/engine/log.ts'
import { planTask } from '../../../patterns/agent/plan.ts'
import type { ClientPorts, RunJob } from '../../../patterns/contract/client/client.ts'
import { loadModule } from '../../../patterns/contract/server/plugins.ts'
import { foldEvents } from '../../../patterns/contract/types/fold.ts'
import { monotonicMs, sleep, timeLimit } from '../../../patterns/contract/types/timer.ts'

const input = { seed: 1, profile: 'smoke', job: 'j' }
const timeScale = 1000
const queued = foldEvents([createdEvent('task_1', { type: 'agent', input }, planTask(input, timeScale), new Date(0))])
const traceparent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}-01`

/** They wait for the answer, or a callback, and ask nothing more. */
const submitsOnly = new Set(['sync', 'webhook'])

/** What a delivery's client sends while a server takes the task and then knows nothing: the method, and the traceparent. */
async function askedBy(delivery: string, job: { readonly traceparent?: string }) {
  const asked: (readonly [string, string | undefined])[] = []
  const seen = new AbortController()
  const note = ({ method, headers }: IncomingMessage): void => {
    asked.push([method!, headers['traceparent'] as string | undefined])
    if (method === 'GET' || submitsOnly.has(delivery)) setTimeout(() => seen.abort(), 50)
  }
  const server = createServer((request, response) => {
    note(request)
    if (request.method !== 'POST') response.writeHead(503).end()
    else response.writeHead(202, { 'content-type': 'application/json' }).end(JSON.stringify(queued))
  })
  server.on('upgrade', (request, socket) => {
    note(request)
    socket.destroy()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const dispatcher = new Agent()
  const ports: ClientPorts = {
    apis: [{ name: 'api-0', url }],
    sticky: false,
    dispatcher,
    token: 't',
    timeScale,
    now: monotonicMs,
    random: () => 0.5,
    observe: () => {},
    inbox: { urlFor: () => 'http://127.0.0.1:9/', wait: (_, signal) => sleep(60_000, signal) as Promise<never> },
  }
  const { default: runJob } = await loadModule<{ default: RunJob }>(delivery, 'client')
  const limitMs = 8_000
  const whole = { key: 'k', ordinal: 0, input, giveUpAt: monotonicMs() + limitMs, ...job }
  await runJob(whole, ports, AbortSignal.any([seen.signal, timeLimit(limitMs)])).catch(() => {})
  await dispatcher.destroy()
  server.close().closeAllConnections()
  return asked
}

const folder = new URL('../../../patterns/deliveries/', import.meta.url)
const deliveries = (await readdir(folder, { withFileTypes: true })).flatMap((one) =>
  one.isDirectory() ? [one.name] : [],
)

describe.each(deliveries)('the client of %s', (delivery) => {
  test('says with each request which trace it belongs to', async () => {
    const asked = await askedBy(delivery, { traceparent })
    expect(asked.length).toBeGreaterThan(0)
    expect(asked.filter(([, sent]) => sent !== traceparent)).toEqual([])
    expect(asked.some(([method]) => method === 'GET')).toBe(!submitsOnly.has(delivery))
  })

  test('says nothing of a trace where there is none', async () => {
    const asked = await askedBy(delivery, {})
    expect(asked.filter(([, sent]) => sent !== undefined)).toEqual([])
  })
})
