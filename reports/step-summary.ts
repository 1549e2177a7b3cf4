import type { RunResults } from '../harness/model/results.ts'
import { markdownParts } from './markdown.ts'

/**
 * The report in Markdown for where there is little room, in at most `room` bytes: what the verdict is and why, then gates and
 * claims, then the rest in its order. What does not fit is left out whole, and the last line says so. `room` is 1,000 at least.
 */
export function stepSummary(results: RunResults, room: number): string {
  const { head, reasons, gates, claims, ...rest } = markdownParts(results)
  const parts = [...reasons, ...gates, ...claims, ...Object.values(rest).flat()].filter((part) => part !== '')
  const first = cutToFit(head.join('\n\n'), Math.min(mostOfHead, room - reserve))
  const kept = [first, ...thoseThatFit(parts, room - reserve - bytesOf(first))]
  const leftOut = parts.length + 1 - kept.length
  const note =
    leftOut > 0 ? [`*${leftOut} of ${parts.length + 1} sections have no room here: report.md has them.*`] : []
  return `${[...kept, ...note].join('\n\n')}\n`
}

/** Whatever a scenario is called, its verdict leaves room for the reasons. */
const mostOfHead = 20_000
/** For the last line. */
const reserve = 200
const between = '\n\n'.length

function thoseThatFit(parts: readonly string[], room: number): readonly string[] {
  let left = room
  return parts.filter((part) => {
    const size = bytesOf(part) + between
    if (size > left) return false
    left -= size
    return true
  })
}

function cutToFit(text: string, room: number): string {
  if (bytesOf(text) <= room) return text
  // A character takes at most three bytes per unit of UTF-16.
  return `${text.slice(0, Math.floor(room / 3) - 1).toWellFormed()}…`
}

function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length
}
