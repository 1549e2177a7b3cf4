import { type Lab, type LabOptions, openLab, type Study } from './lab.ts'
import type { Row } from './row.ts'
import burners from './studies/burners.ts'
import edits from './studies/edits.ts'
import exact from './studies/exact.ts'
import kills from './studies/kills.ts'
import loss from './studies/loss.ts'
import pauses from './studies/pauses.ts'
import scale from './studies/scale.ts'
import timing from './studies/timing.ts'

/** In the order in which they are carried out. */
export const studies: readonly Study[] = [exact, timing, pauses, loss, kills, scale, edits, burners]

export interface ValidateOptions extends LabOptions {
  /** Only the studies that have one of these controls; all of them otherwise. */
  readonly only?: ReadonlySet<string>
  readonly onStudy: (study: Study) => void
  readonly onRow: (row: Row) => void
}

/** A machine that was busy for a moment is asked again; one that stays so gives no measurement. */
const attempts = 3

/** Put everything whose truth is known through the real path. Resolves with one row per control, in order. */
export async function validate(options: ValidateOptions): Promise<readonly Row[]> {
  const lab = openLab(options)
  const rows: Row[] = []
  for (const study of studies) {
    const wanted = Object.keys(study.controls).filter((control) => options.only?.has(control) ?? true)
    if (wanted.length === 0) continue
    options.onStudy(study)
    const found = (await carryOut(study, lab, options)).filter(({ control }) => wanted.includes(control))
    for (const row of found) options.onRow(row)
    rows.push(...found)
  }
  return rows
}

async function carryOut(study: Study, lab: Lab, { onProgress }: ValidateOptions): Promise<readonly Row[]> {
  for (let attempt = 1; ; attempt++) {
    const rows = await study.run(lab)
    const busy = rows.find(({ verdict }) => verdict === 'unmeasured')
    if (attempt === attempts || !busy) return rows
    onProgress({ kind: 'note', text: `once more, since the machine was busy: ${busy.control}: ${busy.got}` })
  }
}
