import type {
  DiskCost,
  FaultChange,
  FaultState,
  HarnessHealth,
  Stranger,
  TaskEnd,
  TaskIntent,
  Vocabulary,
} from './history.ts'
import type { TaskStatus } from '../../patterns/contract/types/task.ts'
import type { Course, MachineHealth, ProcessDelay, Spell } from './machine.ts'
import { cellPlanSchema } from './plan-schema.ts'
import * as is from './shape.ts'

/**
 * What every line of a history must be: per operation who writes it, whether it is about a task, and its value per type.
 *
 * The types are those of `core/history.ts`, and the compiler holds these shapes against them: to add a field, an operation
 * or a word there, add it here too, where `tsc` then points. A field that older runs do not have is optional in both places.
 * What a system under test may say freely (the type of an event, the reason of an end) is a text; what has a vocabulary is
 * checked where it comes in, before it is recorded, so that a wrong system is never taken for a damaged file.
 */
interface OpShape<F extends keyof Vocabulary> {
  /** Who writes it; of `node` the beginning. */
  readonly process: string
  readonly task: boolean
  /** Types that complete an invocation, and so name it. */
  readonly completes: boolean
  readonly values: { readonly [T in Vocabulary[F]['type']]: is.Shape<ValueOf<F, T>> }
}

type ValueOf<F extends keyof Vocabulary, T> = F extends 'task'
  ? T extends 'invoke'
    ? TaskIntent
    : TaskEnd
  : Vocabulary[F]['value']

type Values = { readonly [F in keyof Vocabulary]: Vocabulary[F]['value'] }

const status = is.oneOf<TaskStatus>({
  queued: true,
  running: true,
  cancelling: true,
  completed: true,
  failed: true,
  cancelled: true,
  expired: true,
  rejected: true,
})

const intent = is.fields<TaskIntent>({
  ordinal: is.count,
  intendedAt: is.amount,
  idealMs: is.length,
  steps: is.count,
  deadlineAt: is.amount,
  giveUpAt: is.amount,
  expectedDigest: is.text,
})

const end = is.fields<TaskEnd>({
  taskId: is.optional(is.text),
  status: is.optional(status),
  digest: is.optional(is.nullable(is.text)),
  via: is.optional(is.oneOf({ response: true, callback: true, poll: true, stream: true })),
  reason: is.optional(is.oneOf({ 'not-offered': true, refused: true, gone: true, 'task-failed': true, cut: true })),
})

const submit = is.fields<Values['submit']>({
  attempt: is.ordinal,
  api: is.optional(is.text),
  taskId: is.optional(is.text),
  replayed: is.optional(is.flag),
  status: is.optional(is.count),
})

const poll = is.fields<Values['poll']>({
  taskId: is.text,
  status: is.optional(status),
  version: is.optional(is.count),
  httpStatus: is.optional(is.count),
  waitedMs: is.length,
})

const stream = is.fields<Values['stream']>({
  taskId: is.text,
  state: is.oneOf({ open: true, closed: true, 'heartbeat-missed': true, fallback: true, recovered: true }),
  after: is.optional(is.count),
  reason: is.optional(is.text),
})

const event = is.fields<Values['event']>({ taskId: is.text, seq: is.count, type: is.text, status })

const callback = is.fields<Values['callback']>({
  taskId: is.text,
  deliveryId: is.text,
  status,
  digest: is.nullable(is.text),
  httpStatus: is.count,
})

const effect = is.fields<Values['effect']>({
  taskId: is.text,
  step: is.ordinal,
  attempt: is.ordinal,
  executor: is.text,
  startedAt: is.amount,
  endedAt: is.amount,
  idempotencyKey: is.text,
})

const refusal = is.fields<Values['refusal']>({ reason: is.text, said: is.text })

const final = is.fields<Values['final']>({
  taskId: is.text,
  found: is.flag,
  status: is.optional(status),
  digest: is.optional(is.nullable(is.text)),
  version: is.optional(is.count),
})

