import { Agent, type Dispatcher } from 'undici'
import type { StepDone } from '../../agent/step.ts'
import * as agent from '../../agent/work.ts'
import { type Accounts, beforeTool, type Charge } from './accounts.ts'
import type { NodeSettings } from '../types/settings.ts'
import type { Timing } from '../types/timing.ts'

/** Where steps are performed: a node, and its way to the tools. */
export interface Workplace {
  readonly node: string
  readonly toolsUrl: string
  readonly dispatcher: Dispatcher
  readonly timeScale: number
  readonly timing: Timing
  /** Who pays for steps, and how often tools are called; absent: nobody asks. */
  readonly accounts?: Accounts | undefined
}

/** What a task's work is: that of the simulated agent, or of what has taken its place. */
export type WorkPlan = ReturnType<typeof agent.plan>

export interface StepWork {
  readonly taskId: string
  readonly job: string
  readonly plan: WorkPlan
  /** Counts from 1. */
  readonly step: number
  /** What the steps before it returned. */
  readonly digest: string
  /** Of the task, from 1. */
  readonly attempt: number
  /** What the task may use, for the tool gateway (`types/grant.ts`). */
  readonly grant?: string | undefined
  /** Who pays for the step; absent: nobody is asked. */
  readonly charge?: Charge
  /** Pays the step and waits for its turn, where the engine does that by itself. */
  readonly beforeTool?: () => Promise<void>
}

/** Real milliseconds for a connection. The floor keeps a compressed run from mistaking a busy machine for a dead server. */
export function connectLimitMs({ connectTimeoutMs }: Pick<Timing, 'connectTimeoutMs'>): number {
  return Math.max(1000, connectTimeoutMs)
}

/** Its dispatcher is the caller's to destroy. */
export function openWorkplace<T extends Timing>(
  { node, toolsUrl, timeScale }: Pick<NodeSettings, 'node' | 'timeScale'> & { readonly toolsUrl: string },
  timing: T,
  connections: number,
): Workplace & { readonly timing: T } {
  const dispatcher = new Agent({ connections, connect: { timeout: connectLimitMs(timing) } })
  return { node, toolsUrl, dispatcher, timeScale, timing }
}

/** Do a step of the agent's work here. Work that does not say when it calls a tool is paid when it is done. */
export async function performAt(place: Workplace, work: StepWork, signal: AbortSignal): Promise<StepDone> {
  const { plan, step, digest, charge, beforeTool: own, ...task } = work
  const { node: executor, toolsUrl, dispatcher, timing, accounts } = place
  const ctx = { ...task, executor, toolsUrl, dispatcher, timing, signal }
  const pay = own ?? (accounts && charge && (() => beforeTool(accounts, charge, signal)))
  if (!pay) return agent.perform(plan, step, digest, ctx)
  let isPaid = false
  const payOnce = async (): Promise<void> => {
    await pay()
    isPaid = true
  }
  const done = await agent.perform(plan, step, digest, { ...ctx, beforeTool: payOnce })
  if (!isPaid) await payOnce()
  return done
}
