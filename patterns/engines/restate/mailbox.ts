import type * as restate from '@restatedev/restate-sdk'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { closed, type Mail, placeKey, type Posting, type Receipt } from './protocol.ts'

/** A task's mailbox is a row of durable promises. Each is resolved once, so whoever resolves it has the place. */
type Held = Mail | typeof closed
type Promises = Pick<restate.WorkflowSharedContext, 'promise'>

/** Puts mail into the first free place. Whoever does so at the same time, they all see one order. */
export async function postMail(ctx: Promises, { mail, place }: Posting): Promise<Receipt> {
  for (let n = place; ; n++) {
    const held = await withFaultPoints('restate.command', () => claim(ctx, n, mail))
    if (!held) return 'recorded'
    if (held.kind !== 'command') return 'ended'
    if (mail.kind === 'command' && held.command.id === mail.command.id) return { known: held.command }
  }
}

/** Undefined: place `n` is `mine`. Else what was faster. */
async function claim(ctx: Promises, n: number, mine: Held): Promise<Held | undefined> {
  const place = ctx.promise<Held>(placeKey(n))
  try {
    await place.resolve(mine)
    return undefined
  } catch (error) {
    const held = await place.peek()
    if (!held) throw error
    return held
  }
}

/** The run's side of it. */
export class Mailbox {
  readonly #ctx: Promises
  #place = 0
  #next: restate.RestatePromise<Mail> | undefined

  constructor(ctx: Promises) {
    this.#ctx = ctx
    this.#open()
  }

  /** The mail in the next place, as soon as there is one. None: no mail comes any more. */
  get next(): readonly restate.RestatePromise<Mail>[] {
    return this.#next ? [this.#next] : []
  }

  /** `mail` was the next one. */
  advance({ kind }: Mail): void {
    this.#next = undefined
    if (kind === 'command') this.#open()
  }

  /** Undefined: no mail comes any more. Else the next one, which was faster. */
  async close(): Promise<Mail | undefined> {
    if (!this.#next) return undefined
    const held = await withFaultPoints('restate.close', () => claim(this.#ctx, this.#place, closed))
    if (held && held.kind !== 'closed') return held
    this.#next = undefined
    return undefined
  }

  #open(): void {
    this.#place++
    this.#next = this.#ctx.promise<Mail>(placeKey(this.#place)).get()
  }
}
