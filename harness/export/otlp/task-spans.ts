import { exposures } from '../../analysis/exposure.ts'
import { spanIdIn, type TraceIds, type TraceIdsOf } from '../../analysis/trace-ids.ts'
import { type CellTrace, type FaultTrace, lifeEndOf, taskEnd, type TaskTrace } from '../../analysis/trace.ts'
import type { OpOf } from '../../model/history.ts'
import { placeNames } from '../../model/place.ts'
import { outcomes, type CellResult, type TaskRow } from '../../model/results.ts'
import type { Attributes, Span, SpanEvent, Status } from './span.ts'

/** A cell as it was recorded and judged. */
export interface JudgedCell {
  readonly trace: CellTrace
  readonly result: Pick<CellResult, 'cell' | 'verdict' | 'tasks'>
  /** Milliseconds since 1970 when `at` was 0. */
  readonly zeroMs: number
  readonly idsOf: TraceIdsOf
}

/** Of one task, what its spans are made from. Times of the history are `at`; those of spans are `clock(at)`. */
interface About {
  readonly task: TaskTrace
  readonly ids: TraceIds
  readonly clock: (at: number) => number
  /** When nothing more is known of it. */
  readonly endAt: number
}

/**
 * One trace per task that was intended. The root is the task as its client had it, from when it was wanted until its client knew the
 * end; the faults of that time are its events. Below it are the client's requests, and the executions that the tool server saw.
 */
export function* spansOfCell(cell: JudgedCell): Generator<readonly Span[]> {
  const rows = new Map(cell.result.tasks.map((row) => [row.task, row]))
  for (const task of cell.trace.tasks) {
    const endAt = Math.min(lifeEndOf(task), Math.max(cell.trace.endAt, task.intent.intendedAt))
    const ids = cell.idsOf(cell.result.cell.id, task.task)
    const about = { task, ids, endAt, clock: (at: number) => cell.zeroMs + at }
    yield [rootOf(about, cell, rows.get(task.task)), ...submitsOf(about), ...readsOf(about), ...stepsOf(about)]
  }
}

function rootOf(about: About, cell: JudgedCell, row: TaskRow | undefined): Span {
  const { task, ids, clock, endAt } = about
  const { streams, rest } = followStreams(about)
  return {
    ...ids,
    name: `task ${cell.result.cell.pattern}`,
    kind: 'internal',
    startMs: clock(task.intent.intendedAt),
    endMs: clock(endAt),
    attributes: { ...attributesOf(task, row), ...placeOf(cell), 'outlast.streams': streams.length },
    events: [...faultsOf(about, cell), ...callbacksOf(about), ...rest].sort((a, b) => a.atMs - b.atMs),
    ...(row && { status: statusOf(row) }),
  }
}

/** With the verdict: a cell that is INVALID says nothing about its pattern, task by task neither. */
function placeOf({ result: { cell, verdict } }: JudgedCell): Attributes {
  const { id, pattern, delivery, engine, arm, repetition, timeScale } = cell
  return {
    'outlast.cell': id,
    'outlast.cell_verdict': verdict,
    'outlast.pattern': pattern,
    'outlast.delivery': delivery,
    'outlast.engine': engine,
    'outlast.arm': arm,
    'outlast.repetition': repetition,
    'outlast.time_scale': timeScale,
  }
}

/** What is not known of it is left out. */
function attributesOf(task: TaskTrace, row: TaskRow | undefined): Attributes {
  const { idealMs } = task.intent
  return {
    'outlast.task': task.task,
    'outlast.task.id': taskEnd(task)?.taskId ?? task.submits.find(({ type }) => type === 'ok')?.value.taskId,
    'outlast.outcome': row?.outcome ?? 'cut',
    'outlast.via': row?.via,
    'outlast.exposed': row?.exposed,
    'outlast.episode': row?.episode,
    'outlast.ideal_ms': idealMs,
    'outlast.overhead_ms': row && overheadOf(row),
    'outlast.requests': row?.requests,
    'outlast.callbacks': row?.posts,
    'outlast.executions': row?.executions,
    'outlast.server_status': task.finals.at(-1)?.value.status,
  }
}

/** Of a right result: what came instead of one has none. */
function overheadOf({ outcome, seenAt, intendedAt, idealMs }: TaskRow): number | undefined {
  const isRight = outcome === 'ok' || outcome === 'late'
  return isRight && seenAt !== undefined ? seenAt - intendedAt - idealMs : undefined
}

function statusOf({ outcome }: TaskRow): Status {
  return outcome === 'ok' ? { code: 'ok' } : { code: 'error', message: `${outcome}: ${outcomes[outcome]}` }
}

/** At the moment from which it concerned the task: what was armed long before is not outside of the span. */
function faultsOf(about: About, { trace }: JudgedCell): readonly SpanEvent[] {
  const { task, clock, endAt } = about
  const { intendedAt } = task.intent
  const touched = new Set(exposures(trace).get(task))
  const met = trace.faults.filter(
    ({ armedAt, healedAt = trace.endAt }) => armedAt !== undefined && armedAt <= endAt && healedAt >= intendedAt,
  )
  return met.flatMap((fault) => {
    const { armedAt, healedAt } = fault
    const attributes = { ...describeFault(fault, clock), 'outlast.fault.touched': touched.has(fault) }
    const began = { name: `fault ${fault.fault}`, atMs: clock(Math.max(armedAt!, intendedAt)), attributes }
    const healed = { name: `healed ${fault.fault}`, atMs: clock(healedAt ?? 0), attributes }
    return healedAt === undefined || healedAt > endAt ? [began] : [began, healed]
  })
}

