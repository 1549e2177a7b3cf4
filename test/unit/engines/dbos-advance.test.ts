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
import { openControl } from '../../../patterns/contract/engine/control.ts'
import type { Command } from '../../../patterns/contract/types/command.ts'
import {
  advance,
  afterAdvance,
  type ExecutorPlace,
  nameOf,
  type Progressing,
} from '../../../patterns/engines/dbos/workflow.ts'
import { alone, fakeMailbox } from '../../support/fake-mailbox.ts'

/** Thirty seconds of work in three milliseconds. */
const timeScale = 10_000
const toolsUrl = 'http://tools.test'
const never = new AbortController().signal
const input = { seed: 7, profile: 'smoke', job: 'it' }
const posted: { step: number; attempt: number }[] = []
let agent: MockAgent
let place: ExecutorPlace
let mailbox: ReturnType<typeof fakeMailbox>

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
  mailbox = fakeMailbox()
  place = {
    node: 'worker-0',
    toolsUrl,
    dispatcher: agent,
    timeScale,
    timing: timingAt(timeScale),
    mailbox,
    family: alone,
  }
})
afterEach(() => agent.close())

function accepted(more: Partial<TaskRequest> = {}): Progressing {
  const request = { type: 'agent' as const, input, ...more }
  const plan = planTask(request.input, timeScale)
  const created = createdEvent('task_it', request, plan, new Date())
  return { plan, log: [created], control: openControl(created), owner: undefined, run: 'first' }
}

/** Advance until the log has ended or has this many events, as the workflow does. */
async function proceed(from: Progressing, until = Infinity): Promise<Progressing> {
  let task = from
  while (task.log.length < until && !foldEvents(task.log).finished_at) {
    task = afterAdvance(task, await advance(task, place, never))
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

const stop: Command = { id: 'stop', type: 'interrupt' }
const go: Command = { id: 'go', type: 'resume' }
const turn: Command = { id: 'turn', type: 'steer', patch: [{ op: 'add', path: '/instruction', value: 'be brief' }] }

describe('commands', () => {
  test('are answered in an advance of their own, before another step begins', async () => {
    answerWith(204)
    const begun = await proceed(accepted({ memory: {} }), 3)
    mailbox.put(stop, turn, go)
    const { events } = await advance(begun, place, never)
    expect(typesOf(events).slice(3)).toEqual(['interrupted', 'context.patch', 'continued'])
    expect(posted).toHaveLength(1)
    const { log } = await proceed(afterAdvance(begun, { run: 'first', events }))
    expect(foldEvents(log)).toMatchObject({ status: 'completed', context_version: 5 })
    expect(log.filter(({ type }) => type === 'task.commanded')).toHaveLength(3)
  })

  test('of an agent that stands still: it waits for them, and records nothing meanwhile', async () => {
    answerWith(204)
    mailbox.put(stop)
    const stopped = await proceed(accepted(), 4)
    expect(nameOf(stopped)).toBe('wait')
    const waiting = advance(stopped, place, never)
    await mailbox.waits(3)
    mailbox.put(go)
    expect(typesOf((await waiting).events)).toEqual(['commanded', 'continued'])
    expect(posted).toEqual([])
    expect(mailbox.watchers()).toBe(0)
  })

  test('that came while it was not there, a run that takes over finds', async () => {
    answerWith(204)
    const begun = await proceed(accepted(), 3)
    mailbox.put(stop, go)
    const { log } = await proceed({ ...begun, run: 'second' })
    expect(typesOf(log).slice(3, 8)).toEqual(['resumed', 'commanded', 'commanded', 'interrupted', 'continued'])
    expect(posted.map(({ step }) => step)).toEqual([1, 2, 3])
  })

  test('without end do not hold it up', async () => {
    answerWith(204)
    let ordinal = 0
    const unread: typeof mailbox.unread = (taskId, known) => {
      mailbox.put({ id: `again-${++ordinal}`, type: 'resume' })
      return mailbox.unread(taskId, known)
    }
    place = { ...place, mailbox: { ...mailbox, unread } }
    const { log } = await proceed(accepted(), 40)
    expect(foldEvents(log).status).toBe('completed')
    expect(log.filter(({ type }) => type === 'task.command_void')).toHaveLength(ordinal)
  })

  test('do not come to an agent whose deadline passes, or that is cancelled', async () => {
    answerWith(204)
    mailbox.put(stop)
    const stopped = await proceed(accepted({ deadline_s: 600 }), 4)
    const { events } = await advance(stopped, place, never)
    expect(events).toMatchObject([{ type: 'task.expired', data: { reason: 'the deadline has passed' } }])
    const cancel = new AbortController()
    const waiting = advance(await proceed(accepted(), 4), place, cancel.signal)
    const reason = new Error('cancelled')
    cancel.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    expect(mailbox.watchers()).toBe(0)
  })

  test('more money lets an agent go on whose budget was exhausted', async () => {
    answerWith(204)
    const [first] = accepted().plan.steps
    const poor = await proceed(accepted({ budget: { credits: first!.credits!, on_exhausted: 'wait' } }), 4)
    expect(foldEvents(poor.log)).toMatchObject({ status: 'input_required', status_reason: 'budget-exhausted' })
    mailbox.put({ id: 'more', type: 'top_up', credits: 1000 })
    expect(foldEvents((await proceed(poor)).log)).toMatchObject({
      status: 'completed',
      credits_granted: 1000 + first!.credits!,
    })
  })

  test('no money, and nobody who wants to wait for it, is the end', async () => {
    answerWith(204)
    const failed = await proceed(accepted({ budget: { credits: 1, on_exhausted: 'fail' } }))
    expect(foldEvents(failed.log)).toMatchObject({ status: 'failed', status_reason: 'budget-exhausted' })
  })
})
