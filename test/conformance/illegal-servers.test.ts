import { expect, test, vi } from 'vitest'
import { openRemote } from '../../harness/conform/remote.ts'
import { loadCases, runCases } from '../../harness/conform/suite.ts'
import { startApiNode, timeScale, token } from './support/api-node.ts'
import { illegalServers } from './support/illegal-servers.ts'
import { startWrongProxy } from './support/wrong-proxy.ts'

const cases = await loadCases()
// Each has its own server, and every case waits more than it works.
vi.setConfig({ maxConcurrency: 10 })

test.concurrent.each(illegalServers)(
  '$name is caught by its case, and by no other',
  { timeout: 120_000 },
  async ({ wrong, caughtBy, balances, undecided = [], delivery = 'sse-polling' }) => {
    await using node = await startApiNode(delivery, 'memory', balances && { balances })
    await using proxy = await startWrongProxy(node.url, wrong())
    const remote = { url: proxy.url, token, timeScale, type: 'agent', input: undefined, secret: undefined }
    await using service = await openRemote({ ...remote, signal: new AbortController().signal })
    const results = await runCases(cases, service.target)
    const named = (wanted: string) => results.filter(({ outcome }) => outcome === wanted).map((one) => one.case)
    expect(results.filter(({ outcome }) => outcome === 'error')).toEqual([])
    expect(named('fail').toSorted()).toEqual(caughtBy.toSorted())
    expect(named('undecided').filter((one) => !undecided.includes(one))).toEqual([])
    for (const { evidence } of results.filter(({ outcome }) => outcome === 'fail')) {
      expect(evidence).toMatchObject({
        asked: expect.stringMatching(/^[A-Z]+ http/),
        came: expect.stringMatching(/\S/),
      })
      expect(evidence!.curl).toMatch(/^curl /)
      expect(evidence!.curl).not.toContain(token)
    }
  },
)
