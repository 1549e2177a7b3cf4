import type { LinkName } from './plan.ts'

/** A directed connection with a proxy of ours in it. */
export interface Link {
  /** `client->api-0`: link name, and the ordinal of the replicated end. */
  readonly name: string
  readonly kind: LinkName
  readonly ordinal: number
  /** Where the dialling side connects. */
  readonly url: string
  impair(toxic: ToxicSpec, expiry: Expiry): Promise<Impairment>
  /** Where the runtime offers `packet-filter`. */
  filter?(rule: FilterSpec): Promise<Impairment>
  /** Where the runtime offers `edge`, on `client->api`: the load balancer in front gets these limits. */
  limit?(limits: EdgeLimits): Promise<Impairment>
}

/** A toxic as Toxiproxy's HTTP API knows it: type, direction, probability per connection, attributes. */
export interface ToxicSpec {
  readonly name: string
  readonly type: string
  readonly stream: 'upstream' | 'downstream'
  readonly toxicity: number
  readonly attributes: Readonly<Record<string, number | string | boolean>>
}

/** What may outlive the process that armed a harm. */
export interface Expiry {
  /** For the draws per connection. */
  readonly seed: number
  /** Where a kernel holds the harm: the kernel ends it after this, also without a harness to heal it. */
  readonly expiresMs: number
}

/** A rule of a packet filter in the path. Its draws are by the seed and the connection's addresses: retries of one share them. */
export interface FilterSpec extends Expiry {
  readonly name: string
  readonly action: 'drop' | 'reset' | 'unreachable'
  readonly direction: 'both' | 'request' | 'response'
  /** `new`: connections that are being opened; `all`: open ones too. */
  readonly connections: 'all' | 'new'
  /** Only connections on which no packet was seen for so long: a NAT has forgotten them. */
  readonly idleMs?: number
  /** Share of connections. */
  readonly probability: number
}

/** What a load balancer imposes, in whole milliseconds. */
export interface EdgeLimits {
  readonly name: string
  /** Longest silence of the server: 504 before the first byte, a cut after it. */
  readonly idleMs: number
  /** Responses are collected before they are passed on. */
  readonly buffering: boolean
}

/** Something that took effect before it was known to have: reading back and trying out take their time. */
export interface Onset {
  /** When, on the monotonic clock; undefined where nobody can tell it from the moment at which it was acknowledged. */
  readonly sinceMs?: number
}

export interface Impairment extends Onset {
  /** What was read back and tried out when it was made. */
  readonly evidence?: Readonly<Record<string, unknown>>
  /** How often a peer at work felt it, the harness's own trial aside. Undefined where that cannot be counted. */
  firings(): Promise<number | undefined>
  /** Still there, as the proxy or the kernel lists it, and a connection of our own meets it. */
  listed(): Promise<boolean>
  /** What else can be counted at the end of its window. */
  counts?(): Promise<Readonly<Record<string, unknown>>>
  /** Remove; twice is safe. */
  heal(): Promise<void>
}
