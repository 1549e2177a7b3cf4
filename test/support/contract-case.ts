import { timingAt } from '../../patterns/contract/types/timing.ts'
import type { Target } from '../../harness/conform/case.ts'
import { Conversation } from '../../harness/conform/conversation.ts'
import type { NamedCase } from '../../harness/conform/suite.ts'

export function targetAt(url: string): Target {
  const [conversation, signal] = [new Conversation(), new AbortController().signal]
  const bodyFor = () => ({ type: 'agent', input: {} })
  const promises = { callbacks: false, events: false }
  return {
    name: url,
    url,
    token: 't',
    timeScale: 30,
    timing: timingAt(30),
    bodyFor,
    promises,
    able: {},
    unable: {},
    signal,
    conversation,
  }
}

export function caseOf(check: NamedCase['check']): NamedCase {
  return { id: 'a/b', name: 'b', proves: 'it', source: 'a test', needs: [], check }
}
