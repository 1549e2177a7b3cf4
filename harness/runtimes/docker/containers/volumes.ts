import type Dockerode from 'dockerode'
import type { Volume } from '../../../../servers/server.ts'
import { monotonicMs, sleep } from '../../../../patterns/contract/types/timer.ts'
import { removeContainer } from './container.ts'

/** Folders that containers of one cell share. */
export interface CellVolumes extends AsyncDisposable {
  /** Names on the engine, by where a container has them. */
  mountsOf(volumes: readonly Volume[]): Readonly<Record<string, string>>
}

export interface VolumeSite {
  readonly prefix: string
  readonly labels: Readonly<Record<string, string>>
  /** One whose `/tmp` every user may write to. */
  readonly image: string
  /** Write down that a volume of this name is about to be made. */
  readonly journal: (name: string) => Promise<void>
}

/** Make each of these once, with the cell's labels. Disposing removes them: then no container has them any more. */
export async function createVolumes(wanted: readonly Volume[], site: VolumeSite): Promise<CellVolumes> {
  const nameOf = ({ name }: Volume): string => `${site.prefix}-${name}`
  const mountsOf = (volumes: readonly Volume[]) =>
    Object.fromEntries(volumes.map((volume) => [volume.path, nameOf(volume)]))
  const byName = new Map(wanted.map((volume) => [nameOf(volume), volume]))
  if (byName.size === 0) return { mountsOf, [Symbol.asyncDispose]: async () => {} }
  const { default: Engine } = await import('dockerode')
  const engine = new Engine()
  await using stack = new AsyncDisposableStack()
  for (const [name, { isOpen }] of byName) {
    await site.journal(name)
    await engine.createVolume({ Name: name, Labels: { ...site.labels } })
    stack.defer(() => removeVolume(engine, name))
    if (isOpen) await openToAll(engine, name, site)
  }
  const owned = stack.move()
  return { mountsOf, [Symbol.asyncDispose]: () => owned.disposeAsync() }
}

/** Docker gives an empty volume the owner and the mode of the folder that it covers. The container need not run for that. */
async function openToAll(engine: Dockerode, volume: string, { prefix, labels, image }: VolumeSite): Promise<void> {
  const container = await engine.createContainer({
    name: `${prefix}-opens-${volume.slice(prefix.length + 1)}`,
    Image: image,
    Labels: { ...labels },
    HostConfig: { Binds: [`${volume}:/tmp`], NetworkMode: 'none' },
  })
  await removeContainer({ handle: container })
}

const patienceMs = 5_000

/** The daemon calls it used while it still takes the last container away. */
async function removeVolume(engine: Dockerode, name: string): Promise<void> {
  for (const giveUpAt = monotonicMs() + patienceMs; ; await sleep(50)) {
    const error: { statusCode?: number } | undefined = await engine
      .getVolume(name)
      .remove()
      .then(() => undefined)
      .catch((error: { statusCode?: number }) => error)
    if (!error || error.statusCode === 404) return
    if (error.statusCode !== 409 || monotonicMs() > giveUpAt) throw error
  }
}
