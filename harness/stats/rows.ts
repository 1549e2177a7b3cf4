import { mcnemarExact } from './paired-difference.ts'

/**
 * How many neighbours that fail count for one observation: 1 where each fails by itself. From how much more often one
 * fails after a failure than after a success, as the effective size of a sequence with such a memory has it: (1 + m) /
 * (1 - m). Infinity where a row, once begun, never ended.
 */
export function rowLength(failed: readonly boolean[]): number {
  const after = (state: boolean): readonly boolean[] => failed.filter((_, i) => i > 0 && failed[i - 1] === state)
  const memory = shareOf(after(true)) - shareOf(after(false))
  return memory > 0 ? (1 + memory) / (1 - memory) : 1
}

function shareOf(failed: readonly boolean[]): number {
  return failed.length === 0 ? 0 : failed.filter(Boolean).length / failed.length
}

/** Exact McNemar test of pairs that fail in rows of `length`: each row is one pair. What is no whole row speaks for "alike". */
export function mcnemarInRows(
  { more, fewer }: { readonly more: number; readonly fewer: number },
  length: number,
): number {
  return mcnemarExact({ onlyA: Math.floor(more / length), onlyB: Math.ceil(fewer / length) })
}
