import { readFile } from 'node:fs/promises'
import Dockerode from 'dockerode'
import { describe, expect, it } from 'vitest'
import { deployForTest, runtimes } from '../support/deployment.ts'

const docker = runtimes.get('docker')!
const reason = await docker.probe()
if (reason) console.log(`what containers may do skipped: ${reason}`)

interface Confined {
  readonly name: string
  readonly dropped: readonly string[]
  readonly options: readonly string[]
  readonly isPrivileged: boolean
  readonly user: string
  readonly isReadOnly: boolean
  readonly ports: object
  /** Of its first process, as the kernel says. */
  readonly capabilities: bigint
  readonly mayGainMore: boolean
}

/** Every container of this test's own run. */
async function inspectAll(): Promise<ReadonlyMap<string, Confined>> {
  const engine = new Dockerode()
  const listed = await engine.listContainers({ filters: { label: ['outlast.run'] } })
  const own = listed.filter(({ Labels }) => Labels['outlast.run']?.startsWith(`test-${process.pid}-`))
  const found = await Promise.all(own.map(({ Id }) => inspectOne(engine, Id)))
  return new Map(found.map((one) => [one.name, one]))
}

async function inspectOne(engine: Dockerode, id: string): Promise<Confined> {
  const { Name, HostConfig, Config, State } = await engine.getContainer(id).inspect()
  const status = await readFile(`/proc/${State.Pid}/status`, 'utf8')
  return {
    name: Name.replace(/^.*-test-/, ''),
    dropped: HostConfig.CapDrop ?? [],
    options: HostConfig.SecurityOpt ?? [],
    isPrivileged: HostConfig.Privileged ?? false,
    user: Config.User,
    isReadOnly: HostConfig.ReadonlyRootfs ?? false,
    ports: HostConfig.PortBindings ?? {},
    capabilities: BigInt(`0x${/^CapEff:\s*(\w+)$/m.exec(status)![1]}`),
    mayGainMore: !/^NoNewPrivs:\s*1$/m.test(status),
  }
}

const netAdmin = 1n << 12n

describe.skipIf(reason !== undefined)('containers of a cell', () => {
  it.each([
    { engine: 'postgres', edge: true, store: 'postgres', closed: ['api-0', 'worker-0', 'store-0', 'links', 'router'] },
    { engine: 'queue-redis', edge: false, store: 'redis', closed: ['api-0', 'worker-0', 'links', 'router'] },
    { engine: 'restate', edge: false, store: undefined, closed: ['api-0', 'worker-0', 'links', 'router'] },
  ])('of $engine have no capability, can gain none, and are no more root than they must be', async (of) => {
    await using _deployed = await deployForTest(docker, { engine: of.engine, edge: of.edge })
    const all = await inspectAll()
    expect([...all.keys()]).toEqual(expect.arrayContaining([...of.closed, ...(of.edge ? ['edge'] : [])]))
    for (const [name, one] of all) {
      const allowed = name === 'router' ? netAdmin : 0n
      expect({ name, capabilities: one.capabilities & ~allowed }).toEqual({ name, capabilities: 0n })
      expect(one).toMatchObject({ dropped: ['ALL'], isPrivileged: false, mayGainMore: false, ports: {} })
      expect(one.options).toContain('no-new-privileges')
    }
    for (const name of of.closed) expect(all.get(name)).toMatchObject({ name, isReadOnly: true })
    if (of.store !== undefined) expect(all.get('store-0')).toMatchObject({ user: of.store })
  })
})
