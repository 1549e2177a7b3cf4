import { MockAgent } from 'undici'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { emptyDigest, planTask, stepDigest } from '../../../patterns/agent/plan.ts'
import { performStep, ToolRefusal } from '../../../patterns/agent/step.ts'
import { timingAt } from '../../../patterns/contract/types/timing.ts'

/** Ten milliseconds for the whole task. */
const timeScale = 3_000
const plan = planTask({ seed: 7, profile: 'smoke' }, timeScale)
const toolsUrl = 'http://tools.test'
const keys: string[] = []
let agent: MockAgent
beforeEach(() => {
  keys.length = 0
  agent = new MockAgent()
  agent.disableNetConnect()
})
afterEach(() => agent.close())

const call = () => agent.get(toolsUrl).intercept({ path: '/effects', method: 'POST' })
function answer(statusCode: number, data: string): void {
  call().reply(({ headers }) => {
    keys.push((headers as Record<string, string>)['idempotency-key']!)
    return { statusCode, data }
  })
}

const perform = () => {
  const { signal } = new AbortController()
  const who = { taskId: 'task_1', job: 'it', attempt: 1, executor: 'worker-0' }
  return performStep(plan, 1, emptyDigest, {
    ...who,
    toolsUrl,
    dispatcher: agent,
    timing: timingAt(timeScale),
    signal,
  })
}
const digestWith = (nonce: string) => stepDigest(emptyDigest, plan, 1, nonce)

test('the digest of a step takes in what the tool server answered', async () => {
  answer(200, '{"recorded":true,"nonce":"n1"}')
  expect(await perform()).toEqual({ digest: digestWith('n1'), credits: plan.steps[0]!.credits })
})

test('a step whose answer was lost, or that was turned away, asks again under the same key', async () => {
  answer(503, '{"nonce":"of an error"}')
  call().replyWithError(new Error('reset'))
  answer(200, '{"nonce":"n1"}')
  expect((await perform()).digest).toBe(digestWith('n1'))
  expect(keys).toEqual(['task_1/1', 'task_1/1'])
})

test.each([
  [204, ''],
  [200, 'done'],
  [200, 'null'],
  [200, '{"recorded":true}'],
  [200, '{"nonce":7}'],
])('a tool server of one’s own need not know of nonces: %d %s', async (status, body) => {
  answer(status, body)
  expect((await perform()).digest).toBe(digestWith(''))
})

test('an effect that will never be accepted is an error', async () => {
  answer(422, '{"nonce":"n1"}')
  await expect(perform()).rejects.toBeInstanceOf(ToolRefusal)
})
