import type { CellResult, RunResults } from '../harness/model/results.ts'
import { count } from './numbers.ts'
import { armGroups, rowName } from './arm-groups.ts'

export const requestHeads = ['under', 'pattern', 'submissions', 'requests', 'cuts', 'most cuts', 'tasks cut'] as const

/** One line for under the table: what its words mean. */
export const requestMeaning =
  'Means over the tasks that were sent; the most cuts of one task; and tasks that met a cut. Requests: submissions, reads of the status and streams. Cuts: those of them that no server answered ' +
  '(no connection, a broken one, a gateway’s 502 or 504, a stream that ended before its last event).'

/** What it took clients to learn the end: a row per cell, of the arms in which something was cut. */
export function requestRows(results: RunResults): readonly (readonly string[])[] {
  const groups = armGroups(results).filter(({ cells }) => cells.some(({ requests }) => requests.cuts > 0))
  return groups.flatMap(({ arm, cells }) => {
    return cells.map((cell, i) => [i === 0 ? arm : '', rowName(results, cell), ...fieldsOf(cell)])
  })
}

function fieldsOf({ requests }: CellResult): readonly string[] {
  const { tasks, submissions, requests: all, cuts, mostCuts, tasksCut } = requests
  if (tasks === 0) return ['–', '–', '–', '–', '–']
  const mean = (sum: number): string => (sum / tasks).toFixed(2)
  return [mean(submissions), mean(all), mean(cuts), count(mostCuts), `${count(tasksCut)}/${count(tasks)}`]
}
