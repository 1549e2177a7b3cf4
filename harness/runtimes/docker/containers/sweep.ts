import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import type Dockerode from 'dockerode'
import { monotonicMs, sleep } from '../../../../patterns/contract/types/timer.ts'
import { describeError } from '../../../core/errors.ts'
import type { Resource, OwnedResource, Owner } from '../../../model/runtime.ts'
import { thisProcess } from '../../../os/label.ts'

export const runLabelKey = 'outlast.run'
const ownerLabelKeys = {
  pid: 'outlast.owner.pid',
  startTicks: 'outlast.owner.ticks',
  place: 'outlast.owner.place',
} as const

const uidKey = 'outlast.owner.uid'

/** By which cleanup knows the owner, and whether the process that made it still runs. */
export function ownerLabels(): Readonly<Record<string, string>> {
  const { pid, startTicks, place } = thisProcess()
  return {
    [ownerLabelKeys.pid]: String(pid),
    [ownerLabelKeys.startTicks]: startTicks,
    [ownerLabelKeys.place]: place,
    ...(process.geteuid && { [uidKey]: String(process.geteuid()) }),
  }
}

/** Whose it is. Undefined where the labels do not say. */
function readUid(labels: Readonly<Record<string, string>>): number | undefined {
  const uid = labels[uidKey]
  return uid !== undefined && /^\d{1,10}$/.test(uid) ? Number(uid) : undefined
}

export function readOwner(labels: Readonly<Record<string, string>>): Owner | undefined {
  const [pid, startTicks, place] = Object.values(ownerLabelKeys).map((key) => labels[key])
  if (!pid || startTicks === undefined || !place) return undefined
  return { pid: Number(pid), startTicks, place }
}

export function namePrefix(run: string): string {
  return `outlast-${run}-`
}

/** In the order in which they can go: a network is in use while a container has an address in it, a volume likewise. */
const kinds = ['container', 'network', 'volume'] as const

const patienceMs = 8_000

interface DockerResource extends Resource {
  readonly id: string
  readonly labels: Readonly<Record<string, string>>
}

/** What has our label, or a name that begins as ours do. Empty when no Docker Engine answers. */
export async function resources(): Promise<readonly OwnedResource[]> {
  const engine = await connect()
  if (!engine) return []
  return (await listAll(engine))
    .filter(({ name, labels }) => labels[runLabelKey] !== undefined || name.startsWith('outlast-'))
    .map(({ kind, name, labels }) => {
      const [run, owner, uid] = [labels[runLabelKey], readOwner(labels), readUid(labels)]
      return {
        kind,
        name,
        ...(run !== undefined && { run }),
        ...(owner && { owner }),
        ...(uid !== undefined && { uid }),
      }
    })
}

/**
 * `Runtime.sweep`. Looks again until nothing was found twice: the daemon may still be carrying out what a harness asked of
 * it before it died. Gives up after 8 s. What has another run's label is never touched, whatever its name.
 */
export async function sweep(run: string, journalled: readonly Resource[]): Promise<readonly string[]> {
  const engine = await connect()
  if (!engine) return journalled.map((thing) => `${keyOf(thing)}: no Docker Engine answers, so it may still be there`)
  const known = new Set(journalled.filter(({ name }) => name.startsWith(namePrefix(run))).map(keyOf))
  const findOurs = async (): Promise<readonly DockerResource[]> =>
    (await listAll(engine)).filter((thing) => {
      const label = thing.labels[runLabelKey]
      return label === undefined ? known.has(keyOf(thing)) : label === run
    })
  const refusals = new Map<string, string>()
  const giveUpAt = monotonicMs() + patienceMs
  for (let quiet = 0; quiet < 2 && monotonicMs() < giveUpAt;) {
    const found = await findOurs()
    quiet = found.length === 0 ? quiet + 1 : 0
    await removeAll(engine, found, refusals)
    await sleep(100)
  }
  return (await findOurs()).map((thing) => `${keyOf(thing)}: ${refusals.get(thing.id) ?? 'it came back'}`)
}

async function removeAll(
  engine: Dockerode,
  found: readonly DockerResource[],
  refusals: Map<string, string>,
): Promise<void> {
  for (const kind of kinds) {
    const some = found.filter((thing) => thing.kind === kind)
    await Promise.all(
      some.map((thing) => remove(engine, thing).catch((error) => refusals.set(thing.id, describeError(error)))),
    )
  }
}

/** By force also what is paused or about to restart; with the volumes that nobody named. */
async function remove(engine: Dockerode, { kind, id }: DockerResource): Promise<void> {
  if (kind === 'container') await engine.getContainer(id).remove({ force: true, v: true })
  else if (kind === 'network') await engine.getNetwork(id).remove()
  else await engine.getVolume(id).remove()
}

async function listAll(engine: Dockerode): Promise<readonly DockerResource[]> {
  const [containers, networks, { Volumes }] = await Promise.all([
    engine.listContainers({ all: true }),
    engine.listNetworks(),
    engine.listVolumes(),
  ])
  // The daemon says null where there is none.
  const thing = (
    kind: Resource['kind'],
    id: string,
    name = '',
    labels?: Record<string, string> | null,
  ): DockerResource => {
    return { kind, id, name, labels: labels ?? {} }
  }
  return [
    ...containers.map(({ Id, Names, Labels }) => thing('container', Id, Names?.[0]?.replace(/^\//, ''), Labels)),
    ...networks.map(({ Id, Name, Labels }) => thing('network', Id, Name, Labels)),
    ...(Volumes ?? []).map(({ Name, Labels }) => thing('volume', Name, Name, Labels)),
  ]
}

function keyOf({ kind, name }: Resource): string {
  return `${kind} ${name}`
}

const nobodyThere = new Set<unknown>(['ENOENT', 'ECONNREFUSED', 'EACCES'])

/** The Docker Engine that DOCKER_HOST names, else the one of this machine; undefined when none answers us. */
async function connect(): Promise<Dockerode | undefined> {
  const usual = ['/var/run/docker.sock', `${homedir()}/.docker/run/docker.sock`]
  if (!process.env['DOCKER_HOST'] && process.platform !== 'win32' && !usual.some(existsSync)) return undefined
  // Imported where it is needed: it takes longer to load than all of the rest.
  const { default: Engine } = await import('dockerode')
  const engine = new Engine({ timeout: patienceMs })
  return engine.ping().then(
    () => engine,
    (error: NodeJS.ErrnoException) => {
      if (nobodyThere.has(error.code)) return undefined
      throw error
    },
  )
}
