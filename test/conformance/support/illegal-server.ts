import type { Balances } from '../../../patterns/contract/types/account.ts'
import { openRemote } from '../../../harness/conform/remote.ts'
import { type CaseResult, runCases } from '../../../harness/conform/suite.ts'
import { startApiNode, timeScale, token } from './api-node.ts'
import { casesByTurns } from './cases-by-turns.ts'
import { startWrongProxy, type Wrong } from './wrong-proxy.ts'

/** A server that breaks one sentence of the contract. */
export interface IllegalServer {
  readonly name: string
  /** Of the node behind it; `sse-polling` by default. */
  readonly delivery?: string
  /** What principals have to begin with, there; nobody has an account otherwise. */
  readonly balances?: Balances
  /** Made anew for each proxy: some count. */
  readonly wrong: () => Wrong
  /** Of all cases these fail, and no other. */
  readonly caughtBy: readonly string[]
  /** These cannot tell. */
  readonly undecided?: readonly string[]
}

/** Ids of cases. */
export interface Judgement {
  readonly failed: readonly string[]
  /** Beyond those that cannot tell. */
  readonly undecided: readonly string[]
  readonly errors: readonly string[]
  /** Failed without saying what was asked and what came, or with the token in it. */
  readonly unproven: readonly string[]
}

/** Holds such a server against the contract. */
export async function judge(server: IllegalServer): Promise<Judgement> {
  const { name, wrong, balances, caughtBy, undecided = [], delivery = 'sse-polling' } = server
  await using node = await startApiNode(delivery, 'memory', balances && { balances })
  await using proxy = await startWrongProxy(node.url, wrong())
  const remote = { url: proxy.url, token, timeScale, type: 'agent', input: undefined, secret: undefined }
  await using service = await openRemote({ ...remote, signal: new AbortController().signal })
  const results = await runCases(casesByTurns(name, caughtBy, 4), service.target)
  const named = (wanted: string) => results.filter(({ outcome }) => outcome === wanted).map((one) => one.case)
  return {
    failed: named('fail').toSorted(),
    undecided: named('undecided').filter((one) => !undecided.includes(one)),
    errors: named('error'),
    unproven: results.filter((one) => one.outcome === 'fail' && !isProven(one)).map((one) => one.case),
  }
}

/** Caught by its cases, and by no others. */
export function caught({ caughtBy }: IllegalServer): Judgement {
  return { failed: caughtBy.toSorted(), undecided: [], errors: [], unproven: [] }
}

function isProven({ evidence }: CaseResult): boolean {
  if (!evidence) return false
  const { asked, came, curl } = evidence
  return /^[A-Z]+ http/.test(asked) && /\S/.test(came) && curl.startsWith('curl ') && !curl.includes(token)
}
