import type { TaskEvent } from '../types/events.ts'
import { type Control, controlAfter, controlOf } from './control.ts'

/** A task's log as its executor knows it: its end, and the fold of its control. */
export class KnownLog {
  #head: TaskEvent
  #control: Control

  constructor(events: readonly TaskEvent[]) {
    this.#head = events.at(-1)!
    this.#control = controlOf(events)
  }

  get head(): TaskEvent {
    return this.#head
  }

  get control(): Control {
    return this.#control
  }

  add(events: readonly TaskEvent[]): void {
    this.#control = events.reduce(controlAfter, this.#control)
    this.#head = events.at(-1) ?? this.#head
  }
}
