import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import Dockerode from 'dockerode'

/** A Docker Engine, and one way to make what tests need on it. Disposing removes all that was made, by id. */
export interface DockerThings extends AsyncDisposable {
  /** Runs a program of this machine. */
  container(
    name: string,
    labels: Labels,
    more?: Partial<Dockerode.ContainerCreateOptions>,
  ): Promise<Dockerode.Container>
  network(name: string, labels: Labels): Promise<void>
  volume(name: string, labels: Labels): Promise<void>
  /** `container NAME`, `network NAME` and `volume NAME` of all that is there and whose name begins so. */
  names(prefix: string): Promise<readonly string[]>
  volumes(): Promise<readonly string[]>
}

type Labels = Readonly<Record<string, string>>

/** Why there is no engine that could run programs of this very machine, or undefined. */
export async function whyNoDocker(): Promise<string | undefined> {
  if (process.platform !== 'linux') return 'containers can run no program of this machine'
  return new Dockerode().ping().then(
    () => undefined,
    (error: unknown) => String(error),
  )
}

/** Needs no image and no registry: the image is empty, and programs and their libraries are those of this machine. */
export async function openDocker(tag: string): Promise<DockerThings> {
  const engine = new Dockerode()
  const image = `test-of-outlast:${tag}`
  await text(await engine.importImage(Readable.from([Buffer.alloc(10_240)]) as never, { repo: 'test-of-outlast', tag }))
  const undo: (() => Promise<unknown>)[] = [() => engine.getImage(image).remove()]
  const programs = ['/usr', '/bin', '/lib', '/lib64'].map((path) => `${path}:${path}:ro`)
  const container: DockerThings['container'] = async (name, labels, more = {}) => {
    const { HostConfig, ...rest } = more
    const made = await engine.createContainer({
      name,
      Image: image,
      Cmd: ['/bin/sleep', '600'],
      Labels: { ...labels },
      ...rest,
      HostConfig: { NetworkMode: 'none', ...HostConfig, Binds: [...programs, ...(HostConfig?.Binds ?? [])] },
    })
    undo.push(() => made.remove({ force: true, v: true }))
    return made
  }
  const list = async () => {
    const [containers, networks, { Volumes }] = await Promise.all([
      engine.listContainers({ all: true }),
      engine.listNetworks(),
      engine.listVolumes(),
    ])
    const volumes = (Volumes ?? []).map(({ Name }) => Name)
    return {
      containers: containers.map(({ Names }) => Names[0]!.slice(1)),
      networks: networks.map(({ Name }) => Name),
      volumes,
    }
  }
  return {
    container,
    network: async (name, labels) => {
      const made = await engine.createNetwork({ Name: name, Labels: { ...labels }, Internal: true })
      undo.push(() => made.remove())
    },
    volume: async (name, labels) => {
      await engine.createVolume({ Name: name, Labels: { ...labels } })
      undo.push(() => engine.getVolume(name).remove())
    },
    names: async (prefix) => {
      const { containers, networks, volumes } = await list()
      const some = (kind: string, all: readonly string[]) =>
        all.filter((name) => name.startsWith(prefix)).map((name) => `${kind} ${name}`)
      return [...some('container', containers), ...some('network', networks), ...some('volume', volumes)].toSorted()
    },
    volumes: async () => (await list()).volumes,
    async [Symbol.asyncDispose]() {
      // What is gone already is what a test was about.
      for (const one of undo.toReversed()) await one().catch(() => {})
    },
  }
}

/** Containers and networks of any run of ours, and every volume: one that nobody named has no label. */
export async function standing(): Promise<readonly string[]> {
  const engine = new Dockerode()
  const filters = { label: ['outlast.run'] }
  const containers = await engine.listContainers({ all: true, filters })
  const networks = await engine.listNetworks({ filters })
  const { Volumes } = await engine.listVolumes()
  const volumes = (Volumes ?? []).map(({ Name }) => `volume ${Name}`)
  return [...containers.map(({ Names }) => Names[0]!), ...networks.map(({ Name }) => Name), ...volumes]
}
