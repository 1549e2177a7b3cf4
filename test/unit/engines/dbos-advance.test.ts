import { MockAgent } from 'undici'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { planTask } from '../../../patterns/agent/plan.ts'
import type { Effect } from '../../../patterns/agent/step.ts'
import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import { createdEvent } from '../../../patterns/contract/engine/log.ts'
import { foldEvents } from '../../../patterns/contract/types/fold.ts'
import type { TaskRequest } from '../../../patterns/contract/types/task.ts'
import { timingAt } from '../../../patterns/contract/types/timing.ts'
import { nonceOf, rightAnswer } from '../../support/tools.ts'
import type { Workplace } from '../../../patterns/contract/engine/workplace.ts'
import { advance, nameOf, type Progressing } from '../../../patterns/engines/dbos/workflow.ts'

/** Thirty seconds of work in three milliseconds. */
const timeScale = 10_000
const toolsUrl = 'http://tools.test'
const never = new AbortController().signal
const input = { seed: 7, profile: 'smoke', job: 'it' }
const posted: { step: number; attempt: number }[] = []
let agent: MockAgent
let place: Workplace

function answerWith(status: number): void {
  const reply = ({ body }: { body?: unknown }) => {
    const effect = JSON.parse(String(body)) as Effect
    posted.push(effect)
    return { statusCode: status, data: JSON.stringify({ nonce: nonceOf(effect.task, effect.step) }) }
  }
  agent.get(toolsUrl).intercept({ path: '/effects', method: 'POST' }).reply(reply).persist()
}

beforeEach(() => {
  posted.length = 0
  agent = new MockAgent()
  agent.disableNetConnect()
  place = { node: 'worker-0', toolsUrl, dispatcher: agent, timeScale, timing: timingAt(timeScale) }
})
afterEach(() => agent.close())

function accepted(more: Partial<TaskRequest> = {}): Progressing {
  const request = { type: 'agent' as const, input, ...more }
  const plan = planTask(request.input, timeScale)
  return { plan, log: [createdEvent('task_it', request, plan, new Date())], owner: undefined, run: 'first' }
}

/** Advance until the log has ended or has this many events, as the workflow does. */
async function proceed(from: Progressing, until = Infinity): Promise<Progressing> {
  let task = from
  while (task.log.length < until && !foldEvents(task.log).finished_at) {
    const added = await advance(task, place, never)
    task = { ...task, log: [...task.log, ...added.events], owner: added.run }
  }
  return task
}
const typesOf = (log: readonly TaskEvent[]) => log.map(({ type }) => type.replace('task.', ''))

describe('advances', () => {
  test('start, perform every step once, and end with the right answer', async () => {
    answerWith(204)
    const { log } = await proceed(accepted())
    expect(typesOf(log)).toEqual(['created', 'started', 'progress', 'progress', 'progress', 'completed'])
    expect(foldEvents(log)).toMatchObject({ attempt: 1, result: { digest: rightAnswer(input), steps: 3 } })
    expect(posted.map(({ step }) => step)).toEqual([1, 2, 3])
  })

  test('of another run record first that they resume, and then repeat nothing that is recorded', async () => {
    answerWith(204)
    const interrupted = await proceed(accepted(), 4)
    const { log } = await proceed({ ...interrupted, run: 'second' })
    expect(typesOf(log)).toEqual('created started progress progress resumed progress completed'.split(' '))
    expect(foldEvents(log)).toMatchObject({ attempt: 2, result: { digest: rightAnswer(input) } })
    expect(posted).toMatchObject([
      { step: 1, attempt: 1 },
      { step: 2, attempt: 1 },
      { step: 3, attempt: 2 },
    ])
  })

  test('have names that follow from the log alone', async () => {
    answerWith(204)
    const begun = await proceed(accepted(), 3)
    expect(nameOf(accepted())).toBe('start')
    expect(nameOf(begun)).toBe(begun.plan.steps[1]!.name)
    expect(nameOf({ ...begun, run: 'second' })).toBe(nameOf(begun))
  })
})

describe('a task ends', () => {
  test('failed, when a tool refuses', async () => {
    answerWith(422)
    expect(foldEvents((await proceed(accepted())).log).status).toBe('failed')
  })

  test('expired, when its deadline has passed since it was created', async () => {
    answerWith(204)
    const { log } = await proceed(accepted({ deadline_s: 1 }))
    expect(foldEvents(log)).toMatchObject({ status: 'expired', status_reason: 'the deadline has passed' })
    expect(posted).toEqual([])
  })

  test('not by a cancellation in here: the library records that one', async () => {
    const begun = await proceed(accepted(), 2)
    const reason = new Error('cancelled')
    await expect(advance(begun, place, AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})
