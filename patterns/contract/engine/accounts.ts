import type { Plan } from '../../agent/plan.ts'
import type { Balance, TopUp } from '../types/account.ts'
import type { TaskEvent } from '../types/events.ts'
import { operator } from '../types/principal.ts'
import type { NodeSettings, Rate } from '../types/settings.ts'
import { monotonicMs, sleep } from '../types/timer.ts'
import { LeaseLost } from './journal.ts'

/** A step, and who pays for it. Task and step are the key: whoever does the step, it is paid once. */
export interface Charge {
  readonly taskId: string
  readonly step: number
  readonly principal: string
  readonly credits: number
}

/** A token bucket by its name. */
export interface NamedBucket {
  readonly name: string
  readonly rate: Rate
}

/**
 * Balances of principals and the buckets of their tools, in the engine's own store, for all its nodes. What resolves is as
 * durable as the store is, and may be repeated. Who has no account there pays nothing.
 */
export interface AccountStore {
  /** Holds what a step costs. True: it is held, or was before, or is paid. False: too little is left. */
  hold(charge: Charge): Promise<boolean>
  /** What is held for the step is spent. False: nothing is, as its task has ended. */
  pay(charge: Charge): Promise<boolean>
  /** Takes a token of each bucket of this step, or none at all: 0, or the milliseconds until there may be one. By the store's clock. */
  take(buckets: readonly NamedBucket[], charge: Charge): Promise<number>
  /** After what ended tasks hold has come back. Undefined: no account. */
  read(principal: string): Promise<Balance | undefined>
  /** `known`: it was made before. `reused`: its id belongs to another one. `unknown`: no account. */
  topUp(principal: string, topUp: TopUp): Promise<'made' | 'known' | 'reused' | 'unknown'>
}

/** The accounts as an executor uses them: before a step, and before its tool call. */
export interface Accounts {
  readonly store: AccountStore
  /** There are balances: without any, a step asks for none. */
  readonly keepsBalances: boolean
  readonly rates: NonNullable<NodeSettings['toolRates']>
}

/** Undefined where the settings ask for none: nothing is kept then, and no step asks. `open` is the engine's own. */
export async function openAccounts(
  { balances, toolRates }: Pick<NodeSettings, 'balances' | 'toolRates'>,
  open: (balances: NonNullable<NodeSettings['balances']>) => AccountStore | Promise<AccountStore>,
): Promise<Accounts | undefined> {
  if (!balances && !toolRates) return undefined
  return { store: await open(balances ?? {}), keepsBalances: balances !== undefined, rates: toolRates ?? {} }
}

/** What the API shows: nothing where there are rates alone. */
export function shownOf(accounts: Accounts | undefined): AccountStore | undefined {
  return accounts?.keepsBalances ? accounts.store : undefined
}

/** For an engine that keeps none. Throws where the settings ask for it: a limit that nobody keeps must not look like one. */
export function refuseAccounts({ engine, balances, toolRates }: NodeSettings): void {
  const asked = [...(balances ? ['OUTLAST_BALANCES'] : []), ...(toolRates ? ['OUTLAST_TOOL_RATE_...'] : [])]
  if (asked.length > 0)
    throw new Error(`the ${engine} engine keeps no balances and tool rates: unset ${asked.join(', ')}`)
}

/** What the step after `completed` steps costs, by a task's first event and its plan. */
export function chargeFor(created: TaskEvent, plan: Plan, completed: number): Charge {
  const { principal = operator } = created.data as { readonly principal?: string }
  return { taskId: created.task_id, step: completed + 1, principal, credits: plan.steps[completed]?.credits ?? 0 }
}

/** Before a step: holds its cost. False: the balance has too little for it. Undefined: nobody asks. */
export async function holdFor(accounts: Accounts | undefined, charge: Charge): Promise<boolean | undefined> {
  if (!accounts?.keepsBalances) return undefined
  return charge.credits === 0 || accounts.store.hold(charge)
}

/**
 * Before a step's tool call: pays what is held, then waits for its turn. It is paid before the call and not after it, since
 * who dies in between leaves nobody who knows whether the tool was called: what was paid never comes back. Throws LeaseLost
 * where the task has ended elsewhere, and the reason of `signal`.
 */
export async function beforeTool(accounts: Accounts, charge: Charge, signal: AbortSignal): Promise<void> {
  if (accounts.keepsBalances && charge.credits > 0 && !(await accounts.store.pay(charge)))
    throw new LeaseLost(`task ${charge.taskId} has ended: nothing is held for its step ${charge.step}`)
  await untilTaken(accounts, charge, signal)
}

/** From which a tool call of this step takes its tokens. */
export function bucketsOf({ task, principal }: Accounts['rates'], charge: Charge): readonly NamedBucket[] {
  return [
    ...(principal ? [{ name: `principal:${charge.principal}`, rate: principal }] : []),
    ...(task ? [{ name: `task:${charge.taskId}`, rate: task }] : []),
  ]
}

/** A token is for now: one whose answer took longer, in milliseconds, is lost. Else those of an outage would be spent at once. */
export const freshTokenMs = 1000

/** Longest pause before the next try, in milliseconds: many may wait for one token. */
const longestPauseMs = 2000

async function untilTaken({ store, rates }: Accounts, charge: Charge, signal: AbortSignal): Promise<void> {
  const buckets = bucketsOf(rates, charge)
  for (let tries = 0; buckets.length > 0; tries++) {
    signal.throwIfAborted()
    const askedAt = monotonicMs()
    const waitMs = await store.take(buckets, charge)
    if (waitMs === 0 && monotonicMs() - askedAt <= freshTokenMs) return
    await sleep(pauseMs(waitMs, tries, Math.random()), signal)
  }
}

/** Before the next try of so many: `random` is from 0 to 1. */
export function pauseMs(waitMs: number, tries: number, random: number): number {
  return waitMs + random * Math.min(longestPauseMs, 10 * 2 ** Math.min(tries, 10))
}
