import type { AccountStore, Charge, NamedBucket } from '../../contract/engine/accounts.ts'
import type { Balances } from '../../contract/types/account.ts'
import { type Bucket, draw } from '../../contract/server/token-bucket.ts'
import { monotonicMs } from '../../contract/types/timer.ts'

interface Account {
  credits: number
  readonly holds: Map<string, Charge & { paid: boolean }>
  readonly topUps: Map<string, number>
}

/**
 * Balances in this process: they are its own. A restart begins with the configured ones again, and forgets what was spent,
 * and two nodes have two of each. `hasEnded` is about a task.
 */
export function openAccountStore(balances: Balances, hasEnded: (taskId: string) => boolean): AccountStore {
  const accounts = new Map(
    Object.entries(balances).map(([principal, credits]): [string, Account] => [
      principal,
      { credits, holds: new Map(), topUps: new Map() },
    ]),
  )
  const buckets = new Map<string, Bucket>()
  return {
    hold: async (charge) => {
      const account = accounts.get(charge.principal)
      if (!account || account.holds.has(keyOf(charge))) return true
      if (account.credits < charge.credits) takeBack(account, hasEnded)
      if (account.credits < charge.credits) return false
      account.credits -= charge.credits
      account.holds.set(keyOf(charge), { ...charge, paid: false })
      return true
    },
    pay: async (charge) => {
      const account = accounts.get(charge.principal)
      const hold = account?.holds.get(keyOf(charge))
      if (hold) hold.paid = true
      return !account || hold !== undefined
    },
    take: async (asked) => takeAll(buckets, asked),
    read: async (principal) => {
      const account = accounts.get(principal)
      if (!account) return undefined
      takeBack(account, hasEnded)
      const sum = (paid: boolean): number =>
        [...account.holds.values()].reduce((all, hold) => (hold.paid === paid ? all + hold.credits : all), 0)
      return { principal, credits: account.credits, held: sum(false), spent: sum(true) }
    },
    topUp: async (principal, { id, credits }) => {
      const account = accounts.get(principal)
      if (!account) return 'unknown'
      const known = account.topUps.get(id)
      if (known !== undefined) return known === credits ? 'known' : 'reused'
      account.topUps.set(id, credits)
      account.credits += credits
      return 'made'
    },
  }
}

function keyOf({ taskId, step }: Charge): string {
  return `${taskId}/${step}`
}

function takeBack(account: Account, hasEnded: (taskId: string) => boolean): void {
  for (const [key, { taskId, credits, paid }] of account.holds) {
    if (paid || !hasEnded(taskId)) continue
    account.holds.delete(key)
    account.credits += credits
  }
}

function takeAll(buckets: Map<string, Bucket>, asked: readonly NamedBucket[]): number {
  const now = monotonicMs()
  const drawn = asked.map(({ name, rate }) => ({ name, ...draw(buckets.get(name), rate, now) }))
  const refused = drawn.filter(({ isTaken }) => !isTaken)
  if (refused.length > 0) return Math.max(...refused.map(({ nextMs }) => nextMs))
  for (const { name, bucket } of drawn) buckets.set(name, bucket)
  return 0
}
