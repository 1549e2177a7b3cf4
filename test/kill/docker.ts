import { readdirSync } from 'node:fs'
import Dockerode from 'dockerode'
import { run } from '../support/programs.ts'

/** Containers, networks, volumes, network namespaces and tables of the packet filter that have this in their names. */
export async function dockerThings(name: string): Promise<readonly string[]> {
  const engine = new Dockerode()
  const [containers, networks, { Volumes }] = await Promise.all([
    engine.listContainers({ all: true }),
    engine.listNetworks(),
    engine.listVolumes(),
  ])
  const found = [
    ...containers.map(({ Names }) => `container ${Names[0]}`),
    ...networks.map(({ Name }) => `network ${Name}`),
    ...(Volumes ?? []).map((volume) => `volume ${volume.Name}`),
    ...namespaces().map((one) => `network namespace ${one}`),
    ...(await tables()),
  ]
  // A table's name may have no hyphen.
  return found.filter((one) => one.replaceAll('_', '-').includes(name))
}

function namespaces(): readonly string[] {
  try {
    return readdirSync('/run/netns')
  } catch {
    return []
  }
}

async function tables(): Promise<readonly string[]> {
  const listing = await run('nft', ['list', 'tables']).catch(() => ({ stdout: '' }))
  return listing.stdout.split('\n').filter((line) => line !== '')
}
