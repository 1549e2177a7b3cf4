import type { NotApplicable, Plan } from './plan.ts'

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
