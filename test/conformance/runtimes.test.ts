import { request } from 'undici'
import { describe, expect, it } from 'vitest'
import type { Runtime } from '../../harness/core/types.ts'
import { deployForTest, runtimes, until } from '../support/deployment.ts'

const answers = async (url: string): Promise<boolean> => {
  try {
    const response = await request(`${url}/healthz`, { reset: true, headersTimeout: 500 })
    await response.body.dump()
    return response.statusCode === 200
  } catch {
    return false
  }
}

for (const runtime of runtimes.values()) {
  const reason = await runtime.probe()
  if (reason) console.log(`runtime ${runtime.name} skipped: ${reason}`)
  describe.skipIf(reason !== undefined)(`runtime ${runtime.name}`, () => conformance(runtime))
}

function conformance(runtime: Runtime): void {
  it('gives every node a name and an address, and every connection a link', async () => {
    await using test = await deployForTest(runtime)
    const { nodes, links } = test.deployment
    expect(nodes.map(({ name }) => name).toSorted()).toContain('api-1')
    expect(links.map(({ name }) => name)).toEqual(expect.arrayContaining(['client->api-0', 'client->api-1']))
    expect(links.map(({ kind }) => kind)).toEqual(expect.arrayContaining(['worker->tools', 'sender->receiver']))
    for (const { url } of [...nodes, ...links.filter(({ kind }) => kind === 'client->api')])
      expect(await answers(url)).toBe(true)
    expect(test.deployment.ailing()).toBeUndefined()
  })

  it('leads straight to nodes where it is asked to, and says that nothing can be done to such a link', async () => {
    await using test = await deployForTest(runtime, { direct: true })
    const { nodes, links } = test.deployment
    const link = links.find(({ name }) => name === 'client->api-0')!
    expect(await answers(link.url)).toBe(true)
    expect(new URL(link.url).host).toBe(new URL(nodes.find(({ name }) => name === 'api-0')!.url).host)
    const toxic = { name: 'x', type: 'latency', stream: 'upstream', toxicity: 1, attributes: { latency: 1 } } as const
    await expect(link.impair(toxic, { seed: 1, expiresMs: 1000 })).rejects.toThrow(/leads straight/)
  })

  it.runIf(runtime.offers.includes('kill'))('kills a node for certain, and heals it as another process', async () => {
    await using test = await deployForTest(runtime)
    const node = test.deployment.nodes.find(({ name }) => name === 'api-0')!
    const { pid } = node
    const harm = await node.kill()
    expect(harm.evidence).toMatchObject({ signal: 'SIGKILL', pid })
    expect(await answers(node.url)).toBe(false)
    expect(test.deployment.ailing()).toContain('api-0')
    await Promise.all([harm.heal(), harm.heal()])
    expect(await answers(node.url)).toBe(true)
    expect(node.pid).not.toBe(pid)
    expect(test.events.filter(({ node: name }) => name === 'api-0').map(({ state }) => state)).toEqual([
      'ready',
      'exited',
      'ready',
    ])
  })

  it.runIf(runtime.offers.includes('stop'))('stops a node with grace, and says whether it drained', async () => {
    await using test = await deployForTest(runtime)
    const node = test.deployment.nodes[0]!
    const harm = await node.stop(10_000)
    expect(harm.evidence).toMatchObject({ drained: true })
    expect(await answers(node.url)).toBe(false)
    await harm.heal()
    expect(await answers(node.url)).toBe(true)
  })

  it.runIf(runtime.offers.includes('pause'))('pauses a node, and the same process goes on', async () => {
    await using test = await deployForTest(runtime)
    const node = test.deployment.nodes[0]!
    const { pid } = node
    const harm = await node.pause()
    expect(['T', 'frozen']).toContain(harm.evidence['state'])
    expect(await answers(node.url)).toBe(false)
    await harm.heal()
    await harm.heal()
    await until(() => answers(node.url))
    expect(node.pid).toBe(pid)
  })

  it('starts a node again that ends by itself, as an orchestrator would', async () => {
    await using test = await deployForTest(runtime)
    const node = test.deployment.nodes[0]!
    expect(await node.crash()).toMatchObject({ signal: 'SIGKILL' })
    await until(() => test.events.some(({ state }) => state === 'crashed'))
    await until(() => answers(node.url))
    expect(test.deployment.ailing()).toBeUndefined()
  })

  it('refuses to harm a node that is down, so that no fault is claimed twice', async () => {
    await using test = await deployForTest(runtime)
    const node = test.deployment.nodes[0]!
    await node.kill()
    await expect(node.kill()).rejects.toThrow(/not running/)
  })

  it('leaves nothing when disposed, whatever was killed or paused', async () => {
    const test = await deployForTest(runtime)
    const { alive, deployment } = test
    expect(await alive()).toBe(true)
    await deployment.nodes[0]!.kill()
    await deployment.nodes[1]!.pause()
    await test[Symbol.asyncDispose]()
    expect(await alive()).toBe(false)
    expect(await answers(deployment.nodes[0]!.url)).toBe(false)
  })
}
