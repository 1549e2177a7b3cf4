import type { Registry } from '../../registry.ts'

/** One thing that a scenario or a command can name, with all that there is to know of it. */
export interface Entry {
  readonly name: string
  readonly summary: string
  readonly facts: readonly Fact[]
  /** What it takes; absent where it takes nothing that could be named. */
  readonly params?: readonly Param[]
}

/** Its label, and what is to be said under it. */
export type Fact = readonly [label: string, text: string]

export interface Param {
  /** As a scenario writes it. */
  readonly name: string
  readonly unit: string
  /** `must be written` where there is none. */
  readonly usual: string
  readonly range: string
  readonly about: string
}

/** One kind of such things; `about` says what they are. */
export interface Section {
  readonly about: string
  entries(registry: Registry): Promise<readonly Entry[]>
}

/** Without those facts that have nothing to say. */
export function told(facts: readonly (readonly [label: string, text: string | undefined])[]): readonly Fact[] {
  return facts.flatMap(([label, text]) => (text === undefined || text === '' ? [] : [[label, text] as const]))
}