const node = is.fields<Values['node']>({
  node: is.text,
  state: is.oneOf({ ready: true, exited: true, restarting: true, crashed: true }),
  pid: is.optional(is.count),
  signal: is.optional(is.nullable(is.text)),
  code: is.optional(is.nullable(is.amount)),
})

const fault = is.fields<FaultChange>({
  id: is.text,
  fault: is.text,
  target: is.text,
  state: is.oneOf<FaultState>({
    armed: true,
    proven: true,
    partly: true,
    healed: true,
    'not-applied': true,
    unexercised: true,
    lost: true,
    leaked: true,
    skipped: true,
  }),
  reached: is.optional(is.listOf(is.text)),
  onsetAt: is.optional(is.amount),
  firings: is.optional(is.count),
  evidence: is.optional(is.anything),
  reason: is.optional(is.text),
})

const stranger = is.fields<Stranger>({ place: is.text, who: is.text })

const disk = is.fields<DiskCost>({
  fsync: is.text,
  synchronousCommit: is.text,
  fsyncs: is.count,
  fsyncMeanMs: is.length,
})

const course = is.fields<Course>({ mean: is.length, worst: is.length, at: is.amount })

const machine = is.fields<MachineHealth>({
  standstill: is.fields({ at: is.amount, ms: is.length }),
  cores: is.ordinal,
  unwatched: is.optional(is.text),
  cpuPressure: is.optional(course),
  memoryPressure: is.optional(course),
  ioPressure: is.optional(course),
  steal: is.optional(course),
  others: is.optional(course),
  own: is.optional(course),
  swappedPages: is.optional(is.amount),
  processes: is.optional(
    is.listOf(
      is.fields<ProcessDelay>({
        name: is.text,
        mean: is.length,
        worst: is.listOf(is.fields<Spell>({ at: is.amount, ms: is.amount, waitedMs: is.amount })),
      }),
    ),
  ),
})

/** No measurement may be missing: a limit is not kept by what was not measured. */
const health = is.fields<HarnessHealth>({
  pacerLagP99Ms: is.amount,
  pacerLagMaxMs: is.amount,
  eventLoopDelayP99Ms: is.length,
  notOffered: is.count,
  cpuShare: is.length,
  ledgerGaps: is.count,
  machine: is.optional(machine),
})

const phase = is.fields<Values['phase']>({
  phase: is.oneOf({ load: true, heal: true, drain: true, final: true, end: true, cut: true }),
})

const harness = { process: 'harness', task: false, completes: false } as const
const client = { process: 'client', task: true, completes: false } as const

export const opShapes: { readonly [F in keyof Vocabulary]: OpShape<F> } = {
  // Whoever judges holds it against the plan. There is one per history, so that the plan's own schema may do it.
  cell: { ...harness, values: { observe: is.schemaOf(cellPlanSchema) } },
  phase: { ...harness, values: { observe: phase } },
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
  submit: {
    ...client,
    completes: true,
    values: { invoke: submit, ok: is.having(submit, ['taskId', 'status']), fail: submit, info: submit },
  },
  poll: { ...client, values: { ok: is.having(poll, ['status', 'version']), fail: poll, info: poll } },
  stream: { ...client, values: { observe: stream } },
  event: { ...client, values: { observe: event } },
  callback: { ...client, process: 'receiver', values: { observe: callback } },
  effect: { ...client, process: 'ledger', values: { observe: effect } },
  refusal: { ...harness, process: 'ledger', values: { observe: refusal } },
  final: {
    ...client,
    process: 'harness',
    values: { ok: is.having(final, ['status'], ({ found }) => found), fail: final, info: final },
  },
  node: { ...harness, process: 'node:', values: { observe: node } },
  fault: { ...harness, process: 'nemesis', values: { observe: fault } },
  stranger: { ...harness, values: { observe: stranger } },
  disk: { ...harness, values: { observe: disk } },
  health: { ...harness, values: { observe: health } },
}
