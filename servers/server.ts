import type { NodeRole, Service } from '../patterns/contract/types/engine.ts'
import type { Named } from '../harness/core/discover.ts'
import type { DiskCost } from '../harness/model/history.ts'
import type { Address, Readiness } from '../harness/os/readiness.ts'
import type { Installable } from './_kit/install.ts'

/** All about one server, the default export of `servers/<name>/server.ts`; engines name it as a service's `program`. */
export interface Server extends Named {
  /** As its makers write it: `PostgreSQL`. */
  readonly title: string
  /** Which release is here, as the program says. Rejects with the reason why there is none. Absent: it is an image only. */
  version?(): Promise<string>
  /** Why no process of it can be started here, or undefined. */
  whyNot?(): Promise<string | undefined>
  /** npm installs it: the lock file says which release, so that the record of a run need not. */
  readonly isFromNpm?: true
  /** What `outlast install` can install of it. */
  readonly installs?: readonly Installable[]
  /** Absent: it does not run in containers. */
  readonly image?: ServerImage
  /** Of the user's own: `image.pin` is on this machine, and keeps the privileges that Docker gives it. */
  readonly isForeign?: true
  /** Absent: runtimes start it for themselves, and no engine can name it. */
  readonly service?: ServiceServer
}

/** A server that nodes can be. */
export type NodeServer = Server & { readonly service: ServiceServer }

/** A service that brings its own server, as those of targets do. */
export interface OwnService extends Service {
  readonly server: NodeServer
}

/** A server as a node of the system under test. */
export interface ServiceServer {
  readonly ports: Ports
  readonly ready: Ready
  /** Ends it at once and in good order, child processes and kernel objects included. */
  readonly endSignal: NodeJS.Signals
  /** Whether this command line is that of a process which removes kernel objects on `endSignal`, and could not on SIGKILL. */
  keepsKernelObjects?(command: string): boolean
  readonly store?: Store
  /** Make a store's data folder with the tables of this server, for services with its name as their `schema`. */
  makeTables?(dataDir: string, signal?: AbortSignal): Promise<void>
  /** A server of the user's, which is used instead of one of ours. */
  existing?(): ExistingServer | undefined
  /** Absent: it runs in containers only. */
  readonly process?: ProcessServer
  /** It runs already, where nobody here started it. */
  readonly remote?: RemoteServer
  /** Absent: it runs as a process only. */
  container?(place: ContainerPlace): ContainerProgram
  /** Roles by the names under which its container looks for them, at their own ports. Each is one that it dials. */
  readonly names?: Readonly<Record<string, NodeRole>>
  /** What its containers share with all of the cell that name it too. */
  readonly volumes?: readonly Volume[]
}

/** A folder that is empty at the start of a cell, outlives every container of it, and goes with the cell. */
export interface Volume {
  readonly path: string
  readonly name: string
  /** Every user may write in it. Else who owns the folder at `path` in the image. */
  readonly isOpen?: true
}

export interface Ports {
  /** Where other nodes dial it in a container of its own. */
  readonly port: number
  /** Its administration. Absent: it has no port of its own for that. */
  readonly control?: number
  /** How many ports its own parts need between them where it shares an address with others. */
  readonly inner?: number
  /** It keeps port numbers in 15 bits. */
  readonly areLow?: true
}

/** How it shows that it can do its work. `control`: the path is that of the administration's port. */
export type Ready =
  | 'tcp'
  | { readonly http: string; readonly control?: true }
  | { readonly probe: (address: Address) => Promise<boolean> }

export interface Store {
  /** The address for clients that dial `host:port`, credentials included. */
  url(address: string, password: string): string
  /** What its disk has cost it until now. Rejects when it cannot be asked. */
  diskCost?(url: string): Promise<DiskCost>
}

