import type { Named } from '../harness/core/discover.ts'
import type { Screen } from '../harness/core/text-table.ts'
import type { RunResults } from '../harness/model/results.ts'

/** A way to show results: one file in `reports/formats/`. Pure: the same results give the same text, or the same bytes. */
export type Format = ScreenFormat | FileFormat

/** Its text is printed. */
export interface ScreenFormat extends Common {
  readonly output: 'screen'
  /** Any results that the schema allows: no tasks, no faults, nothing resolved. `screen` is for formats that fit themselves to one. */
  render(results: RunResults, screen?: Screen): string
}

/** It is written into a file. */
export interface FileFormat extends Common {
  readonly output: 'file'
  /** Of any results, too. Bytes, where it is no text. */
  render(results: RunResults): string | Uint8Array
}

interface Common extends Named {
  /** Also where nobody asks for it: when a run ends, by `outlast check` (screen) and by `outlast report` (file). */
  readonly usual?: true
  /** Of the file that `outlast report` writes: `report.<extension>`. */
  readonly extension: string
}

/** A file, a pipe, a log: nothing may be assumed about it. */
export const plainScreen: Screen = { columns: 140, colour: false, unicode: false }
