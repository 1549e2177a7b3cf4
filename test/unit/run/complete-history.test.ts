import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import type { Op } from '../../../harness/model/history.ts'
import type { CellParts } from '../../../harness/run/cell-context.ts'
import { completeHistory } from '../../../harness/run/complete-history.ts'
import type { LedgerEffect } from '../../../harness/run/ledger.ts'

/** An API node whose task ends just before it is asked what became of the task. */
async function openSlowNode(finish: () => void): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((_, response) => {
    finish()
    response.end(JSON.stringify({ task_id: 'task_1', status: 'completed', version: 5, result: { digest: 'right' } }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { url, [Symbol.asyncDispose]: async () => void server.close() }
}

const effectOf = (step: number): LedgerEffect => ({
  task: 't-00001',
  taskId: 'task_1',
  step,
  attempt: 1,
  executor: 'api-0',
  startedAt: step,
  endedAt: step + 1,
  idempotencyKey: `task_1/${step}`,
  receivedAt: step + 1,
})

test('a task that ends while servers are asked for the truth has its effects in the history', async () => {
  const effects = [effectOf(1)]
  const recorded: Pick<Op, 'f'>[] = []
  await using node = await openSlowNode(() => effects.push(effectOf(2)))
  const parts = {
    cell: { delivery: 'polling' },
    context: { machine: { health: () => undefined } },
    recorder: { epochMs: 0, record: (op: Pick<Op, 'f'>) => recorded.push(op) },
    ledger: { readAll: async () => ({ effects: [...effects], refusals: [], gaps: 0 }) },
    probes: { taskIds: new Map() },
    runner: { unresolved: new Set(['t-00001']), taskIds: new Map([['t-00001', 'task_1']]) },
    deployment: { nodes: [{ name: 'api-0', role: 'api', url: node.url }] },
    events: { phase: () => {} },
    watch: () => {},
    token: 'token',
    logs: '/nowhere',
  } as unknown as CellParts
  await completeHistory(parts, { lagsMs: [] } as never, {} as never)
  expect(recorded.map(({ f }) => f)).toEqual(['phase', 'final', 'effect', 'effect', 'health', 'phase'])
})
