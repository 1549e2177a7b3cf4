import { streamStates } from '../../patterns/contract/types/observations.ts'
import { taskStatus } from '../../patterns/contract/types/task.ts'
import { controlSeen } from './control.ts'
import { machineHealth } from './machine.ts'
import { place } from './place.ts'
import { cellPlanSchema } from './plan.ts'
import * as is from './shape.ts'

/**
 * The history of one cell: every line of `history.ndjson` is one `Op`. Checkers, statistics and pictures are pure functions of
 * it. The idea, and the meaning of `ok`, `fail` and `info`, are Jepsen's.
 *
 * The shapes below are the only source of what an operation holds: files are checked against them, and the types are theirs. A
 * field that older runs do not have is optional. What a system under test may say freely (the type of an event, the reason of
 * an end) is a text. What has a vocabulary is checked where it comes in, before it is recorded, so that a wrong system is never
 * taken for a damaged file.
 */

const status = is.oneOf(taskStatus.options)

const intent = is.fields({
  ordinal: is.count,
  /** When the arrival list wanted it sent. Every latency counts from here. */
  intendedAt: is.amount,
  /** Duration of a perfect execution: the sum of its planned steps. */
  idealMs: is.length,
  steps: is.count,
  /** intended + ideal + grace: `ok` until here. */
  deadlineAt: is.amount,
  /** intended + ideal + 2 x grace: `late` until here; the client gives up then. */
  giveUpAt: is.amount,
  expectedDigest: is.text,
})
export type TaskIntent = is.Shaped<typeof intent>

const end = is.fields({
  taskId: is.optional(is.text),
  status: is.optional(status),
  digest: is.optional(is.nullable(is.text)),
  /** How the client learned the end, in its delivery's words: `response`, `callback`, `poll`, `stream`. */
  via: is.optional(is.text),
  /**
   * fail: every submit failed (`refused`), the server forgot it (`gone`), its events could not be followed to the end
   * (`not-streamable`). info: the run ended first (`cut`).
   */
  reason: is.optional(is.oneOf(['not-offered', 'refused', 'gone', 'task-failed', 'not-streamable', 'cut'])),
})
export type TaskEnd = is.Shaped<typeof end>

const submit = is.fields({
  attempt: is.ordinal,
  api: is.optional(is.text),
  taskId: is.optional(is.text),
  replayed: is.optional(is.flag),
  status: is.optional(is.count),
})

const poll = is.fields({
  taskId: is.text,
  status: is.optional(status),
  version: is.optional(is.count),
  httpStatus: is.optional(is.count),
  waitedMs: is.length,
})

const stream = is.fields({
  taskId: is.text,
  state: is.oneOf(streamStates),
  after: is.optional(is.count),
  reason: is.optional(is.text),
})

const event = is.fields({ taskId: is.text, seq: is.count, type: is.text, status })

const callback = is.fields({
  taskId: is.text,
  deliveryId: is.text,
  /** Absent: it said none, as one that is news alone. */
  status: is.optional(status),
  digest: is.nullable(is.text),
  httpStatus: is.count,
  /** Digest of the body as it came; absent in older runs. */
  bytes: is.optional(is.text),
  /** Id of the fault that made this one: it is no post of the system. */
  by: is.optional(is.text),
})

/** `attempt` counts from 1 per task; times as the executor measured them. */
const effect = is.fields({
  taskId: is.text,
  step: is.ordinal,
  attempt: is.ordinal,
  executor: is.text,
  startedAt: is.amount,
  endedAt: is.amount,
  idempotencyKey: is.text,
  /** As the call named it; absent: it named none. */
  tool: is.optional(is.text),
})

const refusal = is.fields({ reason: is.text, said: is.text })

/** `found` false: the server does not know it. */
const final = is.fields({
  taskId: is.text,
  found: is.flag,
  status: is.optional(status),
  digest: is.optional(is.nullable(is.text)),
  version: is.optional(is.count),
})

