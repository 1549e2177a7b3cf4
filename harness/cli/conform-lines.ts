import { styleText } from 'node:util'
import type { CaseResult } from '../conform/suite.ts'
import type { Conformance } from '../run/conform.ts'
import { visibleLine } from '../core/visible.ts'
import { outputScreen } from './output.ts'

const colours = { pass: 'green', fail: 'red', undecided: 'yellow', 'n/a': 'dim' } as const
const widest = 'undecided'.length

/** One line per case: what became of it, its name, and why. */
export function caseLine({ case: name, outcome, reason }: CaseResult): string {
  const mark = outcome.padEnd(widest)
  const painted = outputScreen().rich ? styleText(colours[outcome], mark) : mark
  return `  ${painted}  ${name}${reason === undefined ? '' : `: ${visibleLine(reason)}`}`
}

/** `polling: 31 pass, 0 fail, 0 undecided, 22 n/a`. */
export function countLine({ pattern, cases }: Conformance): string {
  const counts = Object.keys(colours).map((outcome) => {
    return `${cases.filter((one) => one.outcome === outcome).length} ${outcome}`
  })
  return `${pattern}: ${counts.join(', ')}`
}
