import type { GateResult } from './judgements.ts'

/** `warning`: it is said, and changes nothing. `open`: the run is INCONCLUSIVE at best. `fails`: the run FAILs. */
export type GateEffect = 'none' | 'warning' | 'open' | 'fails'

type Judged = Pick<GateResult, 'gate' | 'verdict' | 'n'>

/**
 * What a gate makes of its run, by its verdict, `severity` and `onInconclusive`. Those two never change its own verdict. One
 * that saw nothing at all (left out, or n = 0) stays open whatever `onInconclusive` allows: that is for evidence that does
 * not settle it.
 */
export function effectOf({ gate, verdict, n }: Judged): GateEffect {
  if (verdict === 'PASS') return 'none'
  const { severity = 'error', onInconclusive } = gate
  if (severity === 'warn') return 'warning'
  if (verdict === 'FAIL' || onInconclusive === 'fail') return 'fails'
  if (n === 0 || onInconclusive === undefined) return 'open'
  return onInconclusive === 'warn' ? 'warning' : 'none'
}

/** Why a verdict makes something else of the run than such a verdict does by itself; empty where it does not. */
export function effectNote(result: Judged): string {
  const { verdict, gate } = result
  const usual = { PASS: 'none', FAIL: 'fails', INCONCLUSIVE: 'open' } as const
  const effect = effectOf(result)
  if (effect === usual[verdict]) return ''
  if (gate.severity === 'warn') return 'severity: warn'
  return effect === 'fails' ? 'onInconclusive: fail' : `allowed by onInconclusive: ${gate.onInconclusive}`
}