const dropped = is.fields({
  /** The task at whose address it arrived: the address may be anybody's, also of no task. */
  task: is.text,
  /** The limit that was reached. */
  why: is.text,
  /** Posts that were dropped until now, this one included. */
  posts: is.ordinal,
})
export type Dropped = is.Shaped<typeof dropped>

const node = is.fields({
  node: is.text,
  state: is.oneOf(['ready', 'exited', 'restarting', 'crashed']),
  pid: is.optional(is.count),
  signal: is.optional(is.nullable(is.text)),
  code: is.optional(is.nullable(is.amount)),
})

/**
 * Life of a fault. `proven` needs the actuator's acknowledgement, a read-back and an effect (counter or observation).
 * `partly`: proven of some of its nodes or links, which `reached` names, and not of the others.
 * armed -> proven | partly | unexercised | lost -> healed | leaked. `not-applied` and `skipped` come in the place of `armed`, and end it.
 */
export const faultStates = [
  'armed',
  'proven',
  'partly',
  'healed',
  'not-applied',
  'unexercised',
  'lost',
  'leaked',
  'skipped',
] as const
export type FaultState = (typeof faultStates)[number]

const fault = is.fields({
  id: is.text,
  fault: is.text,
  target: is.listOf(place),
  state: is.oneOf(faultStates),
  /** With `proven` and `partly`: the nodes or links that it harmed; absent: all of `target`. */
  reached: is.optional(is.listOf(place)),
  /** With `armed`: when it took effect, in ms since the load's start; undefined: just now. */
  onsetAt: is.optional(is.amount),
  /** How often it took effect (connections, chunks, signals), when the state says so. */
  firings: is.optional(is.count),
  evidence: is.optional(is.anything),
  reason: is.optional(is.text),
})
export type FaultChange = is.Shaped<typeof fault>

/** A callback at an address that this cell gave to nobody: of work of another one, which had this port before. */
const foreign = is.fields({ path: is.text })

/** Who took the place of a node. */
const stranger = is.fields({
  /** The link or node where a node of ours was expected. */
  place: is.text,
  /** What is known of who was there: a clause with a verb. */
  who: is.text,
})
export type Stranger = is.Shaped<typeof stranger>

/** Durability of a PostgreSQL, and what it cost: since its last start, as a crash makes it forget. */
export const diskCost = is.fields({
  fsync: is.text,
  synchronousCommit: is.text,
  /** Flushes of the write-ahead log. */
  fsyncs: is.count,
  /** Mean duration of one. */
  fsyncMeanMs: is.length,
})
export type DiskCost = is.Shaped<typeof diskCost>

/** No measurement may be missing: a limit is not kept by what was not measured. */
export const harnessHealth = is.fields({
  pacerLagP99Ms: is.amount,
  pacerLagMaxMs: is.amount,
  eventLoopDelayP99Ms: is.length,
  notOffered: is.count,
  cpuShare: is.length,
  ledgerGaps: is.count,
  /** Absent in runs from before there was such a measurement. */
  machine: is.optional(machineHealth),
})
export type HarnessHealth = is.Shaped<typeof harnessHealth>

/** `end`: nothing is missing. `cut` in its place: the run was interrupted, and `error` says by what. */
const phases = ['load', 'heal', 'drain', 'final', 'end', 'cut'] as const
export type Phase = (typeof phases)[number]

const phase = is.fields({
  phase: is.oneOf(phases),
  /** Of the load: the time of day (ISO 8601, UTC) when `at` was 0; absent in older runs. */
  zeroAt: is.optional(is.text),
})

const harness = { process: 'harness', task: false, completes: false } as const
const client = { process: 'client', task: true, completes: false } as const

/**
 * Per operation who writes it (of `node` the beginning), whether it is about a task, whether it completes an invocation, and
 * its value per type.
 *
 * - `invoke` opens an operation; `ok`, `fail` (definitely not done) or `info` (unknown) closes it, naming the invoke's index.
 *   An operation without a completion counts as `info`.
 * - `observe` records something seen: it opens and closes nothing.
 */
