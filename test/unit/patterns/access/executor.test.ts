import { MockAgent } from 'undici'
import { expect, test } from 'vitest'
import { execute } from '../../../../patterns/contract/engine/execution.ts'
import type { Journal } from '../../../../patterns/contract/engine/journal.ts'
import { defaultSpawnLimits } from '../../../../patterns/contract/engine/sub-tasks.ts'
import { newTask } from '../../../../patterns/contract/engine/task-backend.ts'
import { completedSteps } from '../../../../patterns/contract/types/fold.ts'
import { timingAt } from '../../../../patterns/contract/types/timing.ts'

const timeScale = 1_000

/** The headers of each tool call of a task that was accepted so, by an executor that keeps a journal. */
async function callsOf(mint: ((taskId: string) => string) | undefined) {
  const agent = new MockAgent()
  agent.disableNetConnect()
  const calls: Record<string, string>[] = []
  const tools = agent.get('http://tools.test').intercept({ path: '/effects', method: 'POST' })
  tools
    .reply(({ headers }) => {
      calls.push(headers as Record<string, string>)
      return { statusCode: 200, data: '{"nonce":"n"}' }
    })
    .persist()
  const request = { type: 'agent' as const, input: { seed: 1, profile: 'smoke', job: 'j' } }
  const access = mint && { access: { principal: 'ann', tools: ['search'], mint } }
  const { taskId, created } = newTask({ key: 'k', fingerprint: 'f', request, ...access }, timeScale, 'task_1')
  const journal: Journal = { append: async (_, log, next) => log.add(next()), refresh: async () => {} }
  const timing = timingAt(timeScale)
  const untilNews = async (): Promise<void> => {}
  const place = {
    node: 'worker-0',
    toolsUrl: 'http://tools.test',
    dispatcher: agent,
    timeScale,
    timing,
    journal,
    untilNews,
    subTasks: { limits: defaultSpawnLimits, accept: async () => {}, isCancelled: async () => false },
  }
  const claim = { taskId, owner: 'w', epoch: 1, log: [created] }
  const never = new AbortController()
  const last = await execute(claim, { ...place, resumption: completedSteps }, never, never.signal)
  await agent.close()
  expect(last.status).toBe('completed')
  return calls.map((headers) => [headers['idempotency-key'], headers['authorization'], headers['outlast-tool']])
}

test('an executor sends the grant of the task, and the name of the tool', async () => {
  expect(await callsOf((taskId) => `grant-of-${taskId}`)).toEqual([
    ['task_1/1', 'Bearer grant-of-task_1', 'search'],
    ['task_1/2', 'Bearer grant-of-task_1', 'draft'],
    ['task_1/3', 'Bearer grant-of-task_1', 'finalize'],
  ])
})

test('without a grant it sends nothing of either', async () => {
  expect(await callsOf(undefined)).toEqual([1, 2, 3].map((step) => [`task_1/${step}`, undefined, undefined]))
})
