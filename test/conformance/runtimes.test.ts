import { existsSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { request } from 'undici'
import { describe, expect, it } from 'vitest'
import type { Runtime } from '../../harness/model/runtime.ts'
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

  if (runtime.offers.includes('kill'))
    it('kills a node for certain, and heals it as another process', async () => {
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

  if (runtime.name === 'process')
    it('has a killed node back as a spare, which is then that node and no other', async () => {
      await using test = await deployForTest(runtime, {
        engine: 'postgres',
        spares: { api: { ahead: 1, inAll: 2 }, worker: { ahead: 1, inAll: 2 } },
      })
      const [api, worker] = ['api-1', 'worker-0'].map((name) =>
        test.deployment.nodes.find((node) => node.name === name)!,
      )
      expect(test.spares).toHaveLength(2)
      const harms = [await api!.kill('new'), await worker!.kill()]
      await Promise.all(harms.map((harm) => harm.heal()))
      expect(new Set([api!.pid, worker!.pid])).toEqual(new Set(test.spares.slice(0, 2)))
      const health = await request(`${api!.url}/healthz`, { reset: true })
      expect(await health.body.json()).toMatchObject({ node: 'api-1.1' })
      // What it says goes where the node's own words go, those of Node itself, too.
      expect(readlinkSync(`/proc/${api!.pid}/fd/2`)).toBe(join(test.folder, 'logs', 'api-1.log'))
      expect(readlinkSync(`/proc/${api!.pid}/fd/1`)).toBe(join(test.folder, 'logs', 'api-1.log'))
      // The token is in no argument, and each spare that was used has a successor.
      for (const pid of test.spares) expect(readFileSync(`/proc/${pid}/cmdline`, 'utf8')).not.toContain(test.token)
      await until(() => test.spares.length === 4)
      // One that ended by itself is no loss: the node starts from nothing.
      for (const pid of test.spares.slice(2)) process.kill(pid, 'SIGKILL')
      await until(() => test.spares.slice(2).every((pid) => !existsSync(`/proc/${pid}`)))
      expect(await worker!.crash()).toMatchObject({ signal: 'SIGKILL' })
      await until(() => answers(worker!.url))
      expect(test.spares).not.toContain(worker!.pid)
    })

  if (runtime.name === 'process')
    it('has a node back that is ready only once others have dialled it', async () => {
      await using test = await deployForTest(runtime, { engine: 'restate' })
      const worker = test.deployment.nodes.find(({ name }) => name === 'worker-0')!
      await (await worker.kill()).heal()
      expect(await answers(worker.url)).toBe(true)
    })

  if (runtime.name === 'process')
    it('ends its spares, also one that is only starting', async () => {
      const test = await deployForTest(runtime, { spares: { api: { ahead: 2, inAll: 3 } } })
      await (await test.deployment.nodes[0]!.kill()).heal()
      await test[Symbol.asyncDispose]()
      expect(await test.alive()).toBe(false)
    })

  if (runtime.offers.includes('stop'))
    it('stops a node with grace, and says whether it drained', async () => {
      await using test = await deployForTest(runtime)
      const node = test.deployment.nodes[0]!
      const harm = await node.stop(10_000)
      expect(harm.evidence).toMatchObject({ drained: true })
      expect(await answers(node.url)).toBe(false)
      await harm.heal()
      expect(await answers(node.url)).toBe(true)
    })

  if (runtime.offers.includes('pause'))
    it('pauses a node, and the same process goes on', async () => {
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
