import type { Ground, Place, Runtime, ServiceSpec } from '../model/types.ts'
import { currentRun } from '../os/label.ts'
import { deploy } from './docker/deploy.ts'
import { describeEngine, whyNoEngine } from './docker/daemon.ts'
import { resolveImages, whyNoImages } from './docker/images/resolve.ts'
import { imageNames, isBasic } from './docker/images/references.ts'
import { namePrefix, ownerLabels, runLabelKey } from './docker/containers/labels.ts'
import { createNetwork } from './docker/network/cell-network.ts'
import { sweep, traces } from './docker/containers/sweep.ts'
import { existingTemporal } from '../../servers/temporal/existing.ts'

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
  traces,
  sweep,
}
export default runtime

async function whyNot(services: readonly ServiceSpec[]): Promise<string | undefined> {
  const programs = services.map(({ program }) => program)
  const address = existingTemporal()
  if (address !== undefined && programs.includes('temporal'))
    return `containers cannot reach ${address}, which TEMPORAL_ADDRESS names: unset it, or use --runtime process`
  // Every other image is there where the runtime can be used at all.
  return whyNoImages(imageNames.filter((name) => !isBasic(name) && programs.some((program) => program === name)))
}

async function open(place: Place): Promise<Ground> {
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
