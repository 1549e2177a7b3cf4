import { UsageError } from '../../core/errors.ts'
import { compilePlan } from '../../plan/compile.ts'
import { chooseSizes } from '../../plan/preset.ts'
import { presetIn } from '../../plan/preset-draft.ts'
import type { Catalog } from '../../scenario/catalog.ts'
import { type Change, changed, readDocument } from '../../scenario/document.ts'
import { readScenario } from '../../scenario/parse.ts'
import type { Scenario } from '../../scenario/scenario.ts'

interface Place {
  /** Where the text is to be written. */
  readonly file: string
  readonly runtime: string
  /** Path of an adapter that is to be written beside it. */
  readonly adapter: string
}

/** The scenario in a text of ours, sized by its preset if it has one. Throws UsageError where answers make none. */
export function checkScenario(text: string, { file, runtime, adapter }: Place, catalog: Catalog): Scenario {
  const source = readDocument(text, file)
  if (!('data' in source)) throw refusal(source)
  const { data } = source
  const preset = presetIn(data)
  const files = { adapters: new Map([[adapter, { sha256: '' }]]), composes: new Map() }
  const read = (changes: readonly Change[]): Scenario =>
    readScenario({ ...source, data: changed(data, changes) }, file, catalog, files)
  const compile = (scenario: Scenario) => compilePlan(scenario, catalog, { runtime })
  try {
    return read(preset === undefined ? [] : chooseSizes({ data, read }, preset, { catalog, compile }).changes)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    throw refusal([...error.problems, ...(preset === undefined ? [] : [instead])])
  }
}

const instead =
  'without --preset it has the numbers of a first try; a service that is given {timeScale}, as by --env, is run faster'

function refusal(problems: readonly string[]): UsageError {
  return new UsageError(['nothing was written, as it would be no scenario:', ...problems])
}
