import { expect, test } from 'vitest'
import { discover } from '../../harness/core/discover.ts'
import processes from '../../harness/runtimes/process.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'

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

/** Whether the engine keeps balances and tool rates; the others refuse settings that ask for them. */
export function keepsAccounts({ name }: Engine): boolean {
  return !name.startsWith('temporal')
}
