import { traceIdsOf } from '../../analysis/trace-ids.ts'
import { traceOf } from '../../analysis/trace.ts'
import type { History } from '../../model/history.ts'
import type { RunResults } from '../../model/results.ts'
import { readHistory } from '../../store/history-file.ts'
import { cellBegan, cellFolder, type RunFolder } from '../../store/run-folder.ts'
import { type Batch, type Delivered, type Patience, sendBatches } from './send.ts'
import { encodeAttributes, encodeSpan } from './span.ts'
import type { OtlpTarget } from './target.ts'
import { type JudgedCell, spansOfCell } from './task-spans.ts'

/** A run that is over, as it was judged. */
export interface EndedRun {
  readonly folder: RunFolder
  readonly results: RunResults
}

export interface Exported extends Delivered {
  readonly tasks: number
  /** Cells of which it is not known at what time of day they ran. */
  readonly untimed: number
}

/**
 * Sends the traces of a run that is over to a collector. It reads the histories, one cell at a time, and changes nothing. Resolves with
 * what was sent, and why not all of it; never rejects for what the collector does.
 */
export async function exportRun(
  run: EndedRun,
  target: OtlpTarget,
  signal: AbortSignal,
  patience?: Patience,
): Promise<Exported> {
  const made = { tasks: 0, untimed: 0 }
  const delivered = await sendBatches(target, batchesOf(run, made), signal, patience)
  return { ...made, ...delivered }
}

/** One sentence of a run's summary. */
export function exportSentence({ tasks, sent, problem, untimed }: Exported, { shown }: OtlpTarget): string {
  // How many tasks they are of is known where all were made.
  if (problem !== undefined)
    return `${sent === 0 ? `none went to ${shown}` : `${sent} spans went to ${shown}, and no more`}: ${problem}`
  const what = `${sent} spans of ${tasks} tasks went to ${shown}`
  return untimed === 0 ? what : `${what}; ${untimed} cells have none, as an older version recorded them`
}

/** Counts on the way: nobody knows beforehand how many there will be. */
type Made = { -readonly [K in 'tasks' | 'untimed']: Exported[K] }

const mostSpans = 512
const mostBytes = 1_000_000

async function* batchesOf({ folder, results }: EndedRun, made: Made): AsyncGenerator<Batch> {
  const frame = frameOf(results)
  let spans: string[] = []
  let bytes = 0
  const take = (): Batch => {
    const batch = { body: frame(spans), spans: spans.length }
    ;[spans, bytes] = [[], 0]
    return batch
  }
  for await (const cell of cellsOf(folder, results, made))
    for (const ofTask of spansOfCell(cell)) {
      made.tasks++
      for (const span of ofTask) {
        const text = JSON.stringify(encodeSpan(span))
        if (spans.length >= mostSpans || (spans.length > 0 && bytes + text.length > mostBytes)) yield take()
        spans.push(text)
        bytes += text.length
      }
    }
  if (spans.length > 0) yield take()
}

/** One history at a time is in memory. */
async function* cellsOf(folder: RunFolder, results: RunResults, made: Made): AsyncGenerator<JudgedCell> {
  const idsOf = traceIdsOf(results.plan, results.environment)
  for (const result of results.cells) {
    if (!(await cellBegan(folder, result.cell.id))) continue
    const { history } = await readHistory(cellFolder(folder, result.cell.id).history)
    const trace = traceOf(history)
    const zeroMs = zeroOf(history)
    if (zeroMs !== undefined) yield { trace, result, zeroMs, idsOf }
    else if (trace.tasks.length > 0) made.untimed++
  }
}

/** Undefined: its load never began, or an older version recorded it, which did not write this down. */
function zeroOf(history: History): number | undefined {
  const load = history.find((op) => op.f === 'phase' && op.value.phase === 'load')
  const zeroMs = load?.f === 'phase' ? Date.parse(load.value.zeroAt ?? '') : NaN
  return Number.isNaN(zeroMs) ? undefined : zeroMs
}

/** Puts spans, each encoded, into a request of OTLP (ExportTraceServiceRequest). */
function frameOf({ run, plan, environment }: RunResults): (spans: readonly string[]) => string {
  const resource = {
    attributes: encodeAttributes({
      'service.name': 'outlast',
      'service.version': environment.outlast,
      'outlast.run': run,
      'outlast.scenario': plan.scenario,
      'outlast.seed': plan.seed,
      'outlast.runtime': plan.runtime,
    }),
  }
  const scope = { name: 'outlast', version: environment.outlast }
  const head = `{"resourceSpans":[{"resource":${JSON.stringify(resource)},"scopeSpans":[{"scope":${JSON.stringify(scope)}`
  return (spans) => `${head},"spans":[${spans.join(',')}]}]}]}`
}
