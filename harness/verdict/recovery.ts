import { defaultConfidence } from '../stats/intervals.ts'
import { type Reached, type Waiting, waitingQuantile, waitingSteps } from '../stats/kaplan-meier.ts'
import { type Ended, waitingInterval } from '../stats/waiting-interval.ts'
import type { RecoveryResult, WaitingTime } from '../model/judgements.ts'
import type { CellResult, FaultEpisode, InterruptedTask, Restored } from '../model/results.ts'
import { firingsOf, occasionsOf, proportionOf, type Rows } from './proportion.ts'

/**
 * One entry per pattern and arm with an outage, repetitions pooled. Invalid cells say nothing. Where one of them cannot
 * tell whom its outages cut, none is asked: it may be the one in which nobody went on.
 */
export function summarizeRecovery(
  cells: readonly CellResult[],
  confidence = defaultConfidence,
): readonly RecoveryResult[] {
  const valid = cells.filter(({ verdict, episodes }) => {
    return verdict !== 'INVALID' && episodes.some(({ restored }) => restored !== undefined)
  })
  const groups = Map.groupBy(valid, ({ cell }) => `${cell.pattern} ${cell.arm}`)
  return [...groups.values()].map((group) => summarize(withoutUntold(group), confidence))
}

function withoutUntold(cells: readonly CellResult[]): readonly CellResult[] {
  if (!cells.some(({ attemptsUntold }) => attemptsUntold)) return cells
  return cells.map((cell) => ({ ...cell, interruptions: [], attemptsUntold: true }))
}

function summarize(cells: readonly CellResult[], confidence: number): RecoveryResult {
  const { pattern, arm } = cells[0]!.cell
  const interruptions = cells.flatMap((cell) => cell.interruptions)
  const outages = cells.flatMap(({ episodes }) => episodes.filter(({ restored }) => restored !== undefined))
  const telling = outages.filter((one) => !isUntouching(one))
  const waiting = interruptions.map(waitingOf)
  return {
    pattern,
    arm,
    outages: outages.length,
    interrupted: interruptions.length,
    ...(cells.some((cell) => cell.attemptsUntold) && { attemptsUntold: true }),
    ...(interruptions.length > 0 && { wentOn: wentOn(cells) }),
    resubmitted: interruptions.filter(({ by }) => by === 'client').length,
    ...takeoverOf(waiting),
    ...summarizeRestored(telling.flatMap(({ restored }) => restored ?? [])),
    ...(telling.length < outages.length && { untouching: outages.length - telling.length }),
    ...intervalsOf(cells, confidence),
  }
}

/** It puts nothing to the test: how soon tasks were on time says nothing of those that an outage meets. */
export function isUntouching({ affectedTasks }: FaultEpisode): boolean {
  return affectedTasks === 0
}

/** Tasks that firings of one instant interrupted share their luck. */
function wentOn(cells: readonly CellResult[]): NonNullable<RecoveryResult['wentOn']> {
  const rows = cells.map(({ cell, tasks, interruptions }): Rows => {
    const byName = new Map(tasks.map((task) => [task.task, task]))
    const cut = interruptions.flatMap((one) => {
      const task = byName.get(one.task)
      return task
        ? [{ ...task, outcome: one.afterMs === undefined ? ('stuck' as const) : ('ok' as const), episode: one.fault }]
        : []
    })
    return { cell, tasks: cut }
  })
  return proportionOf(rows, ({ outcome }) => outcome === 'ok')
}

function waitingOf({ afterMs, openAfterMs }: InterruptedTask): Waiting {
  if (afterMs !== undefined) return { endedMs: afterMs }
  return openAfterMs === undefined ? 'never' : { openMs: openAfterMs }
}

function takeoverOf(waiting: readonly Waiting[]): Pick<RecoveryResult, 'takeover' | 'waiting'> {
  const [p50, p90] = [0.5, 0.9].map((q) => waitingQuantile(waiting, q))
  if (!p50 || !p90) return {}
  return { takeover: { p50: timeOf(p50), p90: timeOf(p90) }, waiting: curveOf(waiting) }
}

