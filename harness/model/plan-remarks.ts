import type { NotApplicable, Plan, CellPlan } from './plan.ts'

/** Something that a plan leaves out, in as few lines as it can be said. */
export interface LeftOut {
  /** `sync under network`, or the arms that no pattern can run here: `drop, edge-60`. */
  readonly what: string
  readonly why: string
}

/** What a plan leaves out: arms that the runtime cannot do together, first, whatever their number of patterns. */
export function summarizeNotApplicable({
  notApplicable,
  runtime,
}: Pick<Plan, 'notApplicable' | 'runtime'>): readonly LeftOut[] {
  const beyond = notApplicable.filter(isBeyondRuntime)
  const cured = Map.groupBy(beyond, (one) => one.runtime!.instead.join(', '))
  const others = notApplicable.filter((one) => !isBeyondRuntime(one))
  return [
    ...[...cured.values()].map((entries) => summarizeArms(entries, runtime)),
    ...others.map(({ pattern, arm, reason }) => ({ what: `${pattern} under ${arm}`, why: reason })),
  ]
}

/** Then it is so for every pattern of the arm. */
export function isBeyondRuntime({ runtime }: NotApplicable): boolean {
  return runtime !== undefined
}

function summarizeArms(entries: readonly NotApplicable[], runtime: string): LeftOut {
  const arms = new Set(entries.map(({ arm }) => arm))
  const lacks = new Set(entries.flatMap((one) => one.runtime!.lacks))
  const [instead] = entries[0]!.runtime!.instead
  const advice = instead === undefined ? '' : `; add --runtime ${instead}`
  return { what: [...arms].join(', '), why: `the runtime ${runtime} does not offer ${[...lacks].join(', ')}${advice}` }
}

/**
 * Where `grace` is shorter than one takeover of the engine, or two where more than one fault may hit a task. Such tasks
 * are late by the scenario's own choice. One sentence per engine and tuning; `format` writes milliseconds.
 */
export function graceWarnings({ cells }: Pick<Plan, 'cells'>, format: (ms: number) => string): readonly string[] {
  const byEngine = Map.groupBy(cells.filter(isShort), ({ engine, tuning }) => `${engine} (${tuning})`)
  return [...byEngine].map(([engine, short]) => {
    const worst = short.reduce((a, b) => (b.takeoverMs! - b.graceMs > a.takeoverMs! - a.graceMs ? b : a))
    return warningOf(engine, worst, format)
  })
}

function isShort({ takeoverMs, graceMs, faults }: CellPlan): boolean {
  if (takeoverMs === undefined) return false
  return graceMs < takeoverMs || (faults.length > 1 && graceMs < 2 * takeoverMs)
}

function warningOf(engine: string, { takeoverMs: one = 0, graceMs }: CellPlan, format: (ms: number) => string): string {
  const needs = `${engine} may need up to ${format(one)} for one takeover and ${format(2 * one)} for two`
  const grace = `grace is ${format(graceMs)}`
  if (graceMs >= one) return `${needs}; ${grace}: a task that is interrupted twice may be late.`
  const gone = 2 * graceMs < one ? ', and its client may have given up' : ''
  return `${needs}; ${grace}: a task that is interrupted once may be late${gone}.`
}

/** Kinds of control that a cell does not put to the test, by the reason: `control.balance, control.rate: the engine ...`. */
export function uncontrolledIn({ uncontrolled = [] }: Pick<CellPlan, 'uncontrolled'>): readonly string[] {
  const byReason = Map.groupBy(uncontrolled, ({ reason }) => reason)
  return [...byReason].map(([reason, kinds]) => `${kinds.map(({ kind }) => `control.${kind}`).join(', ')}: ${reason}`)
}
