import { expect, test, vi } from 'vitest'
import { illegalAccounts } from './support/illegal-accounts.ts'
import { illegalControl } from './support/illegal-control.ts'
import { illegalFamilies } from './support/illegal-families.ts'
import { caught, judge } from './support/illegal-server.ts'

const all = [...illegalControl, ...illegalAccounts, ...illegalFamilies]

// @core: all servers and cases of one file share one processor.
vi.setConfig({ maxConcurrency: 8 })

test.concurrent.each(all)('$name is caught by its case, and by no other', { timeout: 240_000 }, async (server) => {
  expect(await judge(server)).toEqual(caught(server))
})
