import type { ZodType } from 'zod'
import type { Named } from '../../core/discover.ts'
import type { Rng } from '../../core/rng.ts'

export type StreamName = 'upstream' | 'downstream'
export type Attributes = Record<string, number | string | boolean>

/** One kind of harm to connections: one file in `toxics/`, with the toxic's name in Toxiproxy's API. */
export interface Toxic<A extends Attributes = Attributes> extends Named {
  /** Attributes as the API takes them; all have defaults, as in Toxiproxy. */
  readonly attributes: ZodType<A>
  /** The only stream that it can act on, if there is one. */
  readonly stream?: StreamName
  /** How many bytes one connection may keep waiting in it before its source is no longer read. Default 64 KiB. */
  readonly bufferBytes?: number
  /** Called once for each connection that it hits: for those that exist when it is added and for those that come later. */
  attach(point: ToxicPoint<A>): ToxicHooks
  /** True: there is no listener while it is there, so the kernel refuses connections. */
  closesListener?(toxicity: number): boolean
}

/** What a toxic may do on one connection; every member is optional. Calls stop when the toxic is removed. */
export interface ToxicHooks {
  /**
   * Work on one chunk of the toxic's stream, in order: yields the bytes to pass on and the milliseconds to wait before
   * going on. What it does not yield is lost. When the toxic is removed its waits are skipped, the rest still runs.
   */
  chunk?(data: Buffer, arrivedAt: number): Iterable<Buffer | number>
  /** Before the end of the toxic's stream is passed on: yields milliseconds to wait. */
  end?(): Iterable<number>
  /** Bytes arrived, in either direction. */
  payload?(): void
  /** The attributes were updated; `point.attributes` holds the new ones. */
  updated?(): void
  removed?(): void
}

export interface ToxicPoint<A extends Attributes> {
  readonly attributes: A
  readonly stream: StreamName
  /** The connection was accepted while the toxic was there. */
  readonly fresh: boolean
  /** Draws that depend on seed, proxy, toxic and the connection's ordinal only. */
  readonly rng: Rng
  /** Bytes that this toxic passed on until now, also before its attributes were updated. */
  readonly passedBytes: number
  readonly connection: Harmable
  /** Run `action` in `ms`, unless the toxic is removed before. A later call replaces an earlier one. */
  after(ms: number, action: () => void): void
  /** The toxic took effect: evidence, written for the first time on each connection and counted always. */
  fired(bytes: number, detail?: Readonly<Record<string, unknown>>): void
}

/** What can be done to a whole connection. */
export interface Harmable {
  /** Read nothing from the stream and pass nothing on, without FIN or RST. Each freeze needs its thaw; then all goes on. */
  freeze(stream: StreamName): void
  thaw(stream: StreamName): void
  /** RST to both ends, now. */
  reset(): void
  /** FIN to both ends, after what was passed on. */
  close(): void
  /** For ever: what comes from the server vanishes, its FIN and RST too. The way to the server stays open. */
  mute(): void
  /** For ever: everything vanishes in both directions, and neither end learns of the other's closing. */
  blackhole(): void
  /** RST to the client; the server sees its client close and what it still sends vanishes. */
  dropClient(): void
}
