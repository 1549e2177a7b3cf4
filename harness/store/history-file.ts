import { readFile } from 'node:fs/promises'
import { describeError, HarnessError } from '../core/errors.ts'
import type { History, Op } from '../core/history.ts'
import { openLines, parseLines, type LineFile } from './line-file.ts'

/** Writes `history.ndjson` while the cell runs. Throws HarnessError for an op whose index is not its line's number from 0. */
export async function openHistory(path: string): Promise<LineFile<Op>> {
  const file = await openLines<Op>(path)
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

/**
 * A history as it was recorded. A torn last line is left out, as after a crash of the harness.
 * Throws HarnessError naming `file:line` for any other line that is not an op with that line's index.
 */
export async function readHistory(path: string): Promise<History> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new HarnessError(`cannot read ${path}: ${describeError(error)}`)
  })
  return parseHistory(text, path)
}

/** `readHistory` on text; `file` is for messages. */
export function parseHistory(text: string, file: string): History {
  return parseLines(text, file).map((value, i) => {
    const problem = flawOf(value, i)
    if (problem) throw new HarnessError(`${file}:${i + 1} ${problem}`)
    return value as Op
  })
}

const types = new Set(['invoke', 'ok', 'fail', 'info', 'observe'])

/** The envelope is checked, so that a lost or shuffled line cannot pass; values are the recorder's word. */
function flawOf(value: unknown, index: number): string | undefined {
  const op = value as Partial<Op> | null
  if (typeof op !== 'object' || op === null) return 'is not an operation'
  if (op.index !== index) return `has index ${op.index} instead of ${index}: lines are missing or out of order`
  if (typeof op.at !== 'number' || !Number.isFinite(op.at)) return 'has no time'
  if (typeof op.f !== 'string' || !types.has(op.type as string)) return 'has no operation or an unknown type'
  return undefined
}
