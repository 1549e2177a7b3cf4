import { HarnessError } from '../core/errors.ts'
import { placesIn } from '../model/place.ts'
import { cellPlanSchema } from '../model/plan.ts'
import { type History, type Op, opShapes } from '../model/history.ts'
import { flawOf, type Shape } from '../model/shape.ts'
import { openLines, parseLines, readLines, type LineFile, type OnBroken } from './line-file.ts'

/** Writes `history.ndjson` while the cell runs. Throws HarnessError for an op whose index is not its line's number from 0. */
export async function openHistory(path: string, onBroken?: OnBroken): Promise<LineFile<Op>> {
  const file = await openLines<Op>(path, onBroken)
  let next = 0
  return {
    ...file,
    append(op) {
      if (op.index !== next) throw new HarnessError(`${path}: op ${op.index} recorded as line ${next}`)
      next++
      file.append(op)
    },
  }
}

export interface RecordedHistory {
  readonly history: History
  /** Of the bytes of the file, in hexadecimal digits. */
  readonly sha256: string
}

/**
 * A history as it was recorded. A torn last line is left out, as after a crash of the harness. Throws HarnessError
 * naming `file:line` for any other line that is not a valid op. A valid op has that line's index, a known operation and
 * type, and the value that goes with them. A completion needs its invocation.
 */
export async function readHistory(path: string): Promise<RecordedHistory> {
  const reader = historyReader(path)
  const sha256 = await readLines(path, reader.take)
  return { history: reader.history, sha256 }
}

/** `readHistory` on text; `file` is for messages. */
export function parseHistory(text: string, file: string): History {
  const reader = historyReader(file)
  parseLines(text, file, reader.take)
  return reader.history
}

function historyReader(file: string): { readonly history: History; readonly take: (value: unknown) => void } {
  const history: Op[] = []
  return {
    history,
    take: (value) => {
      const flaw =
        envelopeFlaw(value, history.length) ?? valueFlaw(renewed(value as Op)) ?? placeFlaw(value as Op, history)
      if (flaw !== undefined) throw new HarnessError(`${file}:${history.length + 1} ${flaw}`)
      history.push(value as Op)
    },
  }
}

/** The same line, in the words of plans of version 2: histories have no version of their own. */
function renewed(op: Op): Op {
  const line = op as { f: Op['f']; value: unknown }
  if (op.f === 'cell') line.value = cellPlanSchema.safeParse(op.value).data ?? op.value
  if (op.f !== 'fault') return op
  const value = (op.value ?? {}) as unknown as Record<string, unknown>
  const { target, reached } = value
  if (typeof target === 'string') value['target'] = placesIn(target)
  if (Array.isArray(reached) && reached.every((name) => typeof name === 'string'))
    value['reached'] = reached.flatMap(placesIn)
  return op
}

/** `opShapes` by name, for names of which nobody knows yet whether there are such. */
const forms: ReadonlyMap<unknown, Form> = new Map(
  Object.entries(opShapes).map(([f, { values, ...form }]) => [f, { ...form, shapes: new Map(Object.entries(values)) }]),
)

interface Form {
  readonly process: string
  readonly task: boolean
  readonly completes: boolean
  readonly shapes: ReadonlyMap<unknown, Shape<unknown>>
}

const envelope: ReadonlySet<string> = new Set([
  'index',
  'at',
  'f',
  'type',
  'process',
  'task',
  'invoke',
  'error',
  'value',
])

function envelopeFlaw(value: unknown, index: number): string | undefined {
  const op = value as Partial<Op> | null
  if (typeof op !== 'object' || op === null || Array.isArray(op)) return 'is not an operation'
  if (op.index !== index)
    return `has index ${JSON.stringify(op.index)} instead of ${index}: lines are missing or out of order`
  if (typeof op.at !== 'number' || !Number.isFinite(op.at)) return 'has no time'
  const form = forms.get(op.f)
  if (!form) return `has an unknown operation: ${show(op.f)}`
  if (!form.shapes.has(op.type)) return `has an unknown type of ${op.f}: ${show(op.type)}`
  if (op.error !== undefined && typeof op.error !== 'string') return `has an error that is no text: ${show(op.error)}`
  for (const name in op) if (!envelope.has(name)) return `has a field "${name}", which is not known`
  return undefined
}

function valueFlaw(op: Op): string | undefined {
  const shape = forms.get(op.f)!.shapes.get(op.type)!
  return shape.fits(op.value) ? undefined : `has a wrong value: ${flawOf(shape, op.value, 'value')}`
}

/** Who wrote it, about which task, and as the end of what. */
function placeFlaw(op: Op, before: History): string | undefined {
  const { process, task, completes } = forms.get(op.f)!
  const by: unknown = op.process
  if (by !== process && by !== `${process}${(op.value as { node?: string }).node ?? ''}`)
    return `is ${op.f} by ${show(by)}, must be by "${process}"`
  if (task !== (op.task !== undefined)) return task ? `is ${op.f} of no task` : `is ${op.f}, which is of no task`
  if (task && typeof op.task !== 'string') return `has a task that is no text: ${show(op.task)}`
  if ((op.f === 'cell') !== (op.index === 0))
    return op.index === 0 ? 'is not the plan of its cell, with which a history begins' : 'is a second plan of the cell'
  if (completes && op.type !== 'invoke') return completionFlaw(op, before)
  return op.invoke === undefined ? undefined : `is ${op.f} ${op.type}, which completes nothing`
}

function completionFlaw(op: Op, before: History): string | undefined {
  const begun = op.invoke === undefined ? undefined : before[op.invoke]
  if (begun && begun.f === op.f && begun.type === 'invoke' && begun.task === op.task) return undefined
  return `completes line ${show(op.invoke)}, which does not invoke ${op.f} of ${op.task}`
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? 'none'
}
