import type { Balances } from './account.ts'
import type { Tuning } from './timeouts.ts'

/** What a node reads from its environment (`server/settings.ts` reads and checks it). */
export interface NodeSettings {
  /** `api-0`, `worker-1`: recorded as the executor of every effect. */
  readonly node: string
  /** The system that it is a node of: its answers say so, in a header. */
  readonly system?: string
  /** Which start of it this is: `GET /healthz` says so. */
  readonly start?: string
  readonly listen: { readonly host: string; readonly port: number }
  readonly delivery: string
  readonly engine: string
  /** Path of the module that opens its backend, where the engine has no folder in `engines`. */
  readonly backend?: string
  readonly timeScale: number
  /** What the engine's timeouts are set to. */
  readonly tuning: Tuning
  /** The operator's bearer token: it may do everything. */
  readonly token: string
  /** Whose JWTs the API takes beside it; nobody's otherwise. */
  readonly jwt?: Issuer
  /** The secret of task grants, which `patterns/gateway` shares. Without it no task gets one. */
  readonly grantKey?: string
  /** Requests of one principal to this node; any number otherwise. */
  readonly rate?: Rate
  /** What principals have to begin with, in credits. It is given once: a restart gives nothing. Nobody has an account otherwise. */
  readonly balances?: Balances
  /** Tool calls of a task, and of a principal, over all nodes; any number otherwise. */
  readonly toolRates?: { readonly task?: Rate; readonly principal?: Rate }
  /** How many sub-tasks a task may have, and how many generations of them; `defaultSpawnLimits` of `engine/sub-tasks.ts` otherwise. */
  readonly spawnLimits?: SpawnLimits
  /** Addresses to dial, each through its link; present when the engine's service declares that it dials them. */
  readonly storeUrl?: string
  readonly engineUrl?: string
  /** The engine's administration address: control traffic, crosses no fault point. */
  readonly engineControlUrl?: string
  /** The address under which others reach this node, through the link towards it. */
  readonly advertisedUrl?: string
  readonly toolsUrl?: string
  /** Networks (CIDR) that callbacks may reach although they are private. None by default. */
  readonly webhookAllow?: readonly string[]
  /** Ports that callbacks may go to, e.g. `443,8000-8999`; otherwise as `server/destination.ts` says. */
  readonly webhookPorts?: string
  /** Keys (`whsec_`, `whsk_`) that sign callbacks beside each endpoint's own: for receivers that hold one of them. */
  readonly webhookKeys?: readonly string[]
  /** Web origins whose pages may use the API, or `*`. None by default. */
  readonly corsOrigins?: readonly string[]
  /** Seconds, at time scale 1, that a task can be asked for after its end; for ever otherwise. */
  readonly retentionS?: number
  /** What connections and requests may cost; `defaultLimits` of `server/limits.ts` otherwise. */
  readonly limits?: Limits
}

/** Who signs the tokens of principals, and for whom. */
export interface Issuer {
  /** A JSON Web Key Set (RFC 7517, 5) of public keys. */
  readonly jwksFile: string
  /** The only `iss`, and the `aud` that must be named (RFC 7519, 4.1). */
  readonly issuer: string
  readonly audience: string
}

/** A token bucket: so many a second in the long run, and `burst` at once. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** What stops an agent that starts others without end. */
export interface SpawnLimits {
  /** Generations of sub-tasks below the task of a client; 0: no task may have any. */
  readonly depth: number
  /** Sub-tasks of one task, over all of its steps. */
  readonly width: number
}

/** What the connections and requests of strangers may cost a node. */
export interface Limits {
  /** Connections at a time; one more is closed, and those that idle with it. Less where descriptors are few. */
  readonly mostConnections: number
  /** Streams, sockets and answers that are held back, at a time; one more gets an answer to come later. */
  readonly mostHeld: number
  /** From a connection's first moment, or a request's first byte, to the end of the request's headers. */
  readonly headersTimeoutMs: number
  /** From a request's first byte to its last. Above what a client of ours waits for an answer. */
  readonly bodyTimeoutMs: number
  /** Within a request and its answer: who neither sends nor takes a byte for so long is cut. What we hold back does not count. */
  readonly silenceTimeoutMs: number
  /** Between requests. Above the idle limit of every load balancer in front: who may reuse a connection must not see it closed. */
  readonly idleTimeoutMs: number
}

type Address = 'storeUrl' | 'engineUrl' | 'engineControlUrl' | 'advertisedUrl' | 'toolsUrl'

/** The settings, once they have the addresses that an engine needs. Throws with the names of the missing variables. */
export function withAddresses<A extends Address>(
  settings: NodeSettings,
  ...needed: readonly A[]
): NodeSettings & Readonly<Record<A, string>> {
  const missing = needed.filter((name) => !settings[name])
  if (missing.length === 0) return settings as NodeSettings & Record<A, string>
  throw new Error(`a node of the ${settings.engine} engine needs ${missing.map(variableOf).join(' and ')}`)
}

/** `storeUrl` is OUTLAST_STORE_URL. */
function variableOf(address: Address): string {
  return `OUTLAST_${address.replace(/[A-Z]/g, '_$&').toUpperCase()}`
}
