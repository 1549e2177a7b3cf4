import type { ZodType } from 'zod'
import { taskEvent, type TaskEvent } from '../../../patterns/contract/types/events.ts'
import { foldEvents } from '../../../patterns/contract/types/fold.ts'
import { isTerminal, task as taskSchema, type Task } from '../../../patterns/contract/types/task.ts'
import { describeError } from '../../core/errors.ts'
import { contractCase, type CaseGroup } from '../case.ts'
import { Breach, must, mustBe } from '../expect.ts'
import { acceptedTask, isEnd, newKey, readEnd, readEvents, readTask, submit } from '../tasks.ts'

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
        mustBe('the fold of the log and the task', shown(fold(events)), shown(end))
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
          const now = await readTask(target, task_id)
          must(now.version >= before.version, `version went back from ${before.version} to ${now.version}`)
          const [was, is] = [before.progress_pct ?? 0, now.progress_pct ?? 100]
          must(is >= was, `progress_pct went back from ${was} to ${is}`)
          before = now
        }
        mustBe('the ended task, read again', await readTask(target, task_id), before)
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

const known: ReadonlySet<string> = new Set(taskEvent.shape.type.options)

function seqs(events: readonly TaskEvent[]): readonly number[] {
  return events.map(({ seq }) => seq)
}

/** What a log says of its task: the state machine is in the fold. An event of a type that it does not know changes nothing. */
function fold(events: readonly TaskEvent[]): Task {
  try {
    return foldEvents(
      events.map((event) => (known.has(event.type) ? event : { ...event, type: 'task.progress', data: {} })),
    )
  } catch (error) {
    throw new Breach(`the log is none: ${describeError(error)}`)
  }
}

/** What every service's log carries. */
function shown({ task_id, status, version, attempt, updated_at, finished_at }: Task): object {
  return { task_id, status, version, attempt, updated_at, finished_at }
}

function strict(what: string, schema: ZodType, value: unknown): void {
  const [issue] = schema.safeParse(value).error?.issues ?? []
  if (issue) throw new Breach(`${what}: ${issue.path.map(String).join('.') || 'all of it'}: ${issue.message}`)
}
