import type { WorkPlan } from '../../contract/engine/workplace.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { applyEvent, foldEvents, type Head } from '../../contract/types/fold.ts'
import { ownerOf } from '../../contract/types/principal.ts'
import { startTimer } from '../../contract/types/timer.ts'
import { isTerminal, type Task, type TaskRequest } from '../../contract/types/task.ts'
import { type Control, controlAfter, openControl } from '../../contract/engine/control.ts'
import type { OwedCallback } from './callback.ts'
import type { Deliveries } from '../../contract/engine/backend.ts'

/** One task in memory: its log, the fold of it so far, and who waits for more. */
export class TaskRecord {
  readonly request: TaskRequest
  readonly plan: WorkPlan
  /** Aborts the execution: cancelled, expired, or the process ends. */
  readonly stop = new AbortController()
  /** The callback, when the task has ended and owes one. */
  owed: OwedCallback | undefined
  readonly #events: TaskEvent[]
  readonly #waiting = new Set<() => void>()
  #task: Task
  #control: Control

  constructor(request: TaskRequest, plan: WorkPlan, created: TaskEvent) {
    this.request = request
    this.plan = plan
    this.#events = [created]
    this.#task = foldEvents(this.#events)
    this.#control = openControl(created)
  }

  get task(): Task {
    return this.#task
  }

  get head(): Head {
    return this.#events.at(-1)!
  }

  get control(): Control {
    return this.#control
  }

  get ended(): boolean {
    return isTerminal(this.#task.status)
  }

  after(seq: number): readonly TaskEvent[] {
    return this.#events.slice(seq)
  }

  append(event: TaskEvent): void {
    this.#task = applyEvent(this.#task, event)
    this.#control = controlAfter(this.#control, event)
    this.#events.push(event)
    this.#wake()
  }

  /** Whoever waits looks again. */
  #wake(): void {
    for (const wake of this.#waiting) wake()
  }

  /** Every follower is a cursor into the log: it holds no copy, so a slow one costs nothing. */
  async *follow(after: number, signal: AbortSignal): AsyncGenerator<TaskEvent> {
    for (let seq = after; !signal.aborted;) {
      const event = this.#events[seq]
      if (event) {
        yield event
        seq++
      } else if (this.ended) return
      else await this.#growth(signal)
    }
  }

  /** Until there is another event, or for `mostMs`. Rejects with the signal's reason. */
  async growth(signal: AbortSignal, mostMs = Infinity): Promise<void> {
    using _ = mostMs < Infinity ? startTimer(() => this.#wake(), mostMs) : undefined
    await this.#growth(signal)
    signal.throwIfAborted()
  }

  #growth(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      if (signal.aborted) return resolve()
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake, { once: true })
    })
  }
}

/** What callbacks came to, as long as the process lives. */
export function deliveriesOf(records: ReadonlyMap<string, TaskRecord>): Deliveries {
  return {
    ofTask: async (taskId) => {
      const record = records.get(taskId)
      return record && (record.owed ? [record.owed.delivery] : [])
    },
    list: async ({ status, principal, after, most }) =>
      [...records.values()]
        .filter(({ task }) => principal === undefined || ownerOf(task) === principal)
        .flatMap(({ owed }) => owed?.delivery ?? [])
        .filter((delivery) => delivery.task_id > after && (status === undefined || delivery.status === status))
        .toSorted((a, b) => (a.task_id < b.task_id ? -1 : 1))
        .slice(0, most),
    replay: async (taskId) => {
      const owed = records.get(taskId)?.owed
      owed?.replay()
      return owed !== undefined
    },
  }
}
