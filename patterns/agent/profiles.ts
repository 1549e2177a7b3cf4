export type StepKind = 'search' | 'read' | 'draft' | 'self_correct' | 'tool_call' | 'finalize'

/** A kind of work: what its steps are and how long a perfect execution takes at `timeScale` 1. */
export interface Profile {
  /** Sum of all durations, exactly, for every seed. */
  readonly totalMs: number
  readonly steps: readonly ProfileStep[]
}

export interface ProfileStep {
  readonly kind: StepKind
  readonly name: string
  /** Share of the total before the seed varies it. */
  readonly weight: number
  readonly credits: number
}

const researchWrite: Profile = {
  totalMs: 300_000,
  steps: [
    { kind: 'search', name: 'search for sources', weight: 3, credits: 2 },
    { kind: 'search', name: 'search for counter-evidence', weight: 2, credits: 2 },
    { kind: 'read', name: 'read primary sources', weight: 5, credits: 4 },
    { kind: 'read', name: 'read secondary sources', weight: 4, credits: 3 },
    { kind: 'draft', name: 'draft the outline', weight: 4, credits: 5 },
    { kind: 'self_correct', name: 'correct the outline', weight: 2, credits: 2 },
    { kind: 'search', name: 'search for missing facts', weight: 2, credits: 2 },
    { kind: 'read', name: 'read for missing facts', weight: 3, credits: 3 },
    { kind: 'draft', name: 'draft the text', weight: 7, credits: 9 },
    { kind: 'tool_call', name: 'check the citations', weight: 2, credits: 1 },
    { kind: 'self_correct', name: 'correct the text', weight: 4, credits: 5 },
    { kind: 'finalize', name: 'finalize the report', weight: 2, credits: 2 },
  ],
}

/** The same five minutes in few, long steps: a third of the messages, where many tasks must fit on a small machine. */
const researchBrief: Profile = {
  totalMs: 300_000,
  steps: [
    { kind: 'search', name: 'search for sources', weight: 3, credits: 3 },
    { kind: 'read', name: 'read the sources', weight: 5, credits: 6 },
    { kind: 'draft', name: 'draft the brief', weight: 5, credits: 8 },
    { kind: 'finalize', name: 'finalize the brief', weight: 2, credits: 2 },
  ],
}

const smoke: Profile = {
  totalMs: 30_000,
  steps: [
    { kind: 'search', name: 'search for one source', weight: 1, credits: 1 },
    { kind: 'draft', name: 'draft one paragraph', weight: 2, credits: 2 },
    { kind: 'finalize', name: 'finalize the paragraph', weight: 1, credits: 1 },
  ],
}

/** Three seconds: for what must be seen at full length while a person waits. */
const blink: Profile = {
  totalMs: 3_000,
  steps: [
    { kind: 'search', name: 'search for one fact', weight: 1, credits: 1 },
    { kind: 'draft', name: 'draft one sentence', weight: 2, credits: 1 },
    { kind: 'finalize', name: 'finalize the sentence', weight: 1, credits: 1 },
  ],
}

/** Every profile by name. At most 16 steps each: one digest gives all draws of a plan. */
export const profiles: ReadonlyMap<string, Profile> = new Map([
  ['research-write', researchWrite],
  ['research-brief', researchBrief],
  ['smoke', smoke],
  ['blink', blink],
])
