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
  const ended = submits.filter(({ type }) => type !== 'invoke')
  const submissions = Math.max(submits.length - ended.length, ended.length)
  const count = (state: string): number => streams.filter(({ value }) => value.state === state).length
  const calls = [
    ...ended.map(({ type, at, value }) => ({ type, at, status: value.status })),
    ...polls.map(({ type, at, value }) => ({ type, at, status: value.httpStatus })),
  ]
  const cutCalls = calls.filter(({ type, at, status }) => type !== 'ok' && at < intent.giveUpAt && isCut(status))
  return {
    submissions,
    requests: submissions + polls.length + Math.max(count('open'), count('closed')),
    cuts: cutCalls.length + countCutStreams(task),
  }
}

/** No status at all, or a gateway's word that its server gave none. */
function isCut(status: number | undefined): boolean {
  return status === undefined || status === 502 || status === 504
}

function countCutStreams({ streams, events, end, intent }: TaskTrace): number {
  const terminal = events.find(({ value }) => isTerminal(value.status))
  const last = Math.min(terminal?.index ?? Infinity, end?.index ?? Infinity)
  return streams.filter(({ index, at, value }) => value.state === 'closed' && index < last && at < intent.giveUpAt)
    .length
}
