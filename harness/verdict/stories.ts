import { exposures } from '../analysis/exposure.ts'
import type { CellTrace, TaskTrace } from '../analysis/trace.ts'
import type { CellResult, Outcome, TaskRow } from '../model/results.ts'
import { type Story, type StoryLine, type StoryReason, storyReasons } from '../model/story.ts'
import { decideFate } from './outcomes.ts'
import { overheadOf } from './overhead.ts'
import { partsOf } from './overhead-parts.ts'
import { timelineFrame, timelineOf } from './timeline.ts'

/** Of a run. */
export const mostStories = 50

/** The stories of a cell that are worth reading, the most telling first: one of each reason, then a second one of each. */
export function storiesOf(trace: CellTrace, result: CellResult, most = mostStories): readonly Story[] {
  const chosen = inTurns(listsOf(result)).slice(0, most)
  return chosen.flatMap(({ row, why }) => {
    const task = trace.byTask.get(row.task)
    return task ? [tell(trace, task, row, why)] : []
  })
}

/**
 * Each reason of each cell has its turns. Every cell has slow tasks: from the third on they come after all else. The stories are
 * in the order of the cells.
 */
export function pickStories(byCell: readonly (readonly Story[])[], most = mostStories): readonly Story[] {
  const reasons = Object.keys(storyReasons) as StoryReason[]
  const lists = reasons.flatMap((why) => byCell.map((stories) => stories.filter((story) => story.why === why)))
  const isSlow = (list: readonly Story[]): boolean => list[0]?.why === 'slowest'
  const first = inTurns(lists.map((list) => (isSlow(list) ? list.slice(0, slowFirst) : list)))
  const rest = inTurns(lists.filter(isSlow).map((list) => list.slice(slowFirst)))
  const kept = new Set([...first, ...rest].slice(0, most))
  return byCell.flat().filter((story) => kept.has(story))
}

const slowFirst = 2

/** The first of each list, then the second of each. */
function inTurns<T>(lists: readonly (readonly T[])[]): readonly T[] {
  const longest = lists.reduce((most, { length }) => Math.max(most, length), 0)
  return Array.from({ length: longest }, (_, i) => lists.flatMap((list) => list.slice(i, i + 1))).flat()
}

interface Chosen {
  readonly row: TaskRow
  readonly why: StoryReason
}

const unseen: ReadonlySet<Outcome> = new Set(['lost_result', 'stuck', 'lost_everywhere', 'failed_known', 'not_offered'])

/** A list per reason. No task is told twice. */
function listsOf({ tasks, checks }: CellResult): readonly (readonly Chosen[])[] {
  const breaches = new Set(
    checks.flatMap(({ promised, status, tasks: named = [] }) => (promised && status === 'fail' ? named : [])),
  )
  const isTwice = ({ executions = 0, posts = 0 }: TaskRow): boolean => executions > 1 || posts > 1
  const slowestFirst = tasks.filter((row) => row.outcome === 'ok').toSorted((a, b) => overheadOf(b) - overheadOf(a))
  const found: readonly (readonly [StoryReason, readonly TaskRow[]])[] = [
    ['broken', tasks.filter(({ task }) => breaches.has(task))],
    ['wrong', tasks.filter(({ outcome }) => outcome === 'wrong')],
    ['lost', tasks.filter(({ outcome }) => unseen.has(outcome))],
    ['late', tasks.filter(({ outcome }) => outcome === 'late')],
    ['duplicated', tasks.filter(isTwice)],
    ['slowest', slowestFirst],
  ]
  const told = new Set<string>()
  return found.map(([why, rows]) => {
    const fresh = rows.filter(({ task }) => !told.has(task)).slice(0, mostStories)
    for (const { task } of fresh) told.add(task)
    return fresh.map((row) => ({ row, why }))
  })
}

function tell(trace: CellTrace, task: TaskTrace, row: TaskRow, why: StoryReason): Story {
  const cell = trace.cell!.id
  const fate = decideFate(task, trace.complete, trace.cell)
  const { head, end } = timelineFrame(cell, task, exposures(trace).get(task)?.length ?? 0, fate)
  return {
    cell,
    task: task.task,
    why,
    intendedAt: row.intendedAt,
    head: head.replace('\n', ' '),
    end,
    ...shortened(timelineOf(trace, task)),
    ...(fate.seenAt < Infinity && { parts: partsOf(task, fate.seenAt) }),
  }
}

const [linesAtStart, linesAtEnd] = [90, 30]

/** A client that asked for an hour what was no longer there has thousands. */
function shortened(lines: readonly StoryLine[]): Pick<Story, 'lines' | 'leftOut'> {
  const missing = lines.length - linesAtStart - linesAtEnd
  if (missing <= 1) return { lines }
  const kept = [...lines.slice(0, linesAtStart), ...lines.slice(-linesAtEnd)]
  return { lines: kept, leftOut: { after: linesAtStart, lines: missing } }
}
