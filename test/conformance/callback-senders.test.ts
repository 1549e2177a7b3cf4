import { expect, test, vi } from 'vitest'
import { openRemote } from '../../harness/conform/remote.ts'
import { loadCases, runCases } from '../../harness/conform/suite.ts'
import { startApiNode, timeScale, token } from './support/api-node.ts'
import { callbackSenders } from './support/callback-senders.ts'
import { startCallingService, webhookSecret } from './support/calling-service.ts'

const cases = (await loadCases()).filter(({ id }) => id.startsWith('callbacks/'))
// Each has its own server, and every case waits more than it works.
vi.setConfig({ maxConcurrency: 10 })

test.concurrent.each(callbackSenders)(
  'a sender with $name is caught by $caughtBy',
  { timeout: 240_000 },
  async ({ sender, isUnsigned, caughtBy }) => {
    await using node = await startApiNode('webhook')
    await using service = await startCallingService(node.url, sender())
    const secret = isUnsigned ? undefined : webhookSecret
    const remote = { url: service.url, token, timeScale, type: 'agent', input: undefined, secret }
    await using opened = await openRemote({ ...remote, signal: new AbortController().signal })
    const results = await runCases(cases, opened.target)
    const named = (...outcomes: readonly string[]) => {
      return results.filter(({ outcome }) => outcomes.includes(outcome)).map((one) => one.case)
    }
    expect(named('fail').toSorted()).toEqual(caughtBy.toSorted())
    expect(named('undecided', 'error')).toEqual([])
    expect(named('n/a')).toEqual(isUnsigned ? ['callbacks/signed'] : [])
    for (const { evidence } of results.filter(({ outcome }) => outcome === 'fail')) {
      expect(evidence!.asked).toMatch(/^[A-Z]+ http/)
      expect(evidence!.curl).toMatch(/^curl /)
      expect(evidence!.came.length).toBeLessThan(3_000)
    }
  },
)
