import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { RunJob } from '../../patterns/contract/client/client.ts'
import { startWireProxy } from '../support/unkind-wire.ts'
import { startApiNode, type ApiNode } from './support/api-node.ts'
import { jobFor, portsFor } from './support/client-ports.ts'
import { legalWires, oddWires } from './support/legal-wires.ts'

vi.setConfig({ maxConcurrency: 10, testTimeout: 60_000 })

/** The client waits for an answer for longer than a busy machine takes: 4 s. */
const patientScale = 10

const deliveries = ['polling', 'sse', 'sse-polling', 'sync', 'websocket'] as const
const nodes = new Map<string, ApiNode>()
beforeAll(async () => {
  for (const name of deliveries) nodes.set(name, await startApiNode(name))
})
afterAll(() => Promise.all([...nodes.values()].map((node) => node[Symbol.asyncDispose]())))

describe.concurrent.each(deliveries)('the client of %s', (name) => {
  test.each([...legalWires, ...oddWires])('bears $name', async ({ name: what, wire }) => {
    await using proxy = await startWireProxy(nodes.get(name)!.url, wire)
    const { default: runJob } = (await import(`../../patterns/deliveries/${name}/client.ts`)) as { default: RunJob }
    const ports = portsFor([proxy.url], { timeScale: patientScale })
    const { task } = await runJob(
      jobFor(`${name}: ${what}`.replaceAll(' ', '_'), 1),
      ports,
      AbortSignal.timeout(50_000),
    )
    expect(task.status).toBe('completed')
    // Nothing had to be tried again.
    const failed = ports.log.filter((seen) => 'type' in seen && (seen.type === 'fail' || seen.type === 'info'))
    expect(failed).toEqual([])
    const opened = ports.log.filter((seen) => seen.f === 'stream' && seen.value.state === 'open')
    expect(opened.length).toBeLessThanOrEqual(1)
  })
})