function describeFault({ id, fault, places, state, armedAt, healedAt }: FaultTrace, clock: About['clock']): Attributes {
  const time = (at: number | undefined): string | undefined => (at === undefined ? at : isoOf(clock(at)))
  return {
    'outlast.fault.id': id,
    'outlast.fault.name': fault,
    'outlast.fault.places': placeNames(places),
    'outlast.fault.state': state,
    'outlast.fault.armed_at': time(armedAt),
    'outlast.fault.healed_at': time(healedAt),
  }
}

function isoOf(ms: number): string {
  return new Date(ms).toISOString()
}

function callbacksOf({ task, clock }: About): readonly SpanEvent[] {
  return [...task.callbacks, ...task.imposed].map(({ at, value }) => ({
    name: 'callback',
    atMs: clock(at),
    attributes: {
      'outlast.callback.id': value.deliveryId,
      'outlast.callback.status': value.status,
      'outlast.callback.by': value.by,
      'http.response.status_code': value.httpStatus,
    },
  }))
}

type Child = Pick<Span, 'name' | 'kind' | 'startMs' | 'endMs' | 'attributes'> & Pick<Partial<Span>, 'events' | 'status'>

function childOf({ ids }: About, name: string, child: Child): Span {
  return { traceId: ids.traceId, spanId: spanIdIn(ids, name), parentSpanId: ids.spanId, ...child }
}

function submitsOf(about: About): readonly Span[] {
  const { task, clock, endAt } = about
  const ends = new Map(task.submits.flatMap((op) => (op.type === 'invoke' ? [] : [[op.invoke, op] as const])))
  return task.submits.flatMap((begun) => {
    if (begun.type !== 'invoke') return []
    const end = ends.get(begun.index)
    const { attempt, api } = begun.value
    return childOf(about, `submit/${attempt}`, {
      name: 'submit',
      kind: 'client',
      startMs: clock(begun.at),
      endMs: clock(end?.at ?? endAt),
      attributes: {
        'http.request.method': 'POST',
        'http.response.status_code': end?.value.status,
        'outlast.attempt': attempt,
        'outlast.api': api,
        'outlast.replayed': end?.value.replayed,
        'outlast.answer': end?.type ?? 'none',
      },
      ...failureOf(end),
    })
  })
}

function readsOf(about: About): readonly Span[] {
  const { task, clock } = about
  const polls = task.polls.map((op, i) =>
    childOf(about, `poll/${i}`, {
      name: 'poll',
      kind: 'client',
      startMs: clock(op.at - op.value.waitedMs),
      endMs: clock(op.at),
      attributes: {
        'http.request.method': 'GET',
        'http.response.status_code': op.value.httpStatus,
        'outlast.status': op.value.status,
        'outlast.version': op.value.version,
      },
      ...failureOf(op),
    }),
  )
  return [...polls, ...followStreams(about).streams]
}

function failureOf(op: OpOf<'submit'> | OpOf<'poll'> | undefined): { readonly status?: Status } {
  if (!op || op.type === 'ok') return {}
  return { status: { code: 'error', ...(op.error !== undefined && { message: op.error }) } }
}

/** A stream lasts from its opening until it is closed. What was said of it while none was open belongs to the task. */
function followStreams(about: About): { readonly streams: readonly Span[]; readonly rest: readonly SpanEvent[] } {
  const { task, clock, endAt } = about
  const streams: Span[] = []
  const rest: SpanEvent[] = []
  let open: { readonly at: number; readonly after: number | undefined; readonly events: SpanEvent[] } | undefined
  const close = (at: number, reason?: string): void => {
    if (!open) return
    const attributes = { 'outlast.after': open.after, 'outlast.events': open.events.length, 'outlast.closed': reason }
    const span = { name: 'stream', kind: 'client', startMs: clock(open.at), endMs: clock(at), attributes } as const
    streams.push(childOf(about, `stream/${streams.length}`, { ...span, events: open.events }))
    open = undefined
  }
  for (const op of [...task.streams, ...task.events].sort((a, b) => a.index - b.index)) {
    if (op.f === 'stream' && op.value.state === 'open') {
      close(op.at)
      open = { at: op.at, after: op.value.after, events: [] }
    } else if (op.f === 'stream' && op.value.state === 'closed' && open) close(op.at, op.value.reason)
    else (open?.events ?? rest).push(eventOf(op, clock))
  }
  close(endAt)
  return { streams, rest }
}

function eventOf(op: OpOf<'stream'> | OpOf<'event'>, clock: About['clock']): SpanEvent {
  const atMs = clock(op.at)
  if (op.f === 'stream')
    return { name: `stream ${op.value.state}`, atMs, attributes: { 'outlast.reason': op.value.reason } }
  const { type, seq, status } = op.value
  return { name: type, atMs, attributes: { 'outlast.seq': seq, 'outlast.status': status } }
}

function stepsOf(about: About): readonly Span[] {
  const { task, clock } = about
  return task.executions.map(({ step, attempt, executor, startedAt, endedAt, repeats }, i) =>
    childOf(about, `step/${i}`, {
      name: `step ${step}`,
      kind: 'internal',
      startMs: clock(startedAt),
      endMs: clock(endedAt),
      attributes: {
        'outlast.step': step,
        'outlast.attempt': attempt,
        'outlast.executor': executor,
        'outlast.repeated': repeats !== undefined,
      },
    }),
  )
}
