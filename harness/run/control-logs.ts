import { request } from 'undici'
import { monotonicMs } from '../../patterns/contract/types/timer.ts'
import type { ControlSeen } from '../model/control.ts'
import type { Node } from '../model/runtime.ts'
import type { CellParts } from './cell-context.ts'
import { subTasksIn } from './family-end.ts'
import { hasPrincipal, tokenOf } from './permission-probes.ts'

/** Milliseconds for one answer. */
const limitMs = 5_000

/**
 * When all is over: the log of each controlled task, and its memory, as the API shows them over a path without faults. What
 * nobody could say is not recorded, and judges nothing.
 */
export async function readControlLogs(parts: CellParts, taskIds: ReadonlyMap<string, string>): Promise<void> {
  const { cell, deployment, recorder, probes } = parts
  const apis = deployment.nodes.filter(({ role }) => role === 'api')
  for (const probe of cell.control ?? []) {
    const { key, kind } = probe
    // Its principal alone sees a task.
    const { principals } = probes
    const token = principals && hasPrincipal(probe) ? tokenOf(probe, principals.issuer) : parts.token
    const taskId = taskIds.get(key)
    const log = taskId === undefined ? undefined : await firstOf(apis, `/v1/tasks/${taskId}/events?after=0`, token)
    const events = log && eventsIn(log)
    if (taskId === undefined || !events) continue
    const context = kind === 'steer' ? await readContext(apis, taskId, token) : undefined
    const value = { kind, moment: 'log', taskId, log: [...events], ...(context && { context }) } as const
    recorder.record({ f: 'control', type: 'observe', process: 'client', task: key, value })
    for (const below of await readBelow(apis, events, token)) {
      const subLog = { kind, moment: 'sub-log', ...below } as const
      recorder.record({ f: 'control', type: 'observe', process: 'client', task: key, value: subLog })
    }
  }
  await readAccount(parts, apis)
}

/** What the balance of all its tasks has come to. It was paid by then what the ledger had by then, so the asking is what counts. */
async function readAccount({ cell, recorder, token }: CellParts, apis: readonly Node[]): Promise<void> {
  const first = cell.control?.find(({ kind }) => kind === 'balance')
  if (!first) return
  const atMonotonicMs = monotonicMs()
  const { credits, held, spent } = (await firstOf(apis, `/v1/accounts/${first.principal}`, token)) ?? {}
  const account = { credits, held, spent } as NonNullable<ControlSeen['account']>
  if (![credits, held, spent].every(Number.isFinite)) return
  const value = { kind: 'balance', moment: 'account', account } as const
  recorder.record({ f: 'control', type: 'observe', process: 'client', task: first.key, value, atMonotonicMs })
}

interface LogBelow {
  readonly taskId: string
  readonly log: Readonly<Record<string, unknown>>[]
}

/** Of every task below one: what nobody knows is not there. */
async function readBelow(apis: readonly Node[], parents: readonly Readonly<Record<string, unknown>>[], token: string) {
  const found: LogBelow[] = []
  for (const taskId of subTasksIn(parents)) {
    const log = await firstOf(apis, `/v1/tasks/${taskId}/events?after=0`, token)
    const events = log && eventsIn(log)
    if (!events) continue
    found.push({ taskId, log: events }, ...(await readBelow(apis, events, token)))
  }
  return found
}

type Event = Readonly<Record<string, unknown>>

/** What is no object is an event of which nothing is known; undefined: the answer has no list of events. */
export function eventsIn({ events }: Readonly<Record<string, unknown>>): Event[] | undefined {
  if (!Array.isArray(events)) return undefined
  return (events as readonly unknown[]).map((event) => {
    return typeof event === 'object' && event !== null && !Array.isArray(event) ? (event as Event) : {}
  })
}

async function readContext(apis: readonly Node[], taskId: string, token: string) {
  const found = await firstOf(apis, `/v1/tasks/${taskId}/context`, token)
  return found && { version: found['version'], digest: found['digest'] }
}

/** The first answer that is one: a node of an engine in memory knows its own tasks alone. */
async function firstOf(
  apis: readonly Node[],
  path: string,
  token: string,
): Promise<Readonly<Record<string, unknown>> | undefined> {
  for (const { url } of apis) {
    const headers = { authorization: `Bearer ${token}`, accept: 'application/json' }
    const answer = await request(`${url}${path}`, { headers, headersTimeout: limitMs, bodyTimeout: limitMs }).catch(
      () => undefined,
    )
    if (answer?.statusCode !== 200) {
      await answer?.body.dump()
      continue
    }
    const said = await answer.body.json().catch(() => undefined)
    if (typeof said === 'object' && said !== null) return said as Readonly<Record<string, unknown>>
  }
  return undefined
}
