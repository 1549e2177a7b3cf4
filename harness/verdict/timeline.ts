import { placeNames } from '../model/place.ts'
import { duration, plural } from '../core/amounts.ts'
import { exposures } from '../analysis/exposure.ts'
import type { OpOf } from '../model/history.ts'
import { taskEnd, type CellTrace, type FaultTrace, type TaskTrace } from '../analysis/trace.ts'
import { outcomes } from '../model/results.ts'
import type { StoryLine } from '../model/story.ts'
import { decideFate, type Fate } from './outcomes.ts'

/** Everything that happened to one task, in the order of time, with the faults that touched it. Pure. */
export function timelineOf(trace: CellTrace, task: TaskTrace): readonly StoryLine[] {
  const client: readonly Said[] = [
    { at: task.intent.intendedAt, text: 'the arrival list wants it sent' },
    ...task.submits.flatMap((op) => submitLine(op)),
    ...pollLines(task.polls),
    ...task.streams.map((op) => ({ at: op.at, text: streamText(op) })),
    ...task.events.map(({ at, value }) => ({
      at,
      text: `the stream brings event ${value.seq}, ${value.type} (${value.status})`,
    })),
    ...task.callbacks.map(callbackLine),
    ...endLines(task),
  ]
  const lines = [
    ...client.map((line) => ({ ...line, about: 'client' as const })),
    ...effectLines(task.effects).map((line) => ({ ...line, about: 'work' as const })),
    ...faultLines(exposures(trace).get(task) ?? []).map((line) => ({ ...line, about: 'fault' as const })),
    ...nodeLines(trace, task).map((line) => ({ ...line, about: 'node' as const })),
    ...task.finals.map((op) => ({ at: op.at, text: finalText(op), about: 'after' as const })),
  ]
  return lines.toSorted((a, b) => a.at - b.at)
}

type Said = Omit<StoryLine, 'about'>

function submitLine({ at, type, value, error }: OpOf<'submit'>): readonly Said[] {
  const via = value.api === undefined ? '' : ` through ${value.api}`
  const attempt = value.attempt > 1 ? `, attempt ${value.attempt}` : ''
  if (type === 'invoke') return [{ at, text: `the client submits it${via}${attempt}` }]
  if (type === 'ok')
    return [{ at, text: `accepted as ${value.taskId}${value.replayed ? ', as known already' : ''} (${value.status})` }]
  const what = type === 'fail' ? 'the submission is refused' : 'nobody knows whether the submission arrived'
  return [{ at, text: `${what}${error === undefined ? '' : `: ${error}`}` }]
}

/** A poll that saw nothing new is only counted. */
function pollLines(polls: readonly OpOf<'poll'>[]): readonly Said[] {
  let seen: string | undefined
  let same = 0
  return polls.flatMap(({ at, type, value, error }) => {
    const now = type === 'ok' ? `${value.status}, version ${value.version}` : (error ?? `HTTP ${value.httpStatus}`)
    if (now === seen) {
      same++
      return []
    }
    const before = same > 0 ? ` after ${same} more like the last` : ''
    ;[seen, same] = [now, 0]
    return [{ at, text: type === 'ok' ? `a poll sees ${now}${before}` : `a poll fails${before}: ${now}` }]
  })
}

const streamWords = {
  open: 'the stream is open',
  closed: 'the stream ends',
  'heartbeat-missed': 'the client hears nothing any more and gives the stream up',
  fallback: 'the client falls back to polling',
  recovered: 'the client is back on a stream',
} as const

function streamText({ value }: OpOf<'stream'>): string {
  const after = value.after ? ` after event ${value.after}` : ''
  return `${streamWords[value.state]}${after}${value.reason === undefined ? '' : `: ${value.reason}`}`
}

function effectLines(effects: readonly OpOf<'effect'>[]): readonly Said[] {
  const done = new Set<number>()
  return effects
    .toSorted((a, b) => a.value.startedAt - b.value.startedAt)
    .map(({ value }) => {
      const { step, executor, attempt, startedAt, endedAt } = value
      const again = done.has(step) ? ' AGAIN' : ''
      done.add(step)
      const which = attempt > 1 ? `, attempt ${attempt}` : ''
      return {
        at: startedAt,
        until: endedAt,
        text: `${executor} executes step ${step}${again} for ${duration(endedAt - startedAt)}${which}`,
      }
    })
}

