import type { TaskStatus } from '../../patterns/contract/types/task.ts'
import type { MachineHealth } from './machine.ts'
import type { CellPlan } from './plan.ts'

/**
 * The history of one cell: every line of `history.ndjson` is one `Op`. Checkers, statistics and pictures are
 * pure functions of it. The idea, and the meaning of `ok`, `fail` and `info`, are Jepsen's.
 *
 * - `invoke` opens an operation; `ok`, `fail` (definitely not done) or `info` (unknown) closes it, naming the
 *   invoke's index. An operation without a completion counts as `info`.
 * - `observe` records something seen: it opens and closes nothing.
 *
 * `at` is in milliseconds since the cell's start, on one monotonic clock for all processes.
 * `index` is the line's number from 0. Lines are in the order of recording: effects are merged from the ledger
 * when the cell ends, so their `at` may be smaller than a predecessor's.
 */
export type Op = { [F in keyof Vocabulary]: OpOf<F> }[keyof Vocabulary]

export type OpOf<F extends keyof Vocabulary> = Vocabulary[F] extends { type: infer T; value: infer V }
  ? {
      readonly index: number
      readonly at: number
      readonly f: F
      readonly type: T
      /** Who acted: `client`, `receiver`, `ledger`, `nemesis`, `node:worker-1`, `harness`. */
      readonly process: string
      /** The job's key, `t-00017`: present on every op about a task. */
      readonly task?: string
      /** Index of the invoke that this completes. */
      readonly invoke?: number
      readonly error?: string
      readonly value: V
    }
  : never

type Completion = 'ok' | 'fail' | 'info'

/** Every operation by name: which types it occurs as, and what its value holds. */
export interface Vocabulary {
  /** First line of every history. */
  cell: { type: 'observe'; value: CellPlan }
  phase: { type: 'observe'; value: { phase: Phase } }

  /** One intended task: invoked for each entry of the arrival list. `not-offered` completes as `fail`. */
  task: { type: 'invoke' | Completion; value: TaskIntent | TaskEnd }
  /** One attempt to submit. ok: accepted, with the server's id. info: sent, outcome unknown. */
  submit: {
    type: 'invoke' | Completion
    value: { attempt: number; api?: string; taskId?: string; replayed?: boolean; status?: number }
  }
  /** One status read by the client (a poll, or one long poll). */
  poll: {
    type: Completion
    value: { taskId: string; status?: TaskStatus; version?: number; httpStatus?: number; waitedMs: number }
  }
  /** The stream came up or was resumed after `after`; `closed` says why it ended; `heartbeat-missed` is the watchdog. */
  stream: {
    type: 'observe'
    value: {
      taskId: string
      state: 'open' | 'closed' | 'heartbeat-missed' | 'fallback' | 'recovered'
      after?: number
      reason?: string
    }
  }
  /** One event seen on a stream, in the order of arrival. */
  event: { type: 'observe'; value: { taskId: string; seq: number; type: string; status: TaskStatus } }
  /** One callback request as the receiver got it. `accepted` false: refused by the receiver. */
  callback: {
    type: 'observe'
    value: { taskId: string; deliveryId: string; status: TaskStatus; digest: string | null; httpStatus: number }
  }

  /** An effect as the ledger recorded it; `attempt` counts from 1 per task; times as the executor measured them. */
  effect: {
    type: 'observe'
    value: {
      taskId: string
      step: number
      attempt: number
      executor: string
      startedAt: number
      endedAt: number
      idempotencyKey: string
    }
  }
  /** What somebody sent to the ledger as an effect and is none: why, and how its body begins. It says not of which task. */
  refusal: { type: 'observe'; value: { reason: string; said: string } }
  /** The server's truth about a task, read after heal and drain over a path without faults. `found` false: the server does not know it. */
  final: {
    type: Completion
    value: { taskId: string; found: boolean; status?: TaskStatus; digest?: string | null; version?: number }
  }

