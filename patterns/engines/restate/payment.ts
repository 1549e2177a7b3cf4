import type * as restate from '@restatedev/restate-sdk'
import type { Charge, NamedBucket } from '../../contract/engine/accounts.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import type { AccountObject } from './account.ts'
import { accountName, type Taken } from './protocol.ts'

type Run = Pick<restate.WorkflowContext, 'objectClient' | 'awakeable'>

/** The account holds for the step that it had too little for. */
export interface Granted {
  readonly kind: 'granted'
}

/** The account of a task's principal, as the task's run asks it: each call is in the run's journal, and made once. */
export class Payment {
  readonly #ctx: Run
  readonly #taskId: string
  readonly #account: ReturnType<typeof accountOf>
  /** The last step that it was asked for, and until when there was too little for it. */
  #step = 0
  #grant: restate.RestatePromise<Granted> | undefined
  #paid = 0
  /** There may be something to release. */
  #isKnown = false

  constructor(ctx: Run, { taskId, principal }: Pick<Charge, 'taskId' | 'principal'>) {
    this.#ctx = ctx
    this.#taskId = taskId
    this.#account = accountOf(ctx, principal)
  }

  /** Whether what the step costs is held, was before, or is paid. */
  async hold({ taskId, step, credits }: Charge): Promise<boolean> {
    if (credits === 0) return true
    if (this.#step === step) return this.#grant === undefined
    const wake = this.#ctx.awakeable<void>()
    const asked = { taskId, step, credits, wake: wake.id }
    const isHeld = await withFaultPoints('restate.hold', async () => this.#account.hold(asked))
    this.#step = step
    this.#isKnown = true
    if (!isHeld) this.#grant = wake.promise.map((): Granted => ({ kind: 'granted' }))
    return isHeld
  }

  /** To race with while the agent stands still for want of credits; `accept` what wins. */
  get grant(): readonly restate.RestatePromise<Granted>[] {
    return this.#grant ? [this.#grant] : []
  }

  accept(_granted: Granted): void {
    this.#grant = undefined
  }

  async pay({ taskId, step, credits }: Charge): Promise<void> {
    if (this.#paid === step || credits === 0) return
    await withFaultPoints('restate.pay', async () => this.#account.pay({ taskId, step, credits }))
    this.#paid = step
  }

  take(buckets: readonly NamedBucket[]): restate.RestatePromise<Taken> {
    this.#isKnown = true
    return this.#account.take(buckets)
  }

  /** Before the task's last event: who reads it finds nothing held any more. */
  async release(): Promise<void> {
    if (this.#isKnown) await withFaultPoints('restate.release', async () => this.#account.release(this.#taskId))
  }
}

function accountOf(ctx: Run, principal: string) {
  return ctx.objectClient<AccountObject>({ name: accountName }, principal)
}
