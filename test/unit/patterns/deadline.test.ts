import { afterEach, expect, test } from 'vitest'
import type { Backend } from '../../../patterns/contract/engine/backend.ts'
import type { NodeSettings } from '../../../patterns/contract/types/settings.ts'
import { readSettings } from '../../../patterns/contract/server/settings.ts'
import { longestDeadlineS, taskRequest } from '../../../patterns/contract/types/task.ts'
import { openBackend } from '../../../patterns/engines/memory/backend.ts'

const dayS = 24 * 3600
const input = { seed: 1, profile: 'research-write', job: 'j' }

const settings: NodeSettings = {
  node: 'api-0',
  listen: { host: '127.0.0.1', port: 1 },
  delivery: 'polling',
  engine: 'memory',
  timeScale: 1,
  tuning: 'default',
  token: 'a-token-of-some-length',
  toolsUrl: 'http://127.0.0.1:9',
}

let backend: Backend | undefined
afterEach(async () => {
  await backend?.[Symbol.asyncDispose]()
})

test.each([25 * dayS, 30 * dayS, 50 * dayS, longestDeadlineS])(
  'a deadline in %i seconds is none now',
  async (deadline_s) => {
    backend = await openBackend(settings, async () => {
      throw new Error('nobody is called')
    })
    const request = taskRequest.parse({ type: 'agent', input, deadline_s })
    const { task } = await backend.submit({ key: String(deadline_s), fingerprint: 'f', request })
    await new Promise((resolve) => setTimeout(resolve, 60))
    expect((await backend.read(task.task_id))?.status).toBe('running')
  },
)

test.each([longestDeadlineS + 1, 1e300, Infinity, 0, -1])('a deadline of %d seconds is refused', (deadline_s) => {
  expect(taskRequest.safeParse({ type: 'agent', input, deadline_s }).success).toBe(false)
})

test.each(['0.0001', '0', '-1', '1e300', 'x'])('a time scale of %s is refused', (OUTLAST_TIME_SCALE) => {
  const env = {
    OUTLAST_NODE: 'api-0',
    OUTLAST_PORT: '1',
    OUTLAST_DELIVERY: 'polling',
    OUTLAST_ENGINE: 'memory',
    OUTLAST_TOKEN: settings.token,
  }
  expect(readSettings({ ...env, OUTLAST_TIME_SCALE: '0.5' }).timeScale).toBe(0.5)
  expect(() => readSettings({ ...env, OUTLAST_TIME_SCALE })).toThrow(/OUTLAST_TIME_SCALE/)
})
