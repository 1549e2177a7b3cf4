import { createRng, drawUniform, type Rng } from '../../core/rng.ts'
import type { Attributes, StreamName, Toxic } from './toxic.ts'

/** A toxic as the API shows it, fields in Toxiproxy's order. */
export interface ToxicJson {
  readonly attributes: Attributes
  readonly name: string
  readonly type: string
  readonly stream: StreamName
  readonly toxicity: number
}

export class ActiveToxic {
  readonly toxic: Toxic
  readonly proxy: string
  readonly name: string
  readonly stream: StreamName
  readonly #seed: string
  attributes: Attributes
  toxicity: number

  constructor(toxic: Toxic, proxy: string, seed: string, json: ToxicJson) {
    this.toxic = toxic
    this.proxy = proxy
    this.name = json.name
    this.stream = json.stream
    this.attributes = json.attributes
    this.toxicity = json.toxicity
    this.#seed = seed
  }

  /** One draw per connection: it stays the same when the toxic is updated or added again under its name. */
  hits(connection: number): boolean {
    return drawUniform(this.#seed, this.proxy, this.name, connection) < this.toxicity
  }

  rng(connection: number): Rng {
    return createRng(this.#seed, `${this.proxy}/${this.name}/${connection}`)
  }

  get closesListener(): boolean {
    return this.toxic.closesListener?.(this.toxicity) ?? false
  }

  toJson(): ToxicJson {
    const { attributes, name, stream, toxicity } = this
    return { attributes, name, type: this.toxic.name, stream, toxicity }
  }
}