/** Where a process keeps its data and which loopback ports it takes. */
export interface ProcessPlace {
  /** Exists; belongs to this node alone. */
  readonly dataDir: string
  /** One for all nodes of its cell: made by who wants it. */
  readonly sharedDir?: string
  /** Its name, and what all nodes of its cell are told: settings and addresses, as `patterns/contract/types/settings.ts` has them. */
  readonly env?: Readonly<Record<string, string>>
  readonly host: string
  readonly port: number
  /** `port` where it has no port for its administration. */
  readonly controlPort: number
  readonly innerPorts?: readonly number[]
  /** The address of the database that it dials, credentials included. */
  readonly storeUrl?: string | undefined
  /** Of the engine, in real milliseconds. */
  readonly timeouts?: Readonly<Record<string, number>>
}

export interface ProcessCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly cwd: string
  readonly uid?: number
  readonly gid?: number
  /** A program of the user's: nobody knows what it starts, and in which groups. */
  readonly isForeign?: true
}

/** Tables that a store has before its first start. */
export interface Tables {
  /** The server whose tables they are. */
  readonly name: string
  make(dataDir: string, signal?: AbortSignal): Promise<void>
}

export interface ProcessServer {
  /** Make `dataDir`, which is not there yet. `temp` is the run's: what all cells need is made there once. Absent: an empty folder. */
  prepare?(
    dataDir: string,
    options: { readonly temp: string; readonly tables?: Tables | undefined; readonly signal?: AbortSignal },
  ): Promise<void>
  /** Of a store: what `prepare` has put into `dataDir`. */
  password?(dataDir: string): Promise<string>
  command(place: ProcessPlace): Promise<ProcessCommand>
}

export interface ContainerPlace {
  readonly host: string
  readonly port: number
  readonly controlPort: number
  /** As `ProcessPlace` has it. */
  readonly env?: Readonly<Record<string, string>>
  /** Of a store. */
  readonly password: string
  readonly storeUrl?: string | undefined
  /** Of the engine, in real milliseconds. */
  readonly timeouts: Readonly<Record<string, number>>
}

/** What runs in a container of the server's image. */
export interface ContainerProgram {
  readonly command: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Content by path. */
  readonly files?: Readonly<Record<string, string>>
  /** Instead of the image's: where that is root, its entry point would want to become another user, and may not. */
  readonly user?: string
  /** What it may write beside its volumes. Absent: everything. */
  readonly writable?: readonly string[]
  /** Instead of the image's. */
  readonly entrypoint?: readonly string[]
  readonly workdir?: string
  readonly memoryBytes: number
  readonly cpus: number
  /** Called whenever readiness is answered with 404: makes what is missing. Its failure is that of the start. */
  readonly make?: (signal: AbortSignal) => Promise<void>
}

export interface ServerImage {
  /** The official image, `repository:tag@digest`. Absent: there is none, or its interface is another. */
  readonly pin?: string
  /** What decides what our own build contains, beside the Dockerfile and its neighbours: exact versions. */
  versions?(): readonly string[]
  /** Where what is in our own build came from, for readers of a measurement, if it may come from several places. */
  origin?(): string
  /** Put what the Dockerfile copies into `folder`, beside its neighbours and Debian packages, which are there already. */
  layOut?(folder: string): Promise<void>
}

/** Commands of its owner's, as only the owner can take it down and bring it back. */
export interface RemoteServer {
  readonly url: string
  readonly cwd: string
  readonly kill?: readonly string[]
  readonly restart?: readonly string[]
}

export interface ExistingServer {
  /** `host:port`. */
  readonly address: string
  /** The environment variable that names it. */
  readonly variable: string
  /** Ends the address that nodes get: a part of the server that no other cell uses. */
  readonly space: string
}

/** Where a server is to be asked whether it is ready. */
export function readinessOf(
  ready: Ready,
  { host, port, controlPort }: Pick<ProcessPlace, 'host' | 'port' | 'controlPort'>,
): Readiness {
  if (ready === 'tcp') return { tcp: { host, port } }
  if ('probe' in ready) return { probe: ready.probe, at: { host, port } }
  return { http: `http://${host}:${ready.control ? controlPort : port}${ready.http}` }
}

/** In a container of its own a server listens on all of them. */
export const everyAddress = '0.0.0.0'
