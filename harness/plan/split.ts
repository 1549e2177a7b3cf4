import type { CellPlan } from '../model/plan.ts'

/**
 * The cells in blocks of at most `most`, as even as can be: systems that share few cores make each other slow. The parts of an arm's
 * repetition follow one another, with the same work and the same schedule.
 */
export function splitBlocks(cells: readonly CellPlan[], most = cells.length): readonly CellPlan[] {
  const blocks = [...Map.groupBy(cells, ({ block }) => block).values()]
  const parts = blocks.flatMap((block) => evenParts(block, Math.ceil(block.length / most)))
  return parts.flatMap((part, i) => part.map((cell) => ({ ...cell, block: i + 1 })))
}

function evenParts<T>(all: readonly T[], count: number): readonly (readonly T[])[] {
  const edge = (i: number): number => Math.round((i * all.length) / count)
  return Array.from({ length: count }, (_, i) => all.slice(edge(i), edge(i + 1)))
}
