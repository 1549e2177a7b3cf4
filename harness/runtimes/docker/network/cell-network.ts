import type { Network } from 'dockerode'

/** A cell's private network: no way in or out but this machine. */
export interface CellNetwork extends AsyncDisposable {
  readonly name: string
  readonly subnet: string
  /** This machine's address in it. */
  readonly gateway: string
  address(n: number): string
}

/** One at a time: two that are made at once could be given the same subnet, see below. */
let last: Promise<unknown> = Promise.resolve()

/** Make the network. Docker allows chosen addresses only in a chosen subnet, so a first network finds a free one. */
export function createNetwork(name: string, labels: Readonly<Record<string, string>>): Promise<CellNetwork> {
  const made = last.then(() => create(name, labels))
  last = made.catch(() => {})
  return made
}

async function create(name: string, labels: Readonly<Record<string, string>>): Promise<CellNetwork> {
  const { getContainerRuntimeClient } = await import('testcontainers')
  const { network: client } = await getContainerRuntimeClient()
  const common = { Name: name, Driver: 'bridge', Internal: true, CheckDuplicate: true, Labels: { ...labels } }
  const trial = await client.create(common)
  const [found] = ((await trial.inspect()) as { IPAM: { Config: { Subnet: string; Gateway?: string }[] } }).IPAM.Config
  await trial.remove()
  const { Subnet: subnet } = found!
  const base = toNumber(subnet.split('/')[0]!)
  const gateway = toAddress(base + 1)
  const network = await client.create({
    ...common,
    IPAM: { Driver: 'default', Config: [{ Subnet: subnet, Gateway: gateway }] },
  })
  return {
    name,
    subnet,
    gateway,
    address: (n) => toAddress(base + n),
    [Symbol.asyncDispose]: () => removeNetwork(network),
  }
}

async function removeNetwork(network: Network): Promise<void> {
  await network.remove().catch((error: { statusCode?: number }) => {
    if (error.statusCode !== 404) throw error
  })
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0)
}

function toAddress(number: number): string {
  return [24, 16, 8, 0].map((shift) => (number >>> shift) & 255).join('.')
}
