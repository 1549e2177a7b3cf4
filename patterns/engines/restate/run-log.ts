import * as restate from '@restatedev/restate-sdk'
import type { Control } from '../../contract/engine/control.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import type { Continuation } from '../../contract/engine/journal.ts'
import { KnownLog } from '../../contract/engine/known-log.ts'
import { cancelRequestedEvent, commandedEvent } from '../../contract/engine/log.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { Mailbox } from './mailbox.ts'
import { eventKey, type Mail, type State } from './protocol.ts'

type Run = restate.WorkflowContext<State>

/** `beforeEnd` is done before the last event shows. */
export async function openLog(ctx: Run, created: TaskEvent, beforeEnd: () => Promise<void>): Promise<RunLog> {
  await withFaultPoints('restate.begin', async () => put(ctx, created))
  return new RunLog(ctx, created, beforeEnd)
}

/** A task's log as its run writes it, and the mailbox, whose mail goes on record in it. */
export class RunLog {
  readonly events: TaskEvent[]
  readonly #ctx: Run
  readonly #known: KnownLog
  readonly #mailbox: Mailbox
  readonly #beforeEnd: () => Promise<void>

  constructor(ctx: Run, created: TaskEvent, beforeEnd: () => Promise<void>) {
    this.events = [created]
    this.#ctx = ctx
    this.#known = new KnownLog(this.events)
    this.#mailbox = new Mailbox(ctx)
    this.#beforeEnd = beforeEnd
  }

  get head(): TaskEvent {
    return this.#known.head
  }

  get control(): Control {
    return this.#known.control
  }

  /** What to race with whatever a run waits for, and to `take` when it wins. */
  get mail(): Mailbox['next'] {
    return this.#mailbox.next
  }

  /** Of an event that is caused at `atMs` since 1970: a log's time never goes back, whoever's clock it was. */
  timeAt(atMs: number): Date {
    return new Date(Math.max(atMs, Date.parse(this.head.time)))
  }

  /**
   * Append what `next` makes of the log. The end closes the mailbox first. Mail that was faster than that goes on record,
   * and `next` is asked again.
   */
  async write(next: Continuation): Promise<void> {
    const events = next()
    const last = events.at(-1)
    if (!last || !isTerminal(last.status)) return this.#append(events)
    const faster = await this.#mailbox.close()
    if (faster) {
      await this.take(faster)
      return this.write(next)
    }
    await this.#beforeEnd()
    return this.#append(events)
  }

  /** Put mail on record: what was the next one. */
  async take(mail: Mail): Promise<void> {
    this.#mailbox.advance(mail)
    await this.#append([this.#eventOf(mail)])
  }

  #eventOf(mail: Mail): TaskEvent {
    const time = this.timeAt(mail.at)
    return mail.kind === 'cancel'
      ? cancelRequestedEvent(this.head, time)
      : commandedEvent(this.head, mail.command, time)
  }

  /** Then takes all mail that the server had before the last of them: so nothing is overlooked at a safe point. */
  async #append(events: readonly TaskEvent[]): Promise<void> {
    let mail: Mail | undefined
    for (const event of events) {
      this.events.push(event)
      this.#known.add([event])
      mail = await withFaultPoints('restate.append', () => this.#putAfterMail(event))
    }
    if (mail) await this.take(mail)
  }

  /** The server tells in one order that the event is written and that there is mail: that is journaled, and replayed. */
  async #putAfterMail(event: TaskEvent): Promise<Mail | undefined> {
    const written = put(this.#ctx, event)
    const mail = await restate.RestatePromise.race([...this.mail, written.map(() => undefined)])
    if (mail) await written
    return mail
  }
}

/** Into the state, for readers. It also resolves the promise that followers wait for. */
function put(ctx: Run, event: TaskEvent): restate.RestatePromise<void> {
  ctx.set(eventKey(event.seq), event)
  // It is one, of which the declaration says less.
  return ctx.promise<TaskEvent>(eventKey(event.seq)).resolve(event) as restate.RestatePromise<void>
}
