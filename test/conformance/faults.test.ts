import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { discover } from '../../harness/core/discover.ts'
import type { Deployment, Runtime } from '../../harness/model/runtime.ts'
import type { Fault, FaultSite } from '../../harness/model/fault.ts'
import { type OpenCallback } from '../../harness/run/inbox.ts'
import type { Task } from '../../patterns/contract/types/task.ts'
import { endpointKey } from '../../patterns/deliveries/webhook-retry/keys.ts'
import { openMessage } from '../../patterns/deliveries/webhook-retry/message.ts'
import { deployForTest, runtimes, type TestDeployment, until } from '../support/deployment.ts'

const faults = await discover<Fault>(new URL('../../harness/faults/', import.meta.url))

/** Small enough for a test, where a fault has such a parameter. */
const quick = { delayMs: 50, idleMs: 200, graceMs: 5000, upMs: 50, gapMs: 50, afterMs: 50, holdMs: 500 }

for (const runtime of runtimes.values()) {
  const reason = await runtime.probe()
  if (reason) console.log(`faults on runtime ${runtime.name} skipped: ${reason}`)
  describe.skipIf(reason !== undefined)(`on runtime ${runtime.name}`, () => conformance(runtime))
}

function conformance(runtime: Runtime): void {
  let test: TestDeployment
  beforeAll(async () => {
    test = await deployForTest(runtime, {
      edge: runtime.offers.includes('edge'),
      spares: { api: { ahead: 1, inAll: 9 } },
    })
  })
  afterAll(() => test[Symbol.asyncDispose]())

  const offered = [...faults.values()].filter(({ needs }) => needs.every((need) => runtime.offers.includes(need)))
  describe.each(offered)('fault $name', (fault) => {
    const params = fault.params.parse(quick)

    it('is proven under traffic, heals, and heals twice', async () => {
      const site = siteFor(fault, test)
      await using traffic = knock(site, test)
      await until(() => traffic.answered() > 0)
      const active = await fault.arm(site, params, new AbortController().signal)
      try {
        await new Promise((resolve) => setTimeout(resolve, 600))
        // Some take their time, as a node that has to come back before it can crash again.
        await until(async () => (await active.prove()).state === 'proven')
        const proof = await active.prove()
        expect(proof).toMatchObject({ state: 'proven' })
        expect(proof.firings).toBeGreaterThan(0)
      } finally {
        await active.heal()
      }
      await active.heal()
      const before = traffic.answered()
      await until(() => traffic.answered() > before)
    })

    if (fault.acts === 'link') {
      it('does not claim a proof when nothing met it', async () => {
        const active = await fault.arm(quietSite(fault, test), params, new AbortController().signal)
        try {
          expect(await active.prove()).toMatchObject({ state: 'unexercised', firings: 0 })
        } finally {
          await active.heal()
        }
      })

      it('does not claim a proof when only pooled connections stood there, between two requests', async () => {
        const site = quietSite(fault, test)
        await using pool = await openPool(site)
        const active = await fault.arm(site, params, new AbortController().signal)
        try {
          await new Promise((resolve) => setTimeout(resolve, 500))
          expect(pool.size).toBeGreaterThan(0)
          expect(await active.prove()).toMatchObject({ state: 'unexercised' })
        } finally {
          await active.heal()
        }
      })
    }

    if (fault.needs.includes('isolate'))
      it('is met by a trial connection, which proves nothing by itself', async () => {
        // Nobody else talks to this one: what is still closing on the other would be counted.
        const node = test.deployment.nodes.find(({ name }) => name === 'api-1')!
        const site = { ...siteFor(fault, test), nodes: [node] }
        const active = await fault.arm(site, params, new AbortController().signal)
        try {
          expect(Object.values(active.evidence)).toEqual([expect.objectContaining({ canary: 'silence' })])
          if (fault.name === 'partition')
            expect(await active.prove()).toMatchObject({ state: 'unexercised', firings: 0 })
        } finally {
          await active.heal()
        }
      })

    if (fault.name === 'idle-nat')
      it('does not claim that anybody was forgotten before anybody could be', async () => {
        const site = siteFor(fault, test)
        await using traffic = knock(site, test)
        await until(() => traffic.answered() > 0)
        const patient = fault.params.parse({ idleMs: 60_000 })
        const active = await fault.arm(site, patient, new AbortController().signal)
        try {
          const before = traffic.answered()
          await until(() => traffic.answered() > before + 3)
          expect(await active.prove()).toMatchObject({ state: 'unexercised', firings: 0 })
        } finally {
          await active.heal()
        }
      })

    it('leaves nothing behind when it is aborted while arming', async () => {
      const site = siteFor(fault, test)
      await expect(fault.arm(site, params, AbortSignal.abort())).rejects.toThrow()
      await using traffic = knock(site, test)
      await until(() => traffic.answered() > 0)
    })
  })
}

