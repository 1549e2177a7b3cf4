import type { ZodType } from 'zod'
import { taskEvent, type TaskEvent } from '../../../patterns/contract/types/events.ts'
import { enter, foldEvents } from '../../../patterns/contract/types/fold.ts'
import { isTerminal, task as taskSchema, type Task, type TaskStatus } from '../../../patterns/contract/types/task.ts'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import { describeError } from '../../core/errors.ts'
import { contractCase, type CaseGroup } from '../case.ts'
import { Breach, must, mustBe } from '../expect.ts'
import {
  acceptedTask,
  instantOf,
  isEnd,
  mustShowSame,
  newKey,
  readEnd,
  readEvents,
  readEveryMs,
  readTask,
  submit,
} from '../tasks.ts'

export default {
  name: 'task',
  summary: 'a task is its log: gapless, legal, ended once',
  cases: [
    contractCase({
      name: 'log',
      proves:
        'the log counts from 1 without gaps, makes only allowed transitions, and its last event alone is terminal',
      source: 'docs/contract.md#events; docs/contract.md#states',
      needs: [],
      quick: true,
      async check(target) {
        const key = newKey('log')
        const { task_id } = acceptedTask(await submit(target, key, target.bodyFor(key)))
        const end = await readEnd(target, task_id)
        const events = await readEvents(target, task_id)
        mustBe(
          'seq',
          seqs(events),
          Array.from({ length: events.length }, (_, i) => i + 1),
        )
        mustBe('terminal events', events.filter(isEnd).length, 1)
        const last = events.at(-1)
        must(last !== undefined && isEnd(last), 'the terminal event is the last one')
        mustBe('the fold of the log and the task', stateIn(events), shown(end))
        mustBe('version', end.version, last.seq)
      },
    }),
    contractCase({
      name: 'shape',
      proves:
        'tasks and events have the fields of the contract and no others, and the fold of the log is the whole task',
      source: 'docs/contract.md#task; docs/contract.md#events',
      // Another service's work has fields of its own.
      needs: ['answerTo'],
      quick: true,
      async check(target) {
        const key = newKey('shape')
        const accepted = acceptedTask(await submit(target, key, target.bodyFor(key)))
        strict('the accepted task', taskSchema, accepted)
        const end = await readEnd(target, accepted.task_id)
        strict('the ended task', taskSchema, end)
        const events = await readEvents(target, end.task_id)
        for (const event of events) strict(`event ${event.seq}`, taskEvent, event)
        mustBe('the fold of the log', fold(events), end)
      },
    }),
    contractCase({
      name: 'progress',
      proves: 'what a reader sees of a task never goes back: version, progress and state',
      source: 'docs/contract.md#task',
      needs: [],
      quick: true,
      async check(target) {
        const key = newKey('progress')
        const { task_id } = acceptedTask(await submit(target, key, target.bodyFor(key)))
        let before = await readTask(target, task_id)
        while (!isTerminal(before.status)) {
          // Often, since a moment is looked for; not as often as it can answer, since others use it.
          await sleep(readEveryMs(target) / 5, target.signal)
          const now = await readTask(target, task_id)
          must(now.version >= before.version, `version went back from ${before.version} to ${now.version}`)
          const [was, is] = [before.progress_pct ?? 0, now.progress_pct ?? 100]
          must(is >= was, `progress_pct went back from ${was} to ${is}`)
          const isBack = stageOf(now.status) < stageOf(before.status) && !isTerminal(now.status)
          must(!isBack, `the state went back from ${before.status} to ${now.status}`)
          before = now
        }
        mustShowSame('the ended task, read again', await readTask(target, task_id), before)
      },
    }),
    contractCase({
      name: 'result',
      proves: 'a completed task has the right result, all its progress and no current action',
      source: 'docs/contract.md#task',
      needs: ['answerTo', 'effects'],
      quick: true,
      async check(target, { answerTo, effects }) {
        const key = newKey('result')
        const body = target.bodyFor(key)
        const { task_id } = acceptedTask(await submit(target, key, body))
        const { status, status_reason, result, progress_pct, current_action } = await readEnd(target, task_id)
        mustBe('status', [status, status_reason], ['completed', undefined])
        mustBe('digest of the result', result?.digest, answerTo(body))
        mustBe('progress and action', [progress_pct, current_action], [100, null])
        const steps = (await effects()).filter(({ job }) => job === key).map(({ step }) => step)
        mustBe(
          'steps at the tool server',
          steps,
          Array.from({ length: result?.steps ?? 0 }, (_, i) => i + 1),
        )
      },
    }),
  ],
} satisfies CaseGroup

function seqs(events: readonly TaskEvent[]): readonly number[] {
  return events.map(({ seq }) => seq)
}

/** The task of a log of our own, whole. */
function fold(events: readonly TaskEvent[]): Task {
  try {
    return foldEvents(events)
  } catch (error) {
    throw new Breach(`the log is none: ${describeError(error)}`)
  }
}

type Shown = Pick<Task, 'task_id' | 'status' | 'version' | 'attempt' | 'updated_at' | 'finished_at'>

/** What every service's log says of its task. The data of its events are its own, and so are types that change no state. */
function stateIn(events: readonly TaskEvent[]): object {
  const first = events[0]!
  mustBe('the first event', [first.type, first.status, first.attempt], ['task.created', 'queued', 0])
  for (const [i, event] of events.slice(1).entries()) mustFollow(events[i]!, event)
  const { task_id, status, seq: version, attempt, time } = events.at(-1)!
  return shown({ task_id, status, version, attempt, updated_at: time, finished_at: time })
}

function mustFollow(before: TaskEvent, { seq, type, task_id, status, attempt }: TaskEvent): void {
  const began = type === 'task.started' || type === 'task.resumed' ? 1 : 0
  const right = { task_id: before.task_id, status: stateAfter(before, type), attempt: before.attempt + began }
  mustBe(`event ${seq}, ${type}, after ${before.status}`, { task_id, status, attempt }, right)
}

/** A task that has left one of these for the next does not come back to it. One that stands still goes on. */
const stages: readonly (readonly TaskStatus[])[] = [['queued'], ['running', 'input_required'], ['cancelling']]

function stageOf(status: TaskStatus): number {
  return stages.findIndex((stage) => stage.includes(status))
}

const known: ReadonlySet<string> = new Set(taskEvent.shape.type.options)

function stateAfter(before: TaskEvent, type: TaskEvent['type']): TaskStatus {
  if (!known.has(type)) return before.status
  try {
    return enter(before, type)
  } catch (error) {
    throw new Breach(`the log is none: ${describeError(error)}`)
  }
}

function shown({ task_id, status, version, attempt, updated_at, finished_at }: Shown): object {
  const [updated, finished] = [instantOf(updated_at), instantOf(finished_at)]
  return { task_id, status, version, attempt, updated_at: updated, finished_at: finished }
}

function strict(what: string, schema: ZodType, value: unknown): void {
  const [issue] = schema.safeParse(value).error?.issues ?? []
  if (issue) throw new Breach(`${what}: ${issue.path.map(String).join('.') || 'all of it'}: ${issue.message}`)
}
