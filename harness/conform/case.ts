import type { RunJob } from '../../patterns/contract/client/client.ts'
import type { Memory } from '../../patterns/contract/types/context.ts'
import type { Budget } from '../../patterns/contract/types/task.ts'
import type { Timing } from '../../patterns/contract/types/timing.ts'
import type { Named } from '../core/discover.ts'
import type { Injection } from '../faults/_kit/acquire.ts'
import type { Conversation } from './conversation.ts'
import type { Callbacks } from './receiver.ts'

/** What is held against the contract: a service that implements the task API, and how to ask it for work. */
export interface Target {
  /** The pattern's name, or the address. */
  readonly name: string
  /** Base address, with the path at which the API is mounted, and no slash at its end. */
  readonly url: string
  readonly token: string | undefined
  /** Whose token it is, where that does not say it. */
  readonly principal?: string | undefined
  /** What its nodes call the system that they are of, where we started them. */
  readonly system?: string
  readonly timeScale: number
  /** The contract's durations at the time scale. */
  readonly timing: Timing
  /** Body of a submission under this key: the same for the same key and work. */
  bodyFor(key: string, work?: Work): Body
  /** The API takes callbacks, or shows events as they happen, because it says so. */
  readonly promises: { readonly callbacks: boolean; readonly events: boolean }
  readonly able: Partial<Abilities>
  /** Why it has not the others. */
  readonly unable: Readonly<Partial<Record<Need, string>>>
  /** Ends what a case began, when its time is up. */
  readonly signal: AbortSignal
  /** What was said so far: each case has its own. */
  readonly conversation: Conversation
}

export interface Work {
  /** Minutes of the task's own world instead of half of one. */
  readonly long?: boolean
  /** Its agent starts sub-tasks: outlast's own does when it is asked for that, another one by its nature or not at all. */
  readonly family?: 'ending' | 'endless' | 'tooMany'
  readonly callbackUrl?: string
  /** Another request, though the same work. */
  readonly deadlineS?: number
  readonly budget?: Budget
  readonly memory?: Memory
}

export interface Body {
  readonly type: string
  readonly input: unknown
  readonly delivery?: { readonly webhook_url: string }
  readonly deadline_s?: number
  readonly budget?: Budget
  readonly memory?: Memory
}

/** What not every target has, and some cases need. */
export interface Abilities {
  /** `text/event-stream`. */
  readonly stream: true
  /** A WebSocket per task. */
  readonly socket: true
  /** Its tasks take commands. */
  readonly commands: true
  /** Its tasks have a memory, and show it. */
  readonly memory: true
  /** Its tasks have a budget. */
  readonly budget: true
  /** It keeps the account that pays for them. */
  readonly accounts: true
  /** It calls back, and we can be reached. */
  readonly callbacks: Callbacks
  /** Secret of a callback address, `whsec_...`, where it signs with a shared one. */
  readonly secretOf: (url: string) => string
  /** The right answer to a body of ours. */
  readonly answerTo: (body: Body) => string
  /** What the tool server recorded, in the order of arrival. */
  readonly effects: () => Promise<readonly Effect[]>
  /** No step ends until it is healed: tasks that run go on running. */
  readonly hold: () => Promise<Injection>
  /** Another way to the same service, on which both directions can go silent without FIN or RST. */
  readonly silentLink: FaultyLink
  /** Another way to the same service, on which requests arrive and answers are lost with a reset. */
  readonly lossyLink: FaultyLink
  /** SIGKILL for every node of ours, API and workers, and a new start. Resolves when they are ready. */
  readonly restart: () => Promise<void>
  /** Tasks outlive the processes, because the engine promises it; `forgetful`: they need not. */
  readonly durable: true
  readonly forgetful: true
  readonly client: PatternClient
}
export type Need = keyof Abilities

export interface FaultyLink {
  /** Like that of the target, with the path at which the API is mounted. */
  readonly url: string
  harm(): Promise<Injection>
}

export interface Effect {
  /** The body's own name for the work: its key. */
  readonly job: string
  readonly taskId: string
  readonly step: number
}

/** The pattern's own client half. */
export interface PatternClient {
  readonly run: RunJob
  readonly sticky: boolean
  /** It follows events, and reports each. */
  readonly events: boolean
}

/** One sentence about the contract that can be false. */
export interface Case<N extends Need = Need> {
  /** Unique in its group. */
  readonly name: string
  /** The sentence that it proves. */
  readonly proves: string
  /** Where the contract says so. */
  readonly source: string
  readonly needs: readonly N[]
  /** A part of the check before a run: takes no longer than one short task, and harms nothing. */
  readonly quick?: true
  /** It measures how long something takes: a machine that has other work can fail it, and it may try once more. */
  readonly timed?: true
  /** Its outcome depends on when things happen: nothing else runs beside it. */
  readonly alone?: true
  /**
   * Throws Breach for what is wrong, `Undecided` when it could not tell, `NotApplicable` when the service shows that it has
   * not what the case needs. Any other error is a defect of the case.
   */
  check(target: Target, able: Pick<Abilities, N>): Promise<void>
}

/** Default export of a file in `cases/`. */
export interface CaseGroup extends Named {
  readonly cases: readonly Case[]
}

/** Types `check` by what the case says that it needs. */
export function contractCase<const N extends Need = never>(one: Case<N>): Case {
  return one
}

/** How long a case may take: several tasks of the longest kind, and half a minute for a machine that has other work. */
export function limitMs({ timeScale }: Target): number {
  return Math.round(30_000 + 1_200_000 / timeScale)
}