function siteFor(fault: Fault, { deployment: { nodes, links }, receiver }: TestDeployment): FaultSite {
  const kind = fault.links?.[0] ?? 'client->api'
  const link = links.find((one) => one.kind === kind)!
  const node = nodes.find(({ name }) => name === 'api-0')!
  const at = fault.acts === 'node' ? { nodes: [node], links: [] } : { nodes: [], links: [link] }
  return { id: 'test#1', seed: 1, windowMs: 10_000, callbacks: receiver.path, ...at }
}

/** A link that no test sends anything through: a connection that is still closing would be something to meet. */
function quietSite(fault: Fault, { deployment, receiver }: TestDeployment): FaultSite {
  const kind = fault.links?.[0] ?? 'client->api'
  const links = [deployment.links.findLast((one) => one.kind === kind)!]
  return { id: 'test#1', seed: 1, windowMs: 10_000, nodes: [], links, callbacks: receiver.path }
}

/** Connections that had an answer and wait for the next request. */
async function openPool({ links }: FaultSite): Promise<AsyncDisposable & { readonly size: number }> {
  const { hostname, port } = new URL(links[0]!.url)
  const sockets = await Promise.all(
    [1, 2].map(async () => {
      const socket = connect({ host: hostname, port: Number(port) }).on('error', () => {})
      socket.write('GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n')
      await once(socket, 'data')
      return socket
    }),
  )
  // The last bytes of the answer are through as well.
  await new Promise((resolve) => setTimeout(resolve, 50))
  return {
    size: sockets.length,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
    },
  }
}

interface Traffic extends AsyncDisposable {
  readonly answered: () => number
}

/** Something for every fault to meet. */
function knock(site: FaultSite, test: TestDeployment): Traffic {
  return site.links[0]?.kind === 'sender->receiver' ? callBack(site.links[0].url, test) : dial(site, test.deployment)
}

/** Signed callbacks all the time, of one job after the other, to a receiver that believes no other; and its own connections. */
function callBack(url: string, { deployment, notify, receiver }: TestDeployment): Traffic {
  const over = new AbortController()
  const [keys, plain] = [[endpointKey('a-token-for-tests-only')], { url, name: 'sender->receiver' }]
  const dialled = dial({ links: [plain], nodes: [] } as unknown as FaultSite, deployment)
  let [job, answered] = [0, 0]
  const underWay = new Set<Promise<void>>()
  const post = async (name: string): Promise<void> => {
    const { status } = await notify({ task: endedTask(name), url: `${url}/callbacks/${name}`, earlier: [] })
    if (status === 204) answered++
  }
  const timer = setInterval(() => {
    const name = `called-${++job}`
    const open: OpenCallback = (request) => openMessage(request, keys, request.receivedAtS).task
    receiver.wait(name, over.signal, open).catch(() => {})
    const posted = post(name).finally(() => underWay.delete(posted))
    underWay.add(posted)
  }, 25)
  return {
    answered: () => (answered === 0 ? 0 : dialled.answered()),
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      // The next test may take this link for a quiet one.
      await Promise.allSettled(underWay)
      over.abort()
      await dialled[Symbol.asyncDispose]()
    },
  }
}

function endedTask(name: string): Task {
  const input = { seed: 1, profile: 'smoke', job: name }
  const state = { status: 'completed', version: 5, attempt: 1, updated_at: new Date().toISOString() }
  return {
    task_id: `task_${name}`,
    type: 'agent',
    input,
    ...state,
    result: { digest: 'd', steps: 3 },
  } as unknown as Task
}

/** New connections all the time, each with a request and, with a silence in it, another one: something for every fault to meet. */
function dial(site: FaultSite, deployment: Deployment): Traffic {
  // A node is met through its link, where faults are that cut it off.
  const through = deployment.links.filter(({ name }) => site.nodes.some((node) => name === `client->${node.name}`))
  const { hostname, port } = new URL([...through, ...site.nodes, ...site.links][0]!.url)
  const sockets = new Set<Socket>()
  let answered = 0
  const timer = setInterval(() => {
    const socket = connect({ host: hostname, port: Number(port) })
    sockets.add(socket)
    socket
      .on('connect', () => socket.write('GET /healthz HTTP/1.1\r\nhost: test\r\n\r\n'))
      .on('data', () => answered++)
      .on('error', () => {})
      .on('close', () => sockets.delete(socket))
    // The second one takes its time: a fault that meets nothing but idle connections has not been felt.
    setTimeout(() => socket.write('GET /healthz HTTP/1.1\r\n'), 20)
    setTimeout(() => socket.write('host: test\r\n\r\n'), 700)
    setTimeout(() => socket.destroy(), 1500)
  }, 25)
  return {
    answered: () => answered,
    [Symbol.asyncDispose]: async () => {
      clearInterval(timer)
      // The kernel goes on sending what a socket that is merely closed has written: into the next test.
      for (const socket of sockets) socket[socket.connecting ? 'destroy' : 'resetAndDestroy']()
    },
  }
}
