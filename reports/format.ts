import type { Named } from '../harness/core/discover.ts'
import type { Screen } from '../harness/core/text-table.ts'
import type { RunResults } from '../harness/model/results.ts'

/** A way to show results: one file in `reports/formats/`. Pure: the same results give the same text. */
export interface Format extends Named {
  /** Whether its text is printed, or written into a file. */
  readonly output: 'screen' | 'file'
  /** Also where nobody asks for it: when a run ends, by `outlast check` (screen) and by `outlast report` (file). */
  readonly usual?: true
  /** Of the file that `outlast report` writes: `report.<extension>`. */
  readonly extension: string
  /** Any results that the schema allows: no tasks, no faults, nothing resolved. `screen` is for formats that fit themselves to one. */
  render(results: RunResults, screen?: Screen): string
}

/** A file, a pipe, a log: nothing may be assumed about it. */
export const plainScreen: Screen = { columns: 140, colour: false, unicode: false }
