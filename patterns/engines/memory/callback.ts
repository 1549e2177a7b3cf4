import {
  deliveryId,
  type CallbackAttempt,
  type CallbackDelivery,
  type DeliveryStatus,
  type Notify,
} from '../../contract/types/callback.ts'
import type { Task } from '../../contract/types/task.ts'
import { startTimer } from '../../contract/types/timer.ts'

/** The callback that an ended task owes, its attempts one at a time. It is in this process alone: what waits is a timer. */
export class OwedCallback {
  readonly #task: Task
  readonly #url: string
  readonly #notify: Notify
  readonly #attempts: CallbackAttempt[] = []
  #status: DeliveryStatus = 'pending'
  #nextAtMs = Date.now()
  #isReplayAsked = false
  #lastAttempt: Promise<void> = Promise.resolve()

  /** Makes the first attempt at once. */
  constructor(task: Task, url: string, notify: Notify) {
    this.#task = task
    this.#url = url
    this.#notify = notify
    this.#enqueue(false)
  }

  get delivery(): CallbackDelivery {
    return {
      id: deliveryId(this.#task.task_id, this.#task.version),
      task_id: this.#task.task_id,
      status: this.#status,
      next_attempt_at: this.#status === 'pending' ? new Date(this.#nextAtMs).toISOString() : null,
      attempts: [...this.#attempts],
    }
  }

  replay(): void {
    if (this.#isReplayAsked) return
    this.#isReplayAsked = true
    this.#enqueue(true)
  }

  #enqueue(manual: boolean): void {
    this.#lastAttempt = this.#lastAttempt.then(() => this.#attempt(manual))
  }

  async #attempt(manual: boolean): Promise<void> {
    // It was due, and a replay was faster.
    if (!manual && this.#status !== 'pending') return
    const callback = { task: this.#task, url: this.#url, earlier: this.#attempts, manual }
    const attempt = await this.#notify(callback)
    this.#attempts.push(attempt)
    if (manual) this.#isReplayAsked = false
    this.#follow(attempt)
  }

  #follow({ decision }: CallbackAttempt): void {
    if (decision.next === 'unchanged') return
    if (decision.next !== 'retry') return void (this.#status = decision.next)
    this.#nextAtMs = Date.now() + decision.delay_ms
    // Unreferenced: a node that leaves does not wait for what is due in hours.
    startTimer(() => this.#enqueue(false), decision.delay_ms).unref()
  }
}
