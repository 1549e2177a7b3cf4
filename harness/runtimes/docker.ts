import type { Testbed, CellContext, Runtime } from '../model/runtime.ts'
import type { Service } from '../../patterns/contract/types/engine.ts'
import { currentRun } from '../os/label.ts'
import { serversOf } from './_shared/servers.ts'
import { namePrefix, ownerLabels, runLabelKey } from './docker/containers/labels.ts'
import { sweep, resources } from './docker/containers/sweep.ts'
import { describeEngine, whyNoEngine } from './docker/daemon.ts'
import { deploy } from './docker/deploy.ts'
import { resolveImages, whyNoImages } from './docker/images/resolve.ts'
import { createNetwork } from './docker/network/cell-network.ts'

/**
 * Every node in a container of its own on a private network, every connection through a namespace with a real Toxiproxy and
 * a packet filter. Needs a Docker Engine on this very machine: the harness dials containers by their addresses.
 */
const runtime: Runtime = {
  name: 'docker',
  summary: 'a container per node on a private network, links through a real Toxiproxy and a packet filter',
  offers: ['kill', 'stop', 'pause', 'isolate', 'limits', 'toxics', 'stall', 'refuse', 'packet-filter', 'edge'],
  probe: whyNoEngine,
  whyNot,
  describe: describeEngine,
  open,
  resources,
  sweep,
}
export default runtime

async function whyNot(services: readonly Service[]): Promise<string | undefined> {
  const servers = serversOf(services)
  for (const { title, image, service } of servers) {
    if (!service.container || !image) return `${title} runs as a process only: use --runtime process`
    const existing = service.existing?.()
    if (existing)
      return `containers cannot reach ${existing.address}, which ${existing.variable} names: unset it, or use --runtime process`
  }
  return whyNoImages(servers.map(({ name }) => name))
}

async function open(place: CellContext): Promise<Testbed> {
  const run = currentRun()
  const labels = { [runLabelKey]: run, ...ownerLabels() }
  const prefix = namePrefix(run) + place.cell.replaceAll(/[^A-Za-z0-9]+/g, '-')
  const images = await resolveImages()
  await place.note({ kind: 'network', name: prefix })
  const network = await createNetwork(prefix, labels)
  const site = { place, network, prefix, labels, images }
  return {
    host: network.gateway,
    network: network.subnet,
    deploy: (request, signal) => deploy(site, request, signal),
    [Symbol.asyncDispose]: () => network[Symbol.asyncDispose](),
  }
}
