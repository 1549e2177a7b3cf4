import { expect, test, vi } from 'vitest'
import { openRemote } from '../../harness/conform/remote.ts'
import { runCases } from '../../harness/conform/suite.ts'
import { startApiNode, timeScale, token } from './support/api-node.ts'
import { startUnkindProxy } from '../support/unkind-proxy.ts'
import { startWireProxy } from '../support/unkind-wire.ts'
import { casesByTurns } from './support/cases-by-turns.ts'
import { legalServers } from './support/legal-servers.ts'
import { startWrongProxy } from './support/wrong-proxy.ts'

// @core: all servers and cases of one file share one processor. Each has its own server, and every case waits more than it works.
vi.setConfig({ maxConcurrency: 8 })

test.concurrent.each(legalServers)(
  '$name is blamed for nothing',
  { timeout: 300_000 },
  async ({ name, how, wire, other, isOpen, balances, also = [], delivery = 'sse-polling' }) => {
    await using node = await startApiNode(delivery, 'memory', balances && { balances })
    await using proxy = other
      ? await startWrongProxy(node.url, other())
      : wire
        ? await startWireProxy(node.url, wire)
        : await startUnkindProxy(node.url, how)
    const own = { token: isOpen ? undefined : token, secret: undefined }
    const remote = { url: proxy.url, timeScale, type: 'agent', input: undefined, ...own }
    await using service = await openRemote({ ...remote, signal: new AbortController().signal })
    const results = await runCases(casesByTurns(name, also, 2), service.target)
    const blamed = results.filter(({ outcome }) => outcome !== 'pass' && outcome !== 'n/a')
    expect(blamed).toEqual([])
    const passed = results.filter(({ outcome }) => outcome === 'pass').map((one) => one.case)
    expect(passed).toEqual(expect.arrayContaining([...also]))
    expect(passed.length).toBeGreaterThan(7)
  },
)
