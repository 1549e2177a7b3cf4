import { isDeepStrictEqual } from 'node:util'
import type { RecoveryResult } from '../model/judgements.ts'
import type { CellResult, RunFigures, RunResults } from '../model/results.ts'

/**
 * The first figure that saved results have otherwise than the files that they were made from give it today, as a clause;
 * undefined where none is. Sentences may differ, as versions word them otherwise.
 */
export function otherFigure(saved: RunFigures, judged: RunResults): string | undefined {
  const [before, now] = [figuresOf(saved), figuresOf(judged)]
  const name = [...new Set([...before.keys(), ...now.keys()])].find((one) => {
    if (one.startsWith(checkOf) && !(before.has(one) && now.has(one))) return false
    return !isDeepStrictEqual(asStored(before.get(one)), asStored(now.get(one)))
  })
  if (name === undefined) return undefined
  const told = [before.get(name), now.get(name)].map((figure) => figure?.shown ?? 'none')
  return `${name} is ${told[0]}, and its files give ${told[1]}`
}

/** Versions have other checkers: one that only one side has says nothing. */
const checkOf = 'the check'

interface Figure {
  readonly value: unknown
  readonly shown: string
}

function figuresOf({ verdict, plan, cells, gates, recovery, claims }: RunFigures): ReadonlyMap<string, Figure> {
  return new Map<string, Figure>([
    ['the verdict', { value: verdict, shown: verdict }],
    ['the cells', named(cells.map(({ cell }) => cell.id))],
    ...cells.flatMap(figuresOfCell),
    [
      'the gates',
      named(
        gates.map((gate) => gate.verdict),
        gates.map(({ gate, observed, n, interval }) => ({ gate, observed, n, interval })),
      ),
    ],
    ['the gates of the plan', { value: plan.gates, shown: `${plan.gates.length} of them` }],
    [
      'the claims',
      named(
        claims.map((claim) => claim.verdict),
        claims.map((claim) => ({ ...claim, note: undefined })),
      ),
    ],
    ['the recovery', { value: recovery.map(withoutIntervals), shown: 'another one' }],
  ])
}

/** They came later than the figures that they are of. */
function withoutIntervals(recovery: RecoveryResult): Omit<RecoveryResult, 'intervals'> {
  const { intervals: _, ...figures } = recovery
  return figures
}

function figuresOfCell({
  cell,
  verdict,
  outcomes,
  success,
  exposed,
  serverSuccess,
  overhead,
  rework,
  requests,
  faults,
  checks,
}: RunFigures['cells'][number]): [string, Figure][] {
  const share = (of: CellResult['success'] | undefined): Figure => {
    const { successes = 0, n = 0, interval } = of ?? {}
    return { value: [successes, n, interval], shown: `${successes} of ${n}` }
  }
  const { p50, p95, p99 } = overhead
  return [
    [`the verdict of ${cell.id}`, { value: verdict, shown: verdict }],
    [`success of ${cell.id}`, share(success)],
    [`success of exposed tasks of ${cell.id}`, share(exposed)],
    [`success at the server of ${cell.id}`, share(serverSuccess)],
    [`the plan of ${cell.id}`, { value: cell, shown: `of ${cell.tasks} tasks` }],
    [
      `work done again of ${cell.id}`,
      { value: [rework.ratio, rework.plannedSteps, rework.executedSteps], shown: String(rework.ratio) },
    ],
    [`the requests of ${cell.id}`, { value: requests, shown: String(requests.requests) }],
    [
      `the faults of ${cell.id}`,
      named(faults.map(({ id, state, proven }) => `${id} ${state}${proven ? '' : ' unproven'}`)),
    ],
    ...checks.map(({ checker, status, promised }): [string, Figure] => {
      return [`${checkOf} ${checker} of ${cell.id}`, { value: [status, promised], shown: status }]
    }),
    [`the outcomes of ${cell.id}`, { value: outcomes, shown: JSON.stringify(outcomes) }],
    [`overhead of ${cell.id}`, { value: [p50, p95, p99], shown: [p50, p95, p99].join(', ') }],
  ]
}

function named(names: readonly string[], value: unknown = names): Figure {
  return { value: [names, value], shown: names.join(', ') || 'none' }
}

/** As JSON keeps it: without what is undefined. */
function asStored(figure: Figure | undefined): unknown {
  return JSON.parse(JSON.stringify([figure?.value]))
}
