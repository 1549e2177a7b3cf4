export type StepKind = 'search' | 'read' | 'draft' | 'self_correct' | 'tool_call' | 'finalize'

/** A kind of work: what its steps are and how long a perfect execution takes at `timeScale` 1. */
export interface Profile extends Total {
  /** What a task of it is, for people; absent where the name says it. */
  readonly about?: string
  readonly steps: readonly ProfileStep[]
  /** Size of the text in its result; absent: a result has none. */
  readonly resultBytes?: number
}

/** Sum of all durations. The seed draws it between the two, evenly over the logarithm; equal: exactly that for every seed. */
interface Total {
  readonly leastMs: number
  readonly mostMs: number
}

export interface ProfileStep {
  readonly kind: StepKind
  readonly name: string
  /** Share of the total before the seed varies it. */
  readonly weight: number
  readonly credits: number
  /** Kinds of work that it starts as sub-tasks, before it begins; absent: none. */
  readonly spawns?: readonly string[]
}

function always(ms: number): Total {
  return { leastMs: ms, mostMs: ms }
}

const researchWrite: Profile = {
  about: 'twelve steps in five minutes: the article’s “Research & Write”',
  ...always(300_000),
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

const researchBrief: Profile = {
  about:
    'the same five minutes in few, long steps: a third of the messages, where many tasks must fit on a small machine',
  ...always(300_000),
  steps: [
    { kind: 'search', name: 'search for sources', weight: 3, credits: 3 },
    { kind: 'read', name: 'read the sources', weight: 5, credits: 6 },
    { kind: 'draft', name: 'draft the brief', weight: 5, credits: 8 },
    { kind: 'finalize', name: 'finalize the brief', weight: 2, credits: 2 },
  ],
}

const smoke: Profile = {
  about: 'half a minute in three steps: for a first look',
  ...always(30_000),
  steps: [
    { kind: 'search', name: 'search for one source', weight: 1, credits: 1 },
    { kind: 'draft', name: 'draft one paragraph', weight: 2, credits: 2 },
    { kind: 'finalize', name: 'finalize the paragraph', weight: 1, credits: 1 },
  ],
}

const blink: Profile = {
  about: 'three seconds in three steps: for what must be seen at full length while a person waits',
  ...always(3_000),
  steps: [
    { kind: 'search', name: 'search for one fact', weight: 1, credits: 1 },
    { kind: 'draft', name: 'draft one sentence', weight: 2, credits: 1 },
    { kind: 'finalize', name: 'finalize the sentence', weight: 1, credits: 1 },
  ],
}

const paidLlmCall: Profile = {
  about: 'one call of a model that is paid and must not be paid twice: short ones are common, two minutes happen',
  leastMs: 5_000,
  mostMs: 120_000,
  steps: [{ kind: 'tool_call', name: 'call the model', weight: 1, credits: 10 }],
}

const oneLongStep: Profile = {
  about: 'a quarter of an hour without a word in between: longer than any lease, lock or heartbeat that nobody renews',
  ...always(900_000),
  steps: [{ kind: 'tool_call', name: 'run the long job', weight: 1, credits: 10 }],
}

/** Every profile that has a name. */
export const profiles: ReadonlyMap<string, Profile> = new Map([
  ['research-write', researchWrite],
  ['research-brief', researchBrief],
  ['smoke', smoke],
  ['blink', blink],
  ['paid-llm-call', paidLlmCall],
  ['one-long-step', oneLongStep],
])

/** A plan is a list, and has an end: this one takes more than five hours, and nobody waits for it. */
const rogueSteps = 2000
const rogueStepMs = 10_000

/** Profiles whose tasks have sub-tasks, by the name of the largest. No load is of them: what sub-tasks do, no client has submitted. */
export const familyProfiles: ReadonlyMap<string, Profile> = new Map([
  ['rogue', rogue(2)],
  ['recursive', recursive(2, 2)],
])

/** Every second step spawns another rogue one, until there are two. `generations`: of sub-tasks that come after it. */
function rogue(generations: number): Profile {
  const steps = Array.from({ length: rogueSteps }, (_, i): ProfileStep => {
    const spawns = generations > 0 && (i === 1 || i === 3) && { spawns: [`rogue/${generations - 1}`] }
    return { kind: 'tool_call', name: `call the model again (${i + 1})`, weight: 1, credits: 1, ...spawns }
  })
  const about = 'an agent that never ends: it calls a paid model again and again, and starts others that do so'
  return { about, ...always(rogueSteps * rogueStepMs), steps }
}

/** Its second step divides the question among so many sub-tasks of one generation less. */
function recursive(width: number, generations: number): Profile {
  const parts = Array.from({ length: width }, () => `recursive/${width}/${generations - 1}`)
  return {
    about: 'an agent that divides its question among others, which do so too: half a minute each, in three steps',
    ...always(30_000),
    steps: [
      { kind: 'search', name: 'look into the question', weight: 1, credits: 1 },
      {
        kind: 'tool_call',
        name: 'divide the question',
        weight: 1,
        credits: 2,
        ...(generations > 0 && { spawns: parts }),
      },
      { kind: 'finalize', name: 'answer the own part', weight: 1, credits: 1 },
    ],
  }
}

/** `rogue/1`, and `recursive/3/1`: three sub-tasks of one generation. More than any service may allow, so that limits can be met. */
function familyProfileOf(name: string): Profile | undefined {
  const [, rogueGenerations] = /^rogue\/([0-9])$/.exec(name) ?? []
  if (rogueGenerations !== undefined) return rogue(Number(rogueGenerations))
  const [, width, generations] = /^recursive\/([1-9]\d?)\/([0-9])$/.exec(name) ?? []
  return width === undefined ? familyProfiles.get(name) : recursive(Number(width), Number(generations))
}

/** What a kind of work comes to, where no profile has it: equal steps, and how long all of them take. */
export interface WorkShape extends Total {
  readonly steps: number
  readonly resultBytes: number
}

export const workLimits = { steps: 100, mostMs: 86_400_000, leastStepMs: 10, resultBytes: 200_000 } as const

/** The name of such work, which says all of it: `work/4/480000`, `work/1/5000-120000/20000` with 20,000 bytes as result. */
export function nameWork({ steps, leastMs, mostMs, resultBytes }: WorkShape): string {
  const total = leastMs === mostMs ? `${leastMs}` : `${leastMs}-${mostMs}`
  return `work/${steps}/${total}${resultBytes > 0 ? `/${resultBytes}` : ''}`
}

/** The profile of this name, also where the name itself says what the work is; undefined for any other. */
export function profileOf(name: string): Profile | undefined {
  const [, steps, least, most = least, bytes = 0] = /^work\/(\d+)\/(\d+)(?:-(\d+))?(?:\/(\d+))?$/.exec(name) ?? []
  if (steps === undefined) return profiles.get(name) ?? familyProfileOf(name)
  const shape = { steps: Number(steps), leastMs: Number(least), mostMs: Number(most), resultBytes: Number(bytes) }
  return isWithinLimits(shape) ? shapeProfile(shape) : undefined
}

function isWithinLimits({ steps, leastMs, mostMs, resultBytes }: WorkShape): boolean {
  const isCounted = steps >= 1 && steps <= workLimits.steps && resultBytes <= workLimits.resultBytes
  return isCounted && leastMs >= steps * workLimits.leastStepMs && leastMs <= mostMs && mostMs <= workLimits.mostMs
}

function shapeProfile({ steps, leastMs, mostMs, resultBytes }: WorkShape): Profile {
  const named = Array.from({ length: steps }, (_, i): ProfileStep => {
    return { kind: 'tool_call', name: `step ${i + 1} of ${steps}`, weight: 1, credits: 1 }
  })
  return { leastMs, mostMs, steps: named, ...(resultBytes > 0 && { resultBytes }) }
}

/** What a task of it takes on average, over all seeds. */
export function meanTotalMs({ leastMs, mostMs }: Profile): number {
  return leastMs === mostMs ? mostMs : (mostMs - leastMs) / Math.log(mostMs / leastMs)
}