  /** A life event of a node: from the runtime, not from the fault that caused it. */
  node: {
    type: 'observe'
    value: {
      node: string
      state: 'ready' | 'exited' | 'restarting' | 'crashed'
      pid?: number
      signal?: string | null
      code?: number | null
    }
  }
  /** Somebody who is no node of this system answered where one is dialled, or has its port: told once per place. */
  stranger: { type: 'observe'; value: Stranger }
  /** A fault changed state. `evidence` holds what proved it. */
  fault: { type: 'observe'; value: FaultChange }
  /** What a PostgreSQL of the cell says about its disk, when all is over. */
  disk: { type: 'observe'; value: DiskCost }
  /** Measured once per cell by the harness about itself. */
  health: { type: 'observe'; value: HarnessHealth }
}

/** `end`: nothing is missing. `cut` in its place: the run was interrupted, and `error` says by what. */
export type Phase = 'load' | 'heal' | 'drain' | 'final' | 'end' | 'cut'

export interface TaskIntent {
  readonly ordinal: number
  /** When the arrival list wanted it sent. Every latency counts from here. */
  readonly intendedAt: number
  /** Duration of a perfect execution: the sum of its planned steps. */
  readonly idealMs: number
  /** Number of steps in its plan. */
  readonly steps: number
  /** intended + ideal + grace: `ok` until here. */
  readonly deadlineAt: number
  /** intended + ideal + 2 x grace: `late` until here; the client gives up then. */
  readonly giveUpAt: number
  readonly expectedDigest: string
}

/** How the client learned the end. */
export type Via = 'response' | 'callback' | 'poll' | 'stream'

export interface TaskEnd {
  readonly taskId?: string
  readonly status?: TaskStatus
  readonly digest?: string | null
  readonly via?: Via
  /** fail: `not-offered`, `refused` (every submit definitely failed), `gone` (the server forgot it), `task-failed`. info: `cut` (the run ended first). */
  readonly reason?: 'not-offered' | 'refused' | 'gone' | 'task-failed' | 'cut'
}

/**
 * Life of a fault. `proven` needs the actuator's acknowledgement, a read-back and an effect (counter or observation).
 * `partly`: proven of some of its nodes or links, which `reached` names, and not of the others.
 * planned -> armed -> proven | partly -> healed | lost | leaked;  not-applied | unexercised | skipped end it early.
 */
export type FaultState =
  | 'armed'
  | 'proven'
  | 'partly'
  | 'healed'
  | 'not-applied'
  | 'unexercised'
  | 'lost'
  | 'leaked'
  | 'skipped'

export interface FaultChange {
  readonly id: string
  readonly fault: string
  readonly target: string
  readonly state: FaultState
  /** With `proven` and `partly`: the nodes or links that it harmed; absent: all of `target`. */
  readonly reached?: readonly string[]
  /** With `armed`: when it took effect, in ms since the load's start; undefined: just now. */
  readonly onsetAt?: number
  /** How often it took effect (connections, chunks, signals), when the state says so. */
  readonly firings?: number
  readonly evidence?: Readonly<Record<string, unknown>>
  readonly reason?: string
}

/** Who took the place of a node. */
export interface Stranger {
  /** The link or node where a node of ours was expected. */
  readonly place: string
  /** What is known of who was there: a clause with a verb. */
  readonly who: string
}

/** Durability of a PostgreSQL, and what it cost: since its last start, as a crash makes it forget. */
export interface DiskCost {
  readonly fsync: string
  readonly synchronousCommit: string
  /** Flushes of the write-ahead log. */
  readonly fsyncs: number
  /** Mean duration of one. */
  readonly fsyncMeanMs: number
}

export interface HarnessHealth {
  readonly pacerLagP99Ms: number
  readonly pacerLagMaxMs: number
  readonly eventLoopDelayP99Ms: number
  readonly notOffered: number
  readonly cpuShare: number
  readonly ledgerGaps: number
  /** Absent in runs from before there was such a measurement. */
  readonly machine?: MachineHealth
}

export type History = readonly Op[]
