import { expect, test, vi } from 'vitest'
import type { Backend } from '../../../patterns/contract/engine/backend.ts'
import { retryUntilReached } from '../../../patterns/contract/engine/reach.ts'
import { createApi } from '../../../patterns/contract/server/api.ts'

test('that the store cannot be reached is for the client, and where it is for the log', async () => {
  const token = 'a-token-for-tests-only'
  const own = { node: 'api-0', listen: { host: '127.0.0.1', port: 0 }, delivery: 'polling', engine: 'memory' }
  const settings = { ...own, timeScale: 1, tuning: 'default', token } as const
  const { signal } = new AbortController()
  const patience = { callee: 'the task store', patienceMs: 0, retryCapMs: 1, retryBaseMs: 1, isTransient: () => true }
  const read = (): Promise<never> =>
    retryUntilReached(
      async () => {
        throw new Error('connect ECONNREFUSED 10.0.3.7:5432')
      },
      { ...patience, signal },
    )
  const app = createApi({ read } as unknown as Backend, settings, signal)
  const log = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    const answer = await app.request('/v1/tasks/task_1', { headers: { authorization: `Bearer ${token}` } })
    expect(await answer.json()).toMatchObject({
      status: 503,
      detail: 'the task store cannot be reached',
      retryable: true,
    })
    expect(log.mock.calls.join()).toContain(
      'the task store cannot be reached; Error: connect ECONNREFUSED 10.0.3.7:5432',
    )
  } finally {
    log.mockRestore()
  }
})
