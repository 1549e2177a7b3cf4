import { MockAgent } from 'undici'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { emptyDigest, planTask, stepDigest } from '../../../patterns/agent/plan.ts'
import { performStep, ToolRefusal } from '../../../patterns/agent/step.ts'
import { monotonicMs } from '../../../patterns/contract/types/timer.ts'
import { timingAt } from '../../../patterns/contract/types/timing.ts'

/** Ten milliseconds for the whole task. */
const timeScale = 3_000
const plan = planTask({ seed: 7, profile: 'smoke' }, timeScale)
const toolsUrl = 'http://tools.test'
const keys: string[] = []
const calledAt: number[] = []
let agent: MockAgent
beforeEach(() => {
  keys.length = 0
  calledAt.length = 0
  agent = new MockAgent()
  agent.disableNetConnect()
})
afterEach(() => agent.close())

const call = () => agent.get(toolsUrl).intercept({ path: '/effects', method: 'POST' })
function answer(statusCode: number, data: string, headers: Record<string, string> = {}): void {
  call().reply((asked) => {
    keys.push((asked.headers as Record<string, string>)['idempotency-key']!)
    calledAt.push(monotonicMs())
    return { statusCode, data, responseOptions: { headers } }
  })
}

const perform = (scale = timeScale) => {
  const { signal } = new AbortController()
  const who = { taskId: 'task_1', job: 'it', attempt: 1, executor: 'worker-0' }
  return performStep(plan, 1, emptyDigest, {
    ...who,
    toolsUrl,
    dispatcher: agent,
    timing: timingAt(scale),
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

const problem = (retryable: boolean) => JSON.stringify({ type: 'about:blank', title: 'x', retryable })

test.each([
  ['a key in progress', 409, ''],
  ['the wrong server over this connection', 421, ''],
  ['locked', 423, ''],
  ['too early', 425, ''],
  ['too many', 429, ''],
  ['a problem that says so itself', 400, problem(true)],
])('%s (%d) is asked again under the same key', async (_, status, body) => {
  answer(status, body)
  answer(200, '{"nonce":"n1"}')
  expect((await perform()).digest).toBe(digestWith('n1'))
  expect(keys).toEqual(['task_1/1', 'task_1/1'])
})

test.each([
  [422, '{"nonce":"n1"}'],
  [400, ''],
  [403, ''],
  [404, '<html>'],
  [308, ''],
  [501, ''],
  [505, ''],
  [409, problem(false)],
  [429, problem(false)],
])('an effect that will never be accepted is an error: %d %s', async (status, body) => {
  answer(status, body)
  await expect(perform()).rejects.toBeInstanceOf(ToolRefusal)
})

test('the tool server’s advice is a minimum, and its cap is that of clients', async () => {
  answer(503, '', { 'retry-after-ms': '150' })
  answer(200, '{"nonce":"n1"}')
  await perform()
  expect(calledAt[1]! - calledAt[0]!).toBeGreaterThanOrEqual(145)

  answer(403, '', { 'retry-after': '86400' })
  answer(200, '{"nonce":"n1"}')
  await perform(30_000)
  expect(calledAt[3]! - calledAt[2]!).toBeLessThan(2_000)
})

test('no step asks again at once, whatever chance says', async () => {
  vi.spyOn(Math, 'random').mockReturnValue(0)
  answer(503, '')
  answer(200, '{"nonce":"n1"}')
  await perform(10)
  vi.restoreAllMocks()
  expect(calledAt[1]! - calledAt[0]!).toBeGreaterThanOrEqual(45)
})
