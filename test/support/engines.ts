import { expect, test } from 'vitest'
import { discover } from '../../harness/core/discover.ts'
import processes from '../../harness/runtimes/process.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import { isWhole } from './whole.ts'

/** Every engine whose server is on this machine. In the calling suite each of the others is a skipped test that says why. */
export async function presentEngines(): Promise<readonly Engine[]> {
  const engines = [...(await discover<Engine>(new URL('../../patterns/engines/', import.meta.url), 'engine')).values()]
  const reasons = await Promise.all(engines.map(({ services }) => processes.whyNot(services)))
  return engines.filter(({ name }, i) => {
    const reason = reasons[i]
    if (reason === undefined) return true
    console.warn(`engine ${name} is skipped: ${reason}`)
    test.skipIf(true)(`engine ${name} is skipped: ${reason}`, () => expect.unreachable())
    return false
  })
}

/**
 * Of those that are present: for suites of what an engine and its variants do with the same lines of code. A variant is a
 * skipped test there, unless `npm run test:whole` asks for all of it.
 */
export async function presentEnginesOfOwnCode(): Promise<readonly Engine[]> {
  const present = await presentEngines()
  if (isWhole) return present
  const variants = new Map(present.flatMap(({ name, variants = [] }) => variants.map((one) => [one.name, name])))
  for (const [variant, engine] of variants) skipVariant(variant, engine)
  return present.filter(({ name }) => !variants.has(name))
}

/** Says that the suite leaves it out. */
export function skipVariant(variant: string, engine: string): void {
  const reason = `its code here is that of ${engine}; npm run test:whole`
  test.skipIf(true)(`engine ${variant} is skipped: ${reason}`, () => expect.unreachable())
}

/** Whether the engine keeps balances and tool rates; the others refuse settings that ask for them. */
export function keepsAccounts({ withoutAccounts }: Engine): boolean {
  return withoutAccounts === undefined
}
