import { placesIn } from '../../../harness/model/place.ts'
import type { Op, OpOf } from '../../../harness/model/history.ts'
import type { TaskStatus } from '../../../patterns/contract/types/task.ts'
import type { CellPlan } from '../../../harness/model/plan.ts'
import { cellPlan } from '../stats/cells.ts'

/** An op without its number: a story is told in order. */
type Line = { [F in Op['f']]: Omit<OpOf<F>, 'index'> }[Op['f']]

/** A whole history: the cell's plan, these lines, and the end. */
export function story(lines: readonly Line[], over: Partial<CellPlan> = {}): Op[] {
  const tasks = lines.filter(({ f, type }) => f === 'task' && type === 'invoke').length
  const cell = cellPlan({ tasks, ...over })
  return torn([observe('cell', -1, cell), ...lines, observe('phase', 9999, { phase: 'end' })])
}

/** The same without a beginning or an end. */
export function torn(lines: readonly Line[]): Op[] {
  return lines.map((line, index) => ({ index, ...line }) as Op)
}

function observe<F extends 'cell' | 'phase' | 'health' | 'node' | 'fault'>(
  f: F,
  at: number,
  value: OpOf<F>['value'],
): Line {
  return { f, type: 'observe', at, process: 'harness', value } as unknown as Line
}

/** Tasks: `intend('t-1', 100)` has two steps, should be done by 200, is late until 300 and given up at 400. */
export function intend(task: string, at = 0): Line {
  const value = {
    ordinal: Number(task.slice(2)) - 1,
    intendedAt: at,
    idealMs: 100,
    steps: 2,
    deadlineAt: at + 200,
    giveUpAt: at + 300,
    expectedDigest: 'right',
  }
  return { f: 'task', type: 'invoke', at, process: 'client', task, value }
}

export function end(task: string, at: number, type: 'ok' | 'fail' | 'info', value: object = {}): Line {
  const result: object = type === 'ok' ? { status: 'completed', digest: 'right' } : {}
  return { f: 'task', type, at, process: 'client', task, value: { ...result, ...value } }
}

export function submit(task: string, at: number, type: 'ok' | 'fail' | 'info', value: object = {}): Line {
  const id: object = type === 'ok' ? { taskId: `id-${task}` } : {}
  return {
    f: 'submit',
    type,
    at,
    process: 'client',
    task,
    value: { attempt: 1, api: 'client->api-0', ...id, ...value },
  }
}

export function poll(task: string, at: number, status: TaskStatus, version: number): Line {
  return {
    f: 'poll',
    type: 'ok',
    at,
    process: 'client',
    task,
    value: { taskId: `id-${task}`, status, version, waitedMs: 1 },
  }
}

export function event(task: string, at: number, seq: number, status: TaskStatus = 'running'): Line {
  return {
    f: 'event',
    type: 'observe',
    at,
    process: 'client',
    task,
    value: { taskId: `id-${task}`, seq, type: 'x', status },
  }
}

export function open(task: string, at: number, after?: number): Line {
  const value = { taskId: `id-${task}`, state: 'open', ...(after !== undefined && { after }) } as const
  return { f: 'stream', type: 'observe', at, process: 'client', task, value }
}

export function effect(task: string, step: number, startedAt: number, over: object = {}): Line {
  const own = { taskId: `id-${task}`, step, attempt: 1, executor: 'worker-0', startedAt, endedAt: startedAt + 50 }
  const value = { ...own, idempotencyKey: `id-${task}/${step}`, ...over }
  return { f: 'effect', type: 'observe', at: startedAt + 50, process: 'ledger', task, value }
}

export function callback(task: string, at: number, over: object = {}): Line {
  const value = {
    taskId: `id-${task}`,
    deliveryId: 'd',
    status: 'completed',
    digest: 'right',
    httpStatus: 204,
    ...over,
  } as const
  return { f: 'callback', type: 'observe', at, process: 'receiver', task, value }
}

export function final(task: string, type: 'ok' | 'info', value: object): Line {
  return { f: 'final', type, at: 900, process: 'harness', task, value: { taskId: `id-${task}`, found: true, ...value } }
}

export function exited(node: string, at: number): Line {
  return observe('node', at, { node, state: 'exited', signal: 'SIGKILL' })
}

export function ready(node: string, at: number): Line {
  return observe('node', at, { node, state: 'ready' })
}

/** A proven fault with its window; `healedAt` undefined: it never healed. */
export function fault(id: string, target: string, armedAt: number, healedAt?: number, name = 'kill'): Line[] {
  const about = { id, fault: name, target: placesIn(target) }
  return [
    observe('fault', armedAt, { ...about, state: 'armed' }),
    observe('fault', healedAt ?? 9000, { ...about, state: 'proven', firings: 1 }),
    ...(healedAt === undefined ? [] : [observe('fault', healedAt, { ...about, state: 'healed' })]),
  ]
}

export function health(over: Partial<OpOf<'health'>['value']> = {}): Line {
  const well = {
    pacerLagP99Ms: 1,
    pacerLagMaxMs: 2,
    eventLoopDelayP99Ms: 3,
    notOffered: 0,
    cpuShare: 0.1,
    ledgerGaps: 0,
  }
  return observe('health', 9998, { ...well, ...over })
}
