import type { CellTrace } from './trace.ts'
import type { Verdict } from './types.ts'

/** What a checker found out, before it is weighed. */
export interface Findings {
  /** How many things it looked at. None: nothing can be concluded. */
  readonly judged: number
  /** What those things are, for the summary: `accepted tasks`. */
  readonly unit: string
  /** What is wrong with the broken ones: `never reached their clients`. */
  readonly complaint: string
  /** Per broken thing, the ops that show it. */
  readonly broken: readonly (readonly number[])[]
  readonly counts?: Readonly<Record<string, number>>
  /** A breach of safety stays one whatever follows; absence can only be judged when the history is whole. */
  readonly kind: 'safety' | 'liveness'
}

const maxWitnesses = 20

/** Weigh findings: a breach fails, a torn history or nothing to judge is unknown, the rest passes. */
export function conclude(trace: CellTrace, findings: Findings): Verdict {
  const { judged, unit, complaint, broken, kind } = findings
  const counts = { judged, broken: broken.length, ...findings.counts }
  const witnesses = [...new Set(broken.flat())].slice(0, maxWitnesses)
  const give = (status: Verdict['status'], summary: string): Verdict => ({ status, summary, counts, witnesses })
  if (broken.length > 0 && (kind === 'safety' || trace.complete))
    return give('fail', `${broken.length} of ${judged} ${unit} ${complaint}`)
  if (!trace.complete) return { ...give('unknown', 'the history ends before the cell did'), witnesses: [] }
  if (judged === 0) return give('unknown', `there were no ${unit} to judge`)
  return give('pass', `${judged} ${unit}, none ${complaint}`)
}
