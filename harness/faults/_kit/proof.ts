import type { ProofOfParts } from '../../model/fault.ts'

/**
 * What became of a fault on one of its nodes or links. `half`: begun there and not completed. `unfelt`: a node lived
 * through it and did not feel it. `quiet`: no peer on a link felt it. `undone`: it never was there.
 */
export type PartState = 'felt' | 'half' | 'unfelt' | 'quiet' | 'lost' | 'undone'

export interface Part {
  /** Of the node or link. */
  readonly name: string
  readonly state: PartState
  /** Where it is not `felt`: a sentence with the name in it. */
  readonly why?: string
}

/** What was gone before its end did harm until then. */
const harms: ReadonlySet<PartState> = new Set(['felt', 'half', 'lost'])

/**
 * A fault is proven where it was felt on all of its nodes or links with a peer at work. It is partly proven where on
 * some only, and unexercised where on none. Harm that was done is never called nothing, however much of it is missing.
 */
export function proofOfParts(parts: readonly Part[]): ProofOfParts {
  const has = (...states: readonly PartState[]): boolean => parts.some(({ state }) => states.includes(state))
  const why = parts.flatMap((part) => part.why ?? [])
  const reason = why.length > 0 && { reason: why.join('; ') }
  if (!has('felt', 'half')) return { state: has('lost') ? 'lost' : 'unexercised', ...reason }
  const reached = parts.filter(({ state }) => harms.has(state)).map(({ name }) => name)
  const named = reached.length < parts.length && { reached }
  const isWhole = !has('half', 'unfelt', 'lost', 'undone')
  return isWhole ? { state: 'proven', ...named } : { state: 'partly', ...named, ...reason }
}

/** What could not be done, as parts. */
export function undoneParts(undone: readonly { readonly name: string; readonly reason: string }[]): readonly Part[] {
  return undone.map(({ name, reason }) => ({ name, state: 'undone', why: reason }))
}
