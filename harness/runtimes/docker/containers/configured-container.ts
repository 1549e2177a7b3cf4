import { GenericContainer, PullPolicy, Wait } from 'testcontainers'

export interface ContainerSpec {
  readonly image: string
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Its own address in the cell's network, or the namespace of another container. */
  readonly network: { readonly name: string; readonly address: string } | { readonly joins: string }
  readonly env?: Readonly<Record<string, string>>
  readonly command?: readonly string[]
  /** It keeps none of the kernel's but these, and can gain none. `usual`: those of any container. */
  readonly capabilities?: readonly string[] | 'usual'
  /** Addresses by names that it can look up. */
  readonly hosts?: Readonly<Record<string, string>>
  /** Instead of the image's. */
  readonly user?: string
  /** Folders in memory that it may write: all else of its image is read-only. Without them it may write everywhere. */
  readonly writable?: readonly string[]
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
      .withExtraHosts(Object.entries(spec.hosts ?? {}).map(([host, ipAddress]) => ({ host, ipAddress })))
    if (spec.capabilities !== 'usual') this.#confine(spec.capabilities ?? [])
    const files = Object.entries(spec.files ?? {}).map(([target, content]) => ({ target, content }))
    if (files.length > 0) this.withCopyContentToContainer(files)
    this.hostConfig.MemorySwap = spec.memoryBytes
    if (spec.command) this.withCommand([...spec.command])
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
