import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { describe, expect, it, test } from 'vitest'
import { leftBehindBy, type Leftover, listLeftovers } from '../../../harness/cleanup/supervise.ts'
import { stateOf } from '../../../harness/cleanup/leftovers.ts'

const run = '123-abc'
const left = (after: readonly Leftover[], before: readonly Leftover[] = []) => leftBehindBy(run, before, after)

describe('the difference that a run made', () => {
  it.each<Leftover>([
    { kind: 'process', name: '7: postgres', run },
    { kind: 'listener on port', name: '20001', run },
    { kind: 'container', name: 'outlast-123-abc-cell-api-0', run },
    { kind: 'volume', name: 'outlast-123-abc-data' },
    { kind: 'nft table', name: 'outlast_123_abc' },
    { kind: 'network namespace', name: 'outlast-123-abc-router' },
    { kind: 'temporary folder', name: 'outlast-123-abc' },
  ])('is told: $kind $name', (one) => {
    expect(left([one])).toEqual([`${one.kind} ${one.name}`])
  })

  it('is told where a runtime cannot be asked what it keeps: that is not nothing', async () => {
    const mute = { name: 'mute', resources: () => Promise.reject(new Error('gone')), sweep: async () => [] }
    const after = await listLeftovers(run, [mute])
    expect(left(after)).toContain('what runtime mute keeps: it cannot be asked: gone')
    expect(left(after, after)).toEqual([])
  })

  it('is not what was there before', () => {
    const table = { kind: 'nft table', name: 'outlast_123_abc' }
    expect(left([table], [table])).toEqual([])
  })

  it('is not what went meanwhile', () => {
    expect(left([], [{ kind: 'container', name: 'theirs' }])).toEqual([])
  })

  it.each<Leftover>([
    { kind: 'container', name: 'web-1' },
    { kind: 'container', name: 'outlast-9-xyz-api-0', run: '9-xyz' },
    { kind: 'container', name: 'outlast-123-abc-api-0', run: '9-xyz' },
    { kind: 'nft table', name: 'outlast_9_xyz' },
    { kind: 'nft table', name: 'filter' },
    { kind: 'nft table', name: 'outlast_123_abcd' },
    { kind: 'temporary folder', name: 'outlast-123-abcd' },
    { kind: 'network namespace', name: 'blue' },
  ])('is not what came meanwhile and is not of this run: $kind $name', (one) => {
    expect(left([one])).toEqual([])
  })
})

test('taking stock sees a port on which this process listens, and what a runtime keeps', async () => {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const kept = { kind: 'volume', name: 'outlast-123-abc-data', run } as const
  const stock = await listLeftovers(run, [{ name: 'one', resources: async () => [kept], sweep: async () => [] }])
  expect(left(stock)).toEqual(expect.arrayContaining(['volume outlast-123-abc-data']))
  if (process.platform === 'linux')
    expect(left(stock)).toContain(`listener on port ${(server.address() as AddressInfo).port}`)
  server.close()
})

describe('a run', () => {
  const owner = { pid: 1, startTicks: '', place: '' }
  it.each([
    [[true], 'alive'],
    [[false, true], 'alive'],
    [[undefined, true], 'alive'],
    [[false, false], 'dead'],
    [[false, undefined], 'unclear'],
    [[], 'unclear'],
  ] as const)('whose owners live: %j, is %s', (answers, state) => {
    const rest = [...answers]
    expect(
      stateOf(
        answers.map(() => owner),
        () => rest.shift(),
      ),
    ).toBe(state)
  })
})
