import { once } from 'node:events'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FilterSpec } from '../../../harness/model/link.ts'
import { filterLink, isolateNode } from '../../../harness/runtimes/docker/network/filter.ts'
import type { Packets } from '../../../harness/runtimes/docker/network/packets.ts'

const host = '127.0.0.1'
const servers: Server[] = []
let open: number
let closed: number

/** One port that is listened on, and one that no process has. */
beforeAll(async () => {
  const ports = await Promise.all(
    [0, 1].map(async () => {
      const server = createServer((socket) => socket.on('error', () => {})).listen(0, host)
      servers.push(server)
      await once(server, 'listening')
      return (server.address() as AddressInfo).port
    }),
  )
  ;[open, closed] = ports as [number, number]
  servers[1]!.close()
})
afterAll(() => servers[0]!.close())

/** A packet filter that takes every rule and changes nothing. */
function packetsWith(counts: Readonly<Record<string, number>> = {}, isKept = true) {
  const scripts: string[] = []
  const setsOf = (script: string): string[] => [...script.matchAll(/\blive0_\w+/g)].map(([name]) => name)
  const packets: Packets = {
    table: 't',
    run: async (script) => void scripts.push(script),
    read: async () => ({
      counters: new Map(Object.entries(counts)),
      filled: new Set(isKept ? scripts.flatMap(setsOf) : []),
    }),
  }
  return { packets, scripts }
}

const linkTo = (port: number) => ({ mark: 3, port, virtual: '10.0.0.9', target: '10.0.0.2:80' })
const rule = (over: Partial<FilterSpec> = {}): FilterSpec => {
  const common = {
    name: 'it',
    seed: 1,
    expiresMs: 1000,
    direction: 'both',
    connections: 'all',
    probability: 1,
  } as const
  return { ...common, action: 'reset', ...over }
}

describe('a rule on a link', () => {
  test('is in force when a trial connection meets what it should; its counts are those of its own counters', async () => {
    const { packets } = packetsWith({ hits_it_3: 7, told_it_3: 2, hits_other_3: 90 })
    const made = await filterLink({ packets, host }, linkTo(closed), rule())
    expect(made.evidence).toEqual({ rule: 'it_3', canary: 'ECONNREFUSED' })
    expect(made.sinceMs).toBeGreaterThan(0)
    expect(await made.firings()).toBe(7)
    expect(await made.counts!()).toEqual({ packets: 7, endsTold: 2, canary: 'ECONNREFUSED' })
    expect(await made.listed()).toBe(true)
  })

  test('that a trial connection does not feel is taken back', async () => {
    const { packets, scripts } = packetsWith()
    await expect(filterLink({ packets, host }, linkTo(open), rule())).rejects.toThrow(
      /trial connection met "connected"/,
    )
    expect(scripts).toHaveLength(2)
  })

  test('that the kernel does not keep is taken back; one for a share of connections is read back alone', async () => {
    const lost = packetsWith({}, false)
    await expect(filterLink({ packets: lost.packets, host }, linkTo(closed), rule())).rejects.toThrow(
      /trial connection/,
    )
    const { packets } = packetsWith()
    const made = await filterLink({ packets, host }, linkTo(open), rule({ probability: 0.5 }))
    expect(made.evidence).toMatchObject({ canary: 'not tried: only a share of connections' })
  })

  test('is healed once', async () => {
    const { packets, scripts } = packetsWith()
    const made = await filterLink({ packets, host }, linkTo(closed), rule())
    await Promise.all([made.heal(), made.heal()])
    expect(scripts).toHaveLength(2)
  })
})

test('a rule that forgets the silent counts no firing before it could', async () => {
  const { packets } = packetsWith({ seen_it_3: 4, hits_it_3: 1, told_it_3: 0 })
  const made = await filterLink({ packets, host }, linkTo(open), rule({ action: 'drop', idleMs: 60_000 }))
  expect(await made.firings()).toBe(0)
  expect(await made.listed()).toBe(true)
  const canary = 'not yet idle for long enough'
  expect(await made.counts!()).toEqual({ connections: 4, packets: 1, endsTold: 0, canary })
  await made.heal()
})

describe('a node that is cut off', () => {
  const node = { name: 'api-0', address: '10.0.0.2' }
  const cut = { name: 'it', from: 'all', expiresMs: 1000 } as const

  test('is tried only over a link that leads to it, which must be silent', async () => {
    const { packets } = packetsWith({ hits_it_api_0: 5, ends_it_api_0: 1, told_it_api_0: 2 })
    const made = await isolateNode({ packets, host }, node, { dialled: 'all', whole: [] }, cut)
    expect(made.evidence).toMatchObject({ canary: 'not tried: nobody dials it here' })
    expect(Object.keys(await made.counts!())).toEqual(['dropped', 'endsSwallowed', 'endsTold', 'canary'])
    const loud = isolateNode({ packets, host }, node, { dialled: 'all', whole: [linkTo(open)] }, cut)
    await expect(loud).rejects.toThrow(/trial connection met "connected"/)
  })

  test('from a role that has no connection with it cannot be', async () => {
    const { packets } = packetsWith()
    const none = isolateNode({ packets, host }, node, { dialled: [], whole: [] }, { ...cut, from: 'store' })
    await expect(none).rejects.toThrow('api-0 has no connection with any store')
  })
})