export const opShapes = {
  /** First line of every history. There is one per history, so that the plan's own schema may check it. */
  cell: { ...harness, values: { observe: is.schemaOf(cellPlanSchema) } },
  phase: { ...harness, values: { observe: phase } },
  /** One intended task: invoked for each entry of the arrival list. `not-offered` completes as `fail`. */
  task: {
    ...client,
    completes: true,
    values: {
      invoke: intent,
      ok: is.having(end, ['taskId', 'status', 'digest', 'via']),
      fail: is.having(end, ['reason']),
      info: end,
    },
  },
  /** One attempt to submit. ok: accepted, with the server's id. info: sent, outcome unknown. */
  submit: {
    ...client,
    completes: true,
    values: { invoke: submit, ok: is.having(submit, ['taskId', 'status']), fail: submit, info: submit },
  },
  /** One status read by the client (a poll, or one long poll). */
  poll: { ...client, values: { ok: is.having(poll, ['status', 'version']), fail: poll, info: poll } },
  /** The stream came up or was resumed after `after`; `closed` says why it ended; `heartbeat-missed` is the watchdog. */
  stream: { ...client, values: { observe: stream } },
  /** One event seen on a stream, in the order of arrival. */
  event: { ...client, values: { observe: event } },
  callback: { ...client, process: 'receiver', values: { observe: callback } },
  /** The receiver had no room for a callback, and nobody knows what it said. Told at the first, and each time that their number has doubled. */
  dropped: { ...harness, process: 'receiver', values: { observe: dropped } },
  foreign: { ...harness, process: 'receiver', values: { observe: foreign } },
  effect: { ...client, process: 'ledger', values: { observe: effect } },
  /** What was sent to the ledger as an effect and is none: why, and how its body begins. It says not of which task. */
  refusal: { ...harness, process: 'ledger', values: { observe: refusal } },
  /** The server's truth about a task, read after heal and drain over a path without faults. */
  final: {
    ...client,
    process: 'harness',
    values: { ok: is.having(final, ['status'], ({ found }) => found), fail: final, info: final },
  },
  /** A moment of a task beside the load, which is controlled. */
  control: { ...client, values: { observe: controlSeen } },
  /** A life event of a node: from the runtime, not from the fault that caused it. */
  node: { ...harness, process: 'node:', values: { observe: node } },
  /** A fault changed state. `evidence` holds what proved it. */
  fault: { ...harness, process: 'nemesis', values: { observe: fault } },
  /** What is no node of this system answered where one is dialled, or has its port: told once per place. */
  stranger: { ...harness, values: { observe: stranger } },
  /** What a PostgreSQL of the cell says about its disk, when all is over. */
  disk: { ...harness, values: { observe: diskCost } },
  /** Measured once per cell by the harness about itself. */
  health: { ...harness, values: { observe: harnessHealth } },
} as const

type Shapes = typeof opShapes

/** Every operation by name: which types it occurs as, and what its value holds. */
export type Vocabulary = {
  [F in keyof Shapes]: {
    type: keyof Shapes[F]['values']
    value: { [T in keyof Shapes[F]['values']]: is.Shaped<Shapes[F]['values'][T]> }[keyof Shapes[F]['values']]
  }
}

export type OpOf<F extends keyof Vocabulary> = {
  /** The line's number from 0. Lines are in the order of recording: effects are merged from the ledger when the cell ends. */
  readonly index: number
  /** Milliseconds since the cell's start, on one monotonic clock for all processes. */
  readonly at: number
  readonly f: F
  readonly type: Vocabulary[F]['type']
  /** Who acted: `client`, `receiver`, `ledger`, `nemesis`, `node:worker-1`, `harness`. */
  readonly process: string
  /** The job's key, `t-00017`: present on every op about a task. */
  readonly task?: string
  /** Index of the invoke that this completes. */
  readonly invoke?: number
  readonly error?: string
  readonly value: Vocabulary[F]['value']
}

export type Op = { [F in keyof Vocabulary]: OpOf<F> }[keyof Vocabulary]
export type History = readonly Op[]