function callbackLine({ at, value }: OpOf<'callback'>): Said {
  const answer = value.httpStatus >= 200 && value.httpStatus < 300 ? 'takes' : 'refuses'
  return { at, text: `the receiver ${answer} a callback: ${value.status ?? 'news'} (answered ${value.httpStatus})` }
}

function faultLines(faults: readonly FaultTrace[]): readonly Said[] {
  return faults.flatMap(({ id, fault, target, armedAt, healedAt, firings }) => {
    const count = firings === undefined ? '' : `, in effect ${plural(firings, 'time')} in all`
    return [
      ...(armedAt === undefined
        ? []
        : [
            {
              at: armedAt,
              ...(healedAt !== undefined && { until: healedAt }),
              text: `FAULT ${fault} hits ${placeNames(target)} (${id}${count})`,
            },
          ]),
      ...(healedAt === undefined
        ? []
        : [{ at: healedAt, text: `fault ${fault} on ${placeNames(target)} is healed (${id})` }]),
    ]
  })
}

/** Deaths and returns of the nodes that worked on it, while it lived. */
function nodeLines(trace: CellTrace, task: TaskTrace): readonly Said[] {
  const own = new Set(task.effects.map(({ value }) => value.executor))
  for (const { value } of task.submits) if (value.api !== undefined) own.add(value.api.replace(/^.*->/, ''))
  const until = task.end?.at ?? task.intent.giveUpAt
  return trace.nodes
    .filter(({ at, value }) => own.has(value.node) && at >= task.intent.intendedAt && at <= until)
    .map(({ at, value }) => {
      const how = value.signal
        ? ` by ${value.signal}`
        : typeof value.code === 'number'
          ? ` with code ${value.code}`
          : ''
      return { at, text: `node ${value.node} is ${value.state}${how}` }
    })
}

function endLines(task: TaskTrace): readonly Said[] {
  const { end } = task
  if (!end) return [{ at: task.intent.giveUpAt, text: 'the client should have given up, and never said so' }]
  const { via, status, reason } = taskEnd(task)!
  if (end.type === 'ok')
    return [{ at: end.at, text: `the client has a result: ${status ?? 'completed'}${via ? `, by ${via}` : ''}` }]
  const why = [reason, end.error].filter((part) => part !== undefined).join(': ')
  const what = end.type === 'fail' ? 'the client knows that it failed' : 'the client gives up without knowing'
  return [{ at: end.at, text: why === '' ? what : `${what}: ${why}` }]
}

function finalText({ type, value }: OpOf<'final'>): string {
  if (type !== 'ok') return 'afterwards, the server could not be asked'
  return value.found ? `afterwards, the server says ${value.status}` : 'afterwards, the server knows nothing of it'
}

/** The first and last words: what it was, and what became of it. */
export function timelineFrame(
  cell: string,
  task: TaskTrace,
  faults: number,
  { outcome, seenAt }: Fate = decideFate(task),
): { readonly head: string; readonly end: string } {
  const { intendedAt, idealMs, steps, deadlineAt } = task.intent
  const lag = Number.isFinite(seenAt) ? `, ${duration(seenAt - intendedAt - idealMs)} beyond the ideal` : ''
  const touched =
    faults === 0
      ? 'No proven fault touched it.'
      : faults === 1
        ? 'One fault touched it.'
        : `${faults} faults touched it.`
  return {
    head:
      `${task.task} in ${cell}: ${steps} steps, ${duration(idealMs)} at best, to be seen within ${duration(deadlineAt - intendedAt)}.\n` +
      `Times count from its intended start, ${duration(intendedAt)} into the load.`,
    end: `${outcome.replaceAll('_', ' ').toUpperCase()}: ${outcomes[outcome]}${lag}. ${touched}`,
  }
}
