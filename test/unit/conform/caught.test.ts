import { expect, test } from 'vitest'
import { loadCases } from '../../../harness/conform/suite.ts'
import { illegalAccounts } from '../../conformance/support/illegal-accounts.ts'
import { illegalControl } from '../../conformance/support/illegal-control.ts'
import { wrongServers } from '../../mutants/wrong-servers.ts'

const caught = new Set([...illegalControl, ...illegalAccounts, ...wrongServers].flatMap(({ caughtBy }) => caughtBy))
const groups = new Set(['budget', 'commands', 'context'])

/** A proxy restarts nothing: engines that lose commands are killed elsewhere. */
const elsewhere = ['commands/durable']

test('every case about the control of agents has a server that it catches', async () => {
  const ids = (await loadCases()).map(({ id }) => id).filter((id) => groups.has(id.split('/')[0]!))
  expect(ids.length).toBeGreaterThan(10)
  expect(ids.filter((id) => !caught.has(id))).toEqual(elsewhere)
})
