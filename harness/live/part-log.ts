import { resumptionOf } from '../../patterns/contract/server/cursor.ts'
import type { Part } from './parts.ts'

/** The parts of a page in the order in which they last changed. A part that changes again leaves its old place: so none is ever too old. */
export class PartLog {
  readonly #parts = new Map<string, Numbered>()
  #version = 0

  /** The number of the latest change. */
  get version(): number {
    return this.#version
  }

  /** Takes these as all the parts that there are: what differs is a change, what is missing is gone. */
  publish(parts: readonly Part[]): void {
    const ids = new Set(parts.map(({ id }) => id))
    const gone = [...this.#parts.values()].filter(({ id, html }) => html !== '' && !ids.has(id))
    for (const part of [...parts, ...gone.map((one) => ({ ...one, html: '' }))]) this.#put(part)
  }

  #put({ id, inside, html }: Part): void {
    if (this.#parts.get(id)?.html === html) return
    this.#parts.delete(id)
    this.#parts.set(id, { id, inside, html, number: ++this.#version })
  }

  /** Changes after this number, oldest first: each part once, as it is now. */
  after(number: number): readonly Numbered[] {
    return [...this.#parts.values()].filter((part) => part.number > number)
  }

  /** What a reader with these places gets first, and where it is then. */
  resume(places: readonly (string | undefined)[]): { readonly frames: string; readonly at: number } {
    const { after, isReset } = resumptionOf(this.#version, places)
    return { frames: (isReset ? resetFrame(this.#version) : '') + this.framesAfter(after), at: this.#version }
  }

  framesAfter(number: number): string {
    return this.after(number).map(frameOf).join('')
  }
}

export interface Numbered extends Part {
  readonly number: number
}

function frameOf({ number, ...part }: Numbered): string {
  return `id: ${number}\nevent: part\ndata: ${JSON.stringify(part)}\n\n`
}

/** As the streams of our contract say it: forget what you have, all of it comes again. */
function resetFrame(version: number): string {
  return `id: 0\nevent: stream.reset\ndata: ${JSON.stringify({ reason: 'no such place in the log', version })}\n\n`
}
