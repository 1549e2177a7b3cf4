import type { Comparison, OverheadShift } from '../../model/judgements.ts'
import { isTooMany, unseenIn, unseenText } from '../../model/overhead-shift.ts'
import type { Gate } from '../../model/plan.ts'
import { compareOne } from '../compare.ts'
import type { Evidence, Seen } from './evidence.ts'

/** Points of success that were lost, as `outlast compare` shows them the other way round. */
export function evidenceOfRegression(gate: Gate, seen: Seen): Evidence {
  const { success, leftOut } = compareWithBase(gate, seen) ?? {}
  if (!success) return { observed: 0, n: 0, note: whyNothing(seen, leftOut) }
  const { pairs, difference, interval, basis } = success
  const note = [...(interval ? [] : [basis]), ...(leftOut ?? [])].join('; ')
  return {
    observed: lost(difference),
    n: pairs,
    ...(interval && { interval: [lost(interval[1]), lost(interval[0])] }),
    ...(note !== '' && { note }),
  }
}

/** Zero has no sign here. */
function lost(difference: number): number {
  return 0 - difference
}

/** Milliseconds by which overhead grew, over pairs that no fault touched. */
export function evidenceOfSlowdown(gate: Gate, seen: Seen): Evidence {
  const { overhead, leftOut } = compareWithBase(gate, seen) ?? {}
  const elsewhere = seen.base?.elsewhere ?? []
  if (elsewhere.length > 0)
    return { observed: 0, n: 0, note: `${seen.base!.run} was made on another machine: ${elsewhere.join('; ')}` }
  if (!overhead) return { observed: 0, n: 0, note: whyNothing(seen, leftOut) }
  if (!overhead.quotable) return { observed: 0, n: 0, note: 'milliseconds are quoted at timeScale 1 alone' }
  const { pairs, shiftMs, interval } = overhead
  const few = `${pairs} pairs that no fault touched: too few for an interval`
  return { observed: shiftMs, n: pairs, ...(interval ? { interval } : { note: few }), ...whatIsUnseen(overhead) }
}

/** Pairs of which the base has no result show no slowdown, and what this run alone lost shows it no less. */
function whatIsUnseen(overhead: OverheadShift): Pick<Evidence, 'cannotPass' | 'cannotFail'> {
  const unseen = unseenIn(overhead)
  const why = unseenText(unseen)
  return {
    ...(isTooMany(unseen.pairs, unseen.of) && { cannotPass: why }),
    ...(isTooMany(unseen.ofFirst, unseen.of) && { cannotFail: why }),
  }
}

function compareWithBase({ pattern, arm }: Gate, { cells, base, confidence }: Seen): Comparison | undefined {
  if (!base) return undefined
  const side = { pattern, arm }
  return compareOne(
    { first: { run: base.run, ...side }, second: side, cells: { first: base.cells, second: cells } },
    confidence,
  )
}

function whyNothing({ base }: Seen, leftOut: readonly string[] = []): string {
  if (!base) return 'there is no run to hold it against'
  return leftOut.length > 0 ? leftOut.join('; ') : 'no pair of tasks could be compared'
}
