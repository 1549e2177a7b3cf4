import { join } from 'node:path'
import { loadProtocol } from '../../patterns/contract/server/plugins.ts'
import { describeError } from '../core/errors.ts'
import { roundMs } from '../core/numbers.ts'
import { diskFullLine } from '../os/log-tail.ts'
import { nodeOf } from '../analysis/places.ts'
import type { PacerReport } from './open-loop.ts'
import { enterPhase, type CellParts } from './cell-context.ts'
import { readControlLogs } from './control-logs.ts'
import { readFinals } from './final-reads.ts'
import { type HealthMonitor, summarizeLags } from './health.ts'
import type { JobRunner } from './jobs.ts'
import type { LedgerEffect, LedgerRefusal } from './ledger.ts'
import type { Recorder } from './recorder.ts'

/** Complete a cell's history: the truth from servers and ledger, the harness's own health, and the end. */
export async function completeHistory(
  parts: CellParts,
  pacer: PacerReport,
  health: ReturnType<HealthMonitor['stop']>,
): Promise<void> {
  const { cell, context, recorder, runner, ledger } = parts
  enterPhase(parts, 'final')
  const before = await ledger.readAll()
  const readTask = parts.speech?.readTask ?? (await loadProtocol(cell.delivery))?.readTask
  await readFinals([...runner.unresolved], knownIds(runner, before.effects), { ...parts, readTask })
  await readControlLogs(parts, parts.probes.taskIds)
  // A task may end between the two: the effects of a result come before it, so the ledger is read after the results.
  const { effects, refusals, gaps } = await ledger.readAll()
  for (const effect of effects) recordEffect(recorder, effect)
  for (const refusal of refusals) recordRefusal(recorder, refusal)
  await recordDisk(parts)
  recorder.record({
    f: 'health',
    type: 'observe',
    process: 'harness',
    value: {
      ...summarizeLags(pacer.lagsMs),
      ...health,
      notOffered: pacer.notOffered,
      ledgerGaps: gaps,
      machine: context.machine.health(cell),
    },
  })
  enterPhase(parts, 'end', await findFullDisk(parts))
}

/** An interrupted cell has no end: what the ledger knows is kept, and nobody is asked for what may still be under way. */
export async function completeCutHistory(parts: CellParts): Promise<void> {
  const { recorder, ledger, context } = parts
  // Interrupted before the load, it has no zero yet.
  recorder.startAt(recorder.epochMs)
  const { effects, refusals } = await ledger.readAll().catch(() => ({ effects: [], refusals: [] }))
  for (const effect of effects) recordEffect(recorder, effect)
  for (const refusal of refusals) recordRefusal(recorder, refusal)
  enterPhase(parts, 'cut', describeError(context.signal.reason))
}

/** A system whose servers had no room for their files was not measured. */
async function findFullDisk({ deployment, logs }: CellParts): Promise<string | undefined> {
  const servers = deployment.nodes.filter(({ role }) => role === 'store' || role === 'engine')
  for (const { name } of servers) {
    const said = await diskFullLine(join(logs, `${name}.log`))
    if (said !== undefined) return `the disk of ${name} was full: ${said}`
  }
  return undefined
}

/** A database that cannot say it, as one that a fault has ended, is no reason to lose the cell. */
async function recordDisk({ deployment, recorder }: CellParts): Promise<void> {
  const value = await deployment.diskCost?.().catch(() => undefined)
  if (value) recorder.record({ f: 'disk', type: 'observe', process: 'harness', value })
}

/** The client may never have learned an id that the server gave: then the effects tell. */
function knownIds(runner: JobRunner, effects: readonly LedgerEffect[]): ReadonlyMap<string, readonly string[]> {
  const ids = new Map<string, Set<string>>()
  const add = (job: string, id: string): void => void ids.set(job, (ids.get(job) ?? new Set()).add(id))
  for (const [job, id] of runner.taskIds) add(job, id)
  for (const { task, taskId } of effects) if (runner.unresolved.has(task)) add(task, taskId)
  return new Map([...ids].map(([job, set]) => [job, [...set]]))
}

function recordEffect(recorder: Recorder, effect: LedgerEffect): void {
  const { task, taskId, step, attempt, idempotencyKey, tool } = effect
  const executor = nodeOf(effect.executor)
  const startedAt = roundMs(effect.startedAt - recorder.epochMs)
  const endedAt = roundMs(effect.endedAt - recorder.epochMs)
  const value = { taskId, step, attempt, executor, startedAt, endedAt, idempotencyKey, ...(tool && { tool }) }
  recorder.record({ f: 'effect', type: 'observe', process: 'ledger', task, value, atMonotonicMs: effect.receivedAt })
}

function recordRefusal(recorder: Recorder, { refused, said, receivedAt }: LedgerRefusal): void {
  const value = { reason: refused, said }
  recorder.record({ f: 'refusal', type: 'observe', process: 'ledger', value, atMonotonicMs: receivedAt })
}
