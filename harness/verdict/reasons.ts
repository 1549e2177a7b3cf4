import type { History } from '../model/history.ts'
import type { CellPlan } from '../model/plan.ts'
import { type CellTrace, taskEnd } from '../analysis/trace.ts'
import type { CheckResult, FaultResult, RunVerdict } from '../model/results.ts'

/** A sentence, and what it makes of the verdict. */
export interface Reason {
  readonly verdict: Exclude<RunVerdict, 'PASS'>
  readonly text: string
}

const order: readonly RunVerdict[] = ['INVALID', 'FAIL', 'INCONCLUSIVE', 'PASS']

/** The worst of all; PASS for none. */
export function worst(verdicts: readonly RunVerdict[]): RunVerdict {
  return order.find((verdict) => verdicts.includes(verdict)) ?? 'PASS'
}

/** The worst first, otherwise in the order given. */
export function rank<T extends { readonly verdict: RunVerdict }>(items: readonly T[]): readonly T[] {
  return items.toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict))
}

/** None, unless the check judges the run or a promise. What was not put to the test is no reason against the cell. */
export function reasonFromCheck(cell: string, check: CheckResult, invalidates = false): Reason | undefined {
  const { checker, judges, promised, status, summary } = check
  if (status === 'pass' || status === 'unexercised' || (judges !== undefined && !promised)) return undefined
  if (status === 'unknown') return { verdict: 'INCONCLUSIVE', text: `${cell}: ${checker} cannot tell: ${summary}` }
  const text = `${cell}: ${checker} failed: ${summary}`
  if (judges !== undefined) return { verdict: 'FAIL', text }
  return { verdict: invalidates ? 'INVALID' : 'INCONCLUSIVE', text }
}

/**
 * Without a whole measurement of the harness and the machine, as in a run that was cut, a broken promise may be their doing: the
 * cell blames nobody. INVALID stays: a damaged record, or a client that hung, needs no measurement.
 */
export function withoutBlame({ verdict, text }: Reason): Reason {
  if (verdict !== 'FAIL') return { verdict, text }
  return { verdict: 'INCONCLUSIVE', text: `${text}; nothing measured the machine to the end, which may have done this` }
}

const namedAtMost = 3

/** One sentence per way in which faults did not do what was planned. */
export function reasonsFromFaults(cell: string, faults: readonly FaultResult[]): readonly Reason[] {
  const sound = faults.filter(({ state }) => state !== 'leaked')
  const unproven = sound.filter(({ proven }) => !proven)
  const unhealed = sound.filter(({ proven, healedAt }) => proven && healedAt === undefined)
  const groups: readonly (readonly [Reason['verdict'], readonly FaultResult[], string])[] = [
    ['INVALID', faults.filter(({ state }) => state === 'leaked'), 'could not be undone (leaked)'],
    ...Map.groupBy(unproven, ({ state }) => state)
      .entries()
      .map(([state, group]) => ['INCONCLUSIVE', group, `were never proven (${state})`] as const),
    ['INCONCLUSIVE', sound.filter(({ proven, state }) => proven && state === 'partly'), 'were carried out in part'],
    ['INCONCLUSIVE', unhealed, 'were never healed'],
  ]
  return groups
    .filter(([, group]) => group.length > 0)
    .map(([verdict, group, what]) => {
      return { verdict, text: `${cell}: ${group.length} of ${faults.length} planned faults ${what}: ${name(group)}` }
    })
}

function name(faults: readonly FaultResult[]): string {
  const named = faults.slice(0, namedAtMost).map(({ id, reason }) => (reason ? `${id} (${reason})` : id))
  const more = faults.length - named.length
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '')
}

/** A cell that could not be carried out ends with why; undefined for every other. */
export function reasonFromFailure(cell: string, history: History): Reason | undefined {
  const end = history.findLast((op) => op.f === 'phase')
  if (!end?.error || end.value.phase === 'cut') return undefined
  return { verdict: 'INVALID', text: `${cell}: it could not be carried out: ${end.error.trim()}` }
}

/** Tasks of a cell that was interrupted, or whose harness died, that were not decided: cut, or never sent. */
export function undecided({ tasks }: CellTrace, cell: CellPlan): number {
  const decided = tasks.filter((task) => task.end && taskEnd(task)?.reason !== 'cut').length
  return Math.max(0, cell.tasks - decided)
}

/** Neither success nor failure: why a record ends before its cell did, when that was, and what it leaves open. */
export function reasonFromCut(cell: CellPlan, trace: CellTrace): Reason {
  const plannedMs =
    (cell.tasks / cell.load.ratePerSec) * 1000 + (trace.tasks[0]?.intent.idealMs ?? 0) + 2 * cell.graceMs
  const cut = trace.tasks.find((task) => taskEnd(task)?.reason === 'cut')
  const at = `${clock(Math.max(0, cut?.end?.at ?? trace.endAt))} of ${clock(plannedMs)}`
  const open = `${undecided(trace, cell)} of ${cell.tasks} tasks cut or not sent`
  const why = trace.cut ?? 'the harness ended before the cell did'
  return { verdict: 'INCONCLUSIVE', text: `${cell.id}: interrupted at ${at}, ${open}${why && ` (${why})`}` }
}

/** `0:07` */
function clock(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}
