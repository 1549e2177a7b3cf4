import { isTerminal } from '../../patterns/contract/types/task.ts'
import type { Requests } from '../model/results.ts'
import type { TaskTrace } from '../analysis/trace.ts'

/** Nothing counts that ended because its client gave up: it hung up itself. */
export function measureRequests(tasks: readonly TaskTrace[]): Requests {
  const each = tasks.map(countRequests)
  const sum = (value: (one: (typeof each)[number]) => number): number => each.reduce((all, one) => all + value(one), 0)
  return {
    tasks: tasks.length,
    submissions: sum(({ submissions }) => submissions),
    requests: sum(({ requests }) => requests),
    cuts: sum(({ cuts }) => cuts),
    tasksCut: each.filter(({ cuts }) => cuts > 0).length,
    mostCuts: each.reduce((most, { cuts }) => Math.max(most, cuts), 0),
  }
}

/** Of one task. */
export function countRequests(task: TaskTrace): { submissions: number; requests: number; cuts: number } {
  const { submits, polls, streams, intent } = task
  const sent = count(submits, ({ type }) => type === 'invoke')
  const submissions = Math.max(sent, submits.length - sent)
  const opened = count(streams, ({ value }) => value.state === 'open')
  const closed = count(streams, ({ value }) => value.state === 'closed')
  const isCutCall = (type: string, at: number, status: number | undefined): boolean =>
    type !== 'ok' && type !== 'invoke' && at < intent.giveUpAt && isCut(status)
  const cutCalls =
    count(submits, ({ type, at, value }) => isCutCall(type, at, value.status)) +
    count(polls, ({ type, at, value }) => isCutCall(type, at, value.httpStatus))
  return {
    submissions,
    requests: submissions + polls.length + Math.max(opened, closed),
    cuts: cutCalls + countCutStreams(task),
  }
}

function count<T>(items: readonly T[], is: (item: T) => boolean): number {
  let found = 0
  for (const item of items) if (is(item)) found++
  return found
}

/** No status at all, or a gateway's word that its server gave none. */
function isCut(status: number | undefined): boolean {
  return status === undefined || status === 502 || status === 504
}

function countCutStreams({ streams, events, end, intent }: TaskTrace): number {
  const terminal = events.find(({ value }) => isTerminal(value.status))
  const last = Math.min(terminal?.index ?? Infinity, end?.index ?? Infinity)
  return count(streams, ({ index, at, value }) => value.state === 'closed' && index < last && at < intent.giveUpAt)
}
