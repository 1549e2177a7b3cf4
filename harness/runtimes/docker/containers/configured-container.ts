import { GenericContainer, PullPolicy, Wait } from 'testcontainers'

export interface ContainerSpec {
  readonly image: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Its own address in the cell's network, or the namespace of another container. */
  readonly network: { readonly name: string; readonly address: string } | { readonly joins: string }
  readonly env?: Readonly<Record<string, string>>
  readonly command?: readonly string[]
  /** Both instead of the image's. */
  readonly entrypoint?: readonly string[]
  readonly workdir?: string
  /** It keeps none of the kernel's but these, and can gain none. */
  readonly capabilities?: readonly string[]
  /** Of an image of the user's: it keeps what Docker gives to any container. */
  readonly isForeign?: true
  /** Addresses by names that it can look up. */
  readonly hosts?: readonly { readonly host: string; readonly ipAddress: string }[]
  /** Instead of the image's. */
  readonly user?: string
  /** Folders in memory that it may write: all else of its image is read-only. Without them it may write everywhere. */
  readonly writable?: readonly string[]
  /** Names of volumes that are there already, by where they appear. */
  readonly mounts?: Readonly<Record<string, string>>
  readonly memoryBytes: number
  readonly cpus: number
  readonly logFile: string
  /** Content by path: there before it starts. */
  readonly files?: Readonly<Record<string, string>>
}

/**
 * A testcontainers container with what its builder has no words for: an address of its own, equal memory and swap, a
 * root that is read-only.
 * The reaper of testcontainers is not used: ours needs no image, and finds by label what it takes away.
 */
export class ConfiguredContainer extends GenericContainer {
  constructor(spec: ContainerSpec) {
    super(spec.image)
    this.withName(spec.name)
      .withLabels({ ...spec.labels })
      .withAutoCleanup(false)
      .withPullPolicy(PullPolicy.neverPull())
      .withWaitStrategy(Wait.forListeningPorts())
      .withResourcesQuota({ memory: spec.memoryBytes / 2 ** 30, cpu: spec.cpus })
      .withEnvironment({ ...spec.env })
      // The kernel counts a full /dev/shm as the container's memory, and blames no process for it.
      .withSharedMemorySize(spec.memoryBytes + 64 * 2 ** 20)
      .withExtraHosts([...(spec.hosts ?? [])])
      .withBindMounts(Object.entries(spec.mounts ?? {}).map(([target, source]) => ({ source, target })))
    if (!spec.isForeign) this.#confine(spec.capabilities ?? [])
    const files = Object.entries(spec.files ?? {}).map(([target, content]) => ({ target, content }))
    if (files.length > 0) this.withCopyContentToContainer(files)
    this.hostConfig.MemorySwap = spec.memoryBytes
    if (spec.command) this.withCommand([...spec.command])
    if (spec.entrypoint) this.withEntrypoint([...spec.entrypoint])
    if (spec.workdir !== undefined) this.withWorkingDir(spec.workdir)
    if (spec.user !== undefined) this.withUser(spec.user)
    if (spec.writable) this.#closeRoot(spec.writable)
    if ('joins' in spec.network) this.withNetworkMode(`container:${spec.network.joins}`)
    else this.#place(spec.network)
  }

  #confine(capabilities: readonly string[]): void {
    this.withDroppedCapabilities('ALL')
      .withAddedCapabilities(...capabilities)
      .withSecurityOpt('no-new-privileges')
  }

  #closeRoot(writable: readonly string[]): void {
    this.hostConfig.ReadonlyRootfs = true
    this.withTmpFs(Object.fromEntries(writable.map((folder) => [folder, 'rw,nosuid,nodev'])))
  }

  #place({ name, address }: { readonly name: string; readonly address: string }): void {
    this.withNetworkMode(name)
    this.createOpts.NetworkingConfig = { EndpointsConfig: { [name]: { IPAMConfig: { IPv4Address: address } } } }
  }
}