function curveOf(waiting: readonly Waiting[]): NonNullable<RecoveryResult['waiting']> {
  const open = waiting.flatMap((one) => (one !== 'never' && 'openMs' in one ? [one.openMs] : []))
  const never = waiting.filter((one) => one === 'never').length
  return { steps: waitingSteps(waiting), open: open.toSorted((a, b) => a - b), never }
}

/** Infinity has no place in JSON. */
function timeOf(reached: Reached): WaitingTime {
  if ('beyondMs' in reached) return reached
  return { ms: reached.ms === Infinity ? null : reached.ms }
}

function summarizeRestored(restored: readonly Restored[]): Pick<RecoveryResult, 'restored' | 'unbroken' | 'tooFew'> {
  const told = restored.filter(({ kind }) => kind !== 'too-few')
  const median = waitingQuantile(told.map(restoredAfter), 0.5)
  const atMost = told.some((one) => one.kind === 'restored' && one.atMost)
  return {
    ...(median && { restored: { ...timeOf(median), ...(atMost && 'ms' in median && { atMost }) } }),
    unbroken: restored.filter(({ kind }) => kind === 'unbroken').length,
    tooFew: restored.length - told.length,
  }
}

function restoredAfter(one: Restored): Waiting {
  if (one.kind === 'beyond') return { openMs: one.ms }
  return { endedMs: one.kind === 'restored' ? one.ms : 0 }
}

/** Of the same times, where it is not known when some of them ended. Firings of one instant share what they do. */
function intervalsOf(cells: readonly CellResult[], confidence: number): Pick<RecoveryResult, 'intervals'> {
  const firings = firingsOf(cells)
  const cut = gather(cells, ({ interruptions }) => interruptions.map((one) => [one.fault, endOfTakeover(one)]))
  const service = gather(cells, ({ episodes }) =>
    episodes
      .filter((one) => !isUntouching(one))
      .flatMap(({ fault, restored }) => (restored ? [[fault, endOfOutage(restored)] as const] : [])),
  )
  const found = {
    takeoverP50: waitingInterval(cut, 0.5, firings, confidence),
    takeoverP90: waitingInterval(cut, 0.9, firings, confidence),
    restored: waitingInterval(service, 0.5, firings, confidence),
  }
  const known = Object.entries(found).flatMap(([name, ends]) => (ends ? [[name, ends.map(orNever)] as const] : []))
  return known.length === 0 ? {} : { intervals: Object.fromEntries(known) }
}

type ByFault = readonly (readonly [fault: string, ended: Ended])[]

function gather(cells: readonly CellResult[], timesOf: (cell: CellResult) => ByFault) {
  const groups = cells.flatMap((one) => {
    const occasion = occasionsOf(one.cell)
    return [...Map.groupBy(timesOf(one), ([fault]) => occasion(fault)).values()]
  })
  const [alone, shared] = [groups.filter((group) => group.length === 1), groups.filter((group) => group.length > 1)]
  const ends = (group: ByFault): readonly Ended[] => group.map(([, ended]) => ended)
  return { alone: alone.flatMap(ends), shared: shared.map(ends) }
}

function endOfTakeover({ afterMs, openAfterMs }: InterruptedTask): Ended {
  if (afterMs !== undefined) return { earliestMs: afterMs, latestMs: afterMs }
  return { earliestMs: openAfterMs ?? Infinity, latestMs: Infinity }
}

/** An outage with too few tasks to tell may have been none, or may have had no end. */
function endOfOutage(one: Restored): Ended {
  if (one.kind === 'unbroken') return { earliestMs: 0, latestMs: 0 }
  if (one.kind === 'restored') return { earliestMs: one.atMost ? 0 : one.ms, latestMs: one.ms }
  return { earliestMs: one.kind === 'beyond' ? one.ms : 0, latestMs: Infinity }
}

function orNever(ms: number): number | null {
  return ms === Infinity ? null : ms
}
