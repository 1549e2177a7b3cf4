import type { Testbed, CellContext, Runtime } from '../model/runtime.ts'
import type { Service } from '../../patterns/contract/types/engine.ts'
import { whyNoPackages } from '../../servers/_kit/npm.ts'
import { servers as allServers } from '../../servers/all.ts'
import { currentRun } from '../os/label.ts'
import { serversOf } from './_shared/servers.ts'
import { namePrefix, ownerLabels, runLabelKey, sweep, resources } from './docker/containers/sweep.ts'
import { deploy } from './docker/deploy.ts'
import { foreignImageId, resolveImages, whyNoImages } from './docker/images/resolve.ts'
import { createNetwork } from './docker/network/cell-network.ts'
import { describeError } from '../core/errors.ts'

/** Every node in a container, every connection through a namespace with Toxiproxy and a packet filter. Here only. */
const runtime: Runtime = {
  name: 'docker',
  summary: 'a container per node on a private network, links through a real Toxiproxy and a packet filter',
  offers: [
    'kill',
    'stop',
    'pause',
    'isolate',
    'limits',
    'toxics',
    'stall',
    'refuse',
    'packet-filter',
    'edge',
    'callbacks',
  ],
  probe: whyNoEngine,
  whyNot,
  describe: describeEngine,
  open,
  resources,
  sweep,
}
export default runtime

async function whyNot(services: readonly Service[]): Promise<string | undefined> {
  // The image of our nodes is made of what npm installed.
  const missing = whyNoPackages(services.flatMap(({ packages = [] }) => packages))
  if (missing !== undefined) return missing
  const servers = serversOf(services)
  for (const { title, image, service, isForeign } of servers) {
    if (!service.container || !image) return `${title} runs as a process only: use --runtime process`
    const missing = isForeign && (await whyNoForeignImage(title, image.pin!))
    if (missing) return missing
    const existing = service.existing?.()
    if (existing)
      return `containers cannot reach ${existing.address}, which ${existing.variable} names: unset it, or use --runtime process`
  }
  return whyNoImages(servers.filter(({ isForeign }) => !isForeign).map(({ name }) => name))
}

async function whyNoForeignImage(title: string, reference: string): Promise<string | undefined> {
  const id = await foreignImageId(reference)
  return id === undefined
    ? `${title}: the image ${reference} is not on this machine: pull or build it first`
    : undefined
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

interface Info {
  readonly ServerVersion: string
  readonly Driver: string
  readonly CgroupVersion?: string
  readonly OperatingSystem: string
  readonly OSType: string
  readonly MemoryLimit: boolean
  readonly CpuCfsQuota?: boolean
}

/** Why this runtime cannot be used here, or undefined. Starts nothing. */
async function whyNoEngine(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'it dials containers by their addresses, which only Linux routes'
  try {
    const info = await engineInfo()
    if (info.OSType !== 'linux') return `the engine runs ${info.OSType} containers`
    if (/Docker Desktop/.test(info.OperatingSystem))
      return 'Docker Desktop keeps its containers in a machine of their own'
    await resolveImages()
    return undefined
  } catch (error) {
    return explain(error)
  }
}

/** The engine and every image that containers are started from, for the run's record. */
async function describeEngine(services: readonly Service[]): Promise<Readonly<Record<string, string>>> {
  const info = await engineInfo()
  const { ApiVersion } = await (await dockerode()).version()
  const images = [...(await resolveImages())]
  return {
    engine: `Docker Engine ${info.ServerVersion}, API ${ApiVersion}, ${info.Driver}, control groups v${info.CgroupVersion ?? '1'}`,
    ...Object.fromEntries(
      images.map(([name, { reference, id, source }]) => {
        const origin = allServers.get(name)?.image?.origin?.()
        return [`image ${name}`, [`${reference} ${id} (${source})`, origin].filter(Boolean).join(', ')]
      }),
    ),
    ...(await describeForeign(services)),
  }
}

async function describeForeign(services: readonly Service[]): Promise<Readonly<Record<string, string>>> {
  const foreign = serversOf(services).filter(({ isForeign }) => isForeign)
  const described = foreign.map(async ({ title, image }) => {
    const id = (await foreignImageId(image!.pin!)) ?? 'missing'
    return [`image ${title}`, `${image!.pin!} ${id} (yours)`] as const
  })
  return Object.fromEntries(await Promise.all(described))
}

async function engineInfo(): Promise<Info> {
  return (await (await dockerode()).info()) as Info
}

/** As DOCKER_HOST says, else the socket that every engine has. */
async function dockerode() {
  const { default: Dockerode } = await import('dockerode')
  return new Dockerode()
}

function explain(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ECONNREFUSED') return 'no Docker Engine answers: start dockerd, or set DOCKER_HOST'
  if (code === 'EACCES') return 'the socket of the Docker Engine may not be used: become a member of the group docker'
  return describeError(error)
}
