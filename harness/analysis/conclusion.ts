import type { CellTrace } from './trace.ts'
import type { Verdict } from '../model/checker.ts'

/** What a checker found out, before it is weighed. */
export interface Findings {
  /** How many things it judged, without those that it excused. None: nothing can be concluded. */
  readonly judged: number
  /** What those things are, for the summary: `accepted tasks`. */
  readonly unit: string
  /** What is wrong with the broken ones: `never reached their clients`. */
  readonly complaint: string
  /** Per broken thing, the ops that show it. */
  readonly broken: readonly (readonly number[])[]
  readonly counts?: Readonly<Record<string, number>>
  /** How many more would be broken, but for an outage that explains it. */
  readonly excused?: number
  /** Of these: how many for another reason, and which (`are late`). */
  readonly otherwise?: { readonly many: number; readonly why: string }
  /** How often something happened that could have broken the property, and what to say where nothing did. */
  readonly exercise?: { readonly times: number; readonly lacking: string }
  /** A breach of safety stays one whatever follows; absence can only be judged when the history is whole. */
  readonly kind: 'safety' | 'liveness'
}

const maxWitnesses = 20

/** Who excuses more than this share has not seen whether the property holds. */
const mostExcused = 0.05

/**
 * Weigh findings. A breach fails. Unknown: a torn history, nothing to judge, too much that had to be excused. Unexercised:
 * nothing happened that could have broken it. The rest passes.
 */
export function conclude(trace: CellTrace, findings: Findings): Verdict {
  const { judged, unit, complaint, broken, kind, excused = 0, exercise } = findings
  const counts = {
    judged,
    broken: broken.length,
    ...(findings.excused !== undefined && { excused }),
    ...findings.counts,
  }
  const witnesses = [...new Set(broken.flat())].slice(0, maxWitnesses)
  const give = (status: Verdict['status'], summary: string): Verdict => ({ status, summary, counts, witnesses })
  if (broken.length > 0 && (kind === 'safety' || trace.complete))
    return give('fail', `${broken.length} of ${judged} ${unit} ${complaint}`)
  if (!trace.complete) return { ...give('unknown', 'the history ends before the cell did'), witnesses: [] }
  if (excused > mostExcused * (judged + excused)) return give('unknown', tooMuch(findings, excused))
  if (judged === 0) return give('unknown', `there were no ${unit} to judge`)
  if (exercise?.times === 0) return give('unexercised', exercise.lacking)
  return give('pass', `${judged} ${unit}, none ${complaint}${but(findings, excused)}`)
}

function but({ otherwise }: Findings, excused: number): string {
  const { many = 0, why = '' } = otherwise ?? {}
  const parts = [
    ...(excused > many ? [`${excused - many} more are excused by an outage`] : []),
    ...(many > 0 ? [`${many} more ${why}`] : []),
  ]
  return parts.length > 0 ? ` (${parts.join(', ')})` : ''
}

function tooMuch({ judged, unit, complaint, otherwise }: Findings, excused: number): string {
  const share = ((100 * excused) / (judged + excused)).toFixed(0)
  const all = `${excused} of ${judged + excused} ${unit} (${share} %)`
  const { many = 0, why = '' } = otherwise ?? {}
  const what =
    many === excused ? why : `${complaint}, ${many === 0 ? 'which outages excuse' : `of which ${many} ${why}`}`
  return `${all} ${what}: more than ${100 * mostExcused} % is too much to tell`
}

/** How many cannot be judged, each kind with its reason. */
export function doubts(...kinds: readonly (readonly [number, string])[]): Pick<Findings, 'excused' | 'otherwise'> {
  const found = kinds.filter(([many]) => many > 0)
  const many = found.reduce((sum, [some]) => sum + some, 0)
  const why = found.length === 1 ? found[0]![1] : found.map(([some, one]) => `${some} ${one}`).join(', and ')
  return { excused: many, otherwise: { many, why } }
}
