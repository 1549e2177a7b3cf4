import { HarnessError } from '../core/errors.ts'
import { nodeOf } from '../analysis/places.ts'
import type { History, OpOf } from '../model/history.ts'
import { readLines } from './line-file.ts'

/** Both sides of a difference were rounded to whole microseconds. */
const resolutionMs = 0.002

type Line = Readonly<Record<string, unknown>>

/**
 * Compares the tool server's own record with the effects that the history took from it: the same ones, in the same
 * order, at the same times. Effects that came in while the history was completed are in the record only. Resolves with
 * the file's SHA-256; rejects with HarnessError naming `file:line`.
 */
export async function compareLedger(path: string, history: History): Promise<string> {
  const effects = history.filter((op) => op.f === 'effect')
  const refusals = history.filter((op) => op.f === 'refusal')
  const finalAt = history.find((op) => op.f === 'phase' && op.value.phase === 'final')?.at
  const whole = history.some((op) => op.f === 'phase' && op.value.phase === 'end')
  let [number, refused, zeroMs]: [number, number, number | undefined] = [0, 0, undefined]
  const sha256 = await readLines(path, (value) => {
    const line = (typeof value === 'object' && value !== null ? value : {}) as Line
    const op = 'refused' in line ? refusals[refused++] : effects[number++]
    zeroMs ??= op && Number(line['receivedAt']) - op.at
    const flaw = op ? flawOf(line, op, zeroMs!) : extraFlaw(line, zeroMs, whole ? finalAt : undefined)
    if (flaw !== undefined) throw new HarnessError(`${path}:${number + refused} ${flaw}`)
  })
  const missing = effects.length - number + refusals.length - refused
  if (missing > 0)
    throw new HarnessError(
      `${path} has ${number + refused} lines and the history ${effects.length + refusals.length} effects: ${missing} are missing`,
    )
  return sha256
}

function flawOf(line: Line, op: OpOf<'effect'> | OpOf<'refusal'>, zeroMs: number): string | undefined {
  if (op.f === 'effect') return effectFlaw(line, op, zeroMs)
  const { reason, said } = op.value
  const same = line['refused'] === reason && line['said'] === said
  if (same && Math.abs(Number(line['receivedAt']) - zeroMs - op.at) <= resolutionMs) return undefined
  return `is another refusal than that of line ${op.index + 1} of the history`
}

function effectFlaw(line: Line, { index, at, task, value }: OpOf<'effect'>, zeroMs: number): string | undefined {
  const { executor, startedAt, endedAt, ...same } = value
  const wanted: Line = { task, ...same }
  const other = Object.keys(wanted).find((name) => line[name] !== wanted[name])
  const where = `of line ${index + 1} of the history`
  if (other !== undefined) return `has another ${other} than the effect ${where}`
  if (typeof line['executor'] !== 'string' || nodeOf(line['executor']) !== executor)
    return `has another executor than the effect ${where}`
  const times = { startedAt, endedAt, receivedAt: at }
  const moved = Object.entries(times).find(
    ([name, ms]) => !(Math.abs(Number(line[name]) - zeroMs - ms) <= resolutionMs),
  )
  return moved && `has another ${moved[0]} than the effect ${where}`
}

/** Without an end the history has no effects yet. */
function extraFlaw(line: Line, zeroMs: number | undefined, finalAt: number | undefined): string | undefined {
  if (finalAt === undefined) return undefined
  const receivedAt = Number(line['receivedAt']) - (zeroMs ?? Infinity)
  return receivedAt >= finalAt || zeroMs === undefined ? undefined : 'is an effect that the history does not have'
}
