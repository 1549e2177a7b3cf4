import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { planTask } from '../../../patterns/agent/plan.ts'
import { afterStep, endingBy, stops } from '../../../patterns/contract/engine/after-step.ts'
import { isOnRecord, requireTakes } from '../../../patterns/contract/engine/commands.ts'
import { atSafePoint, controlOf } from '../../../patterns/contract/engine/control.ts'
import {
  cancelRequestedEvent,
  commandedEvent,
  createdEvent,
  resumedEvent,
  startedEvent,
} from '../../../patterns/contract/engine/log.ts'
import { command, type Command } from '../../../patterns/contract/types/command.ts'
import { digestOf, memory, openContext, patch } from '../../../patterns/contract/types/context.ts'
import { patchContext } from '../../../patterns/contract/engine/patch-context.ts'
import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import { foldEvents } from '../../../patterns/contract/types/fold.ts'
import type { TaskRequest } from '../../../patterns/contract/types/task.ts'

const input = { seed: 7, profile: 'smoke', job: 'it' }
const plan = planTask(input, 1)
const at = new Date(0)

function begin(asked: Partial<TaskRequest> = {}): TaskEvent[] {
  const created = createdEvent('task_it', { type: 'agent', input, ...asked }, plan, at)
  return [created, startedEvent(created, plan, 'worker-0', at)]
}

const order = (log: TaskEvent[], ...commands: Command[]): void => {
  for (const one of commands) log.push(commandedEvent(log.at(-1)!, one, at))
}
const passSafePoint = (log: TaskEvent[]): void => {
  log.push(...atSafePoint(controlOf(log), log.at(-1)!, plan, at))
}
const doStep = (log: TaskEvent[], step: number): void => {
  const progressed = { head: log.at(-1)!, control: controlOf(log) }
  log.push(...afterStep(progressed, plan, { step, digest: `d${step}`, credits: plan.steps[step - 1]!.credits }, at))
}
const typesOf = (log: readonly TaskEvent[]): string[] => log.map(({ type }) => type)
const answersIn = (log: readonly TaskEvent[]): unknown[] =>
  log.flatMap(({ data }) => data['command'] ?? []).filter((id) => typeof id === 'string')

const interrupt: Command = { id: 'stop', type: 'interrupt' }
const resume: Command = { id: 'go', type: 'resume' }
const steer: Command = {
  id: 'turn',
  type: 'steer',
  patch: [{ op: 'replace', path: '/instruction', value: 'be brief' }],
}
const memoryOf = { instruction: 'be thorough' }

describe('at a safe point', () => {
  test('nothing happens where nothing was asked for', () => {
    const log = begin()
    passSafePoint(log)
    expect(log).toHaveLength(2)
  })

  test('every command has one answer, in its order', () => {
    const log = begin({ memory: memoryOf })
    order(log, interrupt, steer, resume)
    passSafePoint(log)
    expect(typesOf(log).slice(5)).toEqual(['task.interrupted', 'context.patch', 'task.continued'])
    expect(answersIn(log)).toEqual(['stop', 'turn', 'go'])
    expect(foldEvents(log)).toMatchObject({ status: 'running', context_version: 2 })
  })

  test('an agent stands still from its interruption to its continuation', () => {
    const log = begin()
    order(log, interrupt)
    passSafePoint(log)
    expect(foldEvents(log)).toMatchObject({ status: 'input_required', status_reason: 'asked' })
    order(log, resume)
    passSafePoint(log)
    const task = foldEvents(log)
    expect([task.status, task.status_reason]).toEqual(['running', undefined])
  })

  test.each([
    ['an interruption of one that stands still', [interrupt, { ...interrupt, id: 'again' }], 'again'],
    ['a continuation of one that runs', [resume], 'go'],
    ['a patch that does not apply', [{ ...steer, patch: [{ op: 'remove', path: '/nothing' }] }], 'turn'],
  ] as const)('%s is void', (_, commands, id) => {
    const log = begin({ memory: memoryOf })
    order(log, ...(commands as readonly Command[]))
    passSafePoint(log)
    expect(log.at(-1)).toMatchObject({ type: 'task.command_void', data: { command: id } })
  })

  test('nothing of a patch is applied whose last operation does not apply', () => {
    const log = begin({ memory: memoryOf })
    order(log, { ...steer, patch: [...steer.patch, { op: 'test', path: '/instruction', value: 'other' }] } as Command)
    passSafePoint(log)
    expect(controlOf(log).context).toEqual({ version: 1, document: memoryOf })
  })

  test('of any commands each is answered once and in order, whatever they are', () => {
    const one = fc.constantFrom<Omit<Command, 'id'>>(
      { type: 'interrupt' },
      { type: 'resume' },
      { type: 'top_up', credits: 3 } as never,
      { type: 'steer', patch: steer.type === 'steer' ? steer.patch : [] } as never,
      { type: 'steer', patch: [{ op: 'remove', path: '/instruction' }] } as never,
    )
    fc.assert(
      fc.property(fc.array(fc.array(one, { maxLength: 4 }), { maxLength: 6 }), (rounds) => {
        const log = begin({ memory: memoryOf, budget: { credits: 2, on_exhausted: 'wait' } })
        const ids: string[] = []
        for (const [round, commands] of rounds.entries()) {
          for (const [nth, each] of commands.entries()) {
            const id = `c${round}-${nth}`
            ids.push(id)
            order(log, { ...each, id } as Command)
          }
          passSafePoint(log)
        }
        expect(answersIn(log)).toEqual(ids)
        foldEvents(log)
      }),
    )
  })
})

describe('a budget', () => {
  const costs = plan.steps.map(({ credits }) => credits)

  test('stops the agent before a step that it does not cover', () => {
    const log = begin({ budget: { credits: costs[0]!, on_exhausted: 'wait' } })
    passSafePoint(log)
    doStep(log, 1)
    passSafePoint(log)
    expect(foldEvents(log)).toMatchObject({ status: 'input_required', status_reason: 'budget-exhausted' })
  })

  test('goes on by itself once it is topped up', () => {
    const log = begin({ budget: { credits: 1, on_exhausted: 'wait' } })
    doStep(log, 1)
    passSafePoint(log)
    order(log, { id: 'more', type: 'top_up', credits: costs[1]! })
    passSafePoint(log)
    expect(typesOf(log).slice(-2)).toEqual(['task.topped_up', 'task.continued'])
    expect(foldEvents(log)).toMatchObject({ status: 'running', credits_granted: 1 + costs[1]! })
  })

  test('topped up by too little it waits on', () => {
    const log = begin({ budget: { credits: 1, on_exhausted: 'wait' } })
    doStep(log, 1)
    passSafePoint(log)
    order(log, { id: 'more', type: 'top_up', credits: costs[1]! - 1 }, resume)
    passSafePoint(log)
    expect(typesOf(log).slice(-2)).toEqual(['task.topped_up', 'task.command_void'])
  })

  test('who has interrupted the agent meanwhile is not overruled by money', () => {
    const log = begin({ budget: { credits: 1, on_exhausted: 'wait' } })
    doStep(log, 1)
    passSafePoint(log)
    order(log, interrupt, { id: 'more', type: 'top_up', credits: 100 })
    passSafePoint(log)
    expect(foldEvents(log)).toMatchObject({ status: 'input_required', status_reason: 'asked' })
  })

  test('fails the task where that was wanted', () => {
    const log = begin({ budget: { credits: 1, on_exhausted: 'fail' } })
    doStep(log, 1)
    passSafePoint(log)
    expect(foldEvents(log)).toMatchObject({ status: 'failed', status_reason: 'budget-exhausted' })
  })

  test('is paid once for a step that is done again from the start after a crash', () => {
    const log = begin({ budget: { credits: costs[0]! + costs[1]!, on_exhausted: 'wait' } })
    for (const step of [1, 2]) {
      passSafePoint(log)
      doStep(log, step)
    }
    log.push(resumedEvent(log.at(-1)!, plan, { executor: 'worker-1', completed: 0 }, at))
    for (const step of [1, 2]) {
      passSafePoint(log)
      expect(controlOf(log)).toMatchObject({ status: 'running', creditsLeft: 0, completed: step - 1 })
      doStep(log, step)
    }
    passSafePoint(log)
    const left = { status: 'input_required', status_reason: 'budget-exhausted', credits_used: costs[0]! + costs[1]! }
    expect(foldEvents(log)).toMatchObject(left)
  })
})

describe('the end', () => {
  test('answers what was asked during the last step', () => {
    const log = begin({ memory: memoryOf })
    for (const { index } of plan.steps.slice(0, -1)) doStep(log, index)
    order(log, interrupt)
    doStep(log, plan.steps.length)
    expect(typesOf(log).slice(-4)).toEqual(['context.patch', 'task.progress', 'task.command_void', 'task.completed'])
  })

  test('by a cancellation answers what was asked before it', () => {
    const log = begin()
    order(log, interrupt)
    log.push(cancelRequestedEvent(log.at(-1)!, at))
    log.push(...endingBy(stops.cancel, at)({ head: log.at(-1)!, control: controlOf(log) }))
    expect(typesOf(log).slice(-2)).toEqual(['task.command_void', 'task.cancelled'])
  })
})

describe('a command', () => {
  test('is known by its id, and is no other one', () => {
    const log = begin()
    order(log, interrupt)
    expect([isOnRecord(log, interrupt), isOnRecord(log, resume)]).toEqual([true, false])
    expect(() => isOnRecord(log, { id: 'stop', type: 'resume' })).toThrow('another command')
  })

  test.each([
    ['steering without a memory', begin(), steer],
    ['a top-up without a budget', begin(), { id: 'more', type: 'top_up', credits: 1 }],
    ['a task that is being cancelled', [...begin(), cancelRequestedEvent(begin()[1]!, at)], interrupt],
  ] as const)('is refused: %s', (_, log, refused) => {
    expect(() => requireTakes(log, refused as Command)).toThrow()
  })

  test.each([
    { id: '', type: 'interrupt' },
    { id: 'a b', type: 'interrupt' },
    { id: 'x', type: 'stop' },
    { id: 'x', type: 'top_up', credits: 0 },
    { id: 'x', type: 'top_up', credits: -1 },
    { id: 'x', type: 'top_up', credits: 1.5 },
    { id: 'x', type: 'top_up', credits: Infinity },
    { id: 'x', type: 'steer', patch: [] },
    { id: 'x', type: 'steer', patch: [{ op: 'add', path: '/a' }] },
    { id: 'x', type: 'steer', patch: [{ op: 'add', path: '', value: {} }] },
    { id: 'x', type: 'steer', patch: [{ op: 'add', path: '/__proto__/a', value: 1 }] },
    { id: 'x', type: 'steer', patch: [{ op: 'add', path: 'a', value: 1 }] },
    { id: 'x', type: 'steer', patch: [{ op: 'add', path: '/a~2', value: 1 }] },
    { id: 'x', type: 'steer', patch: [{ op: 'add', path: '/a', value: '\u0000' }] },
    { id: 'x', type: 'steer', patch: [{ op: 'spell', path: '/a', value: 1 }] },
    { id: 'x', type: 'interrupt', more: 1 },
  ])('is none: %j', (given) => {
    expect(command.safeParse(given).success).toBe(false)
  })
})

describe('a memory', () => {
  test('has one digest, whatever the order of its keys', () => {
    expect(digestOf(openContext({ a: 1, b: { c: 2, d: 3 } }))).toBe(digestOf(openContext({ b: { d: 3, c: 2 }, a: 1 })))
  })

  test.each([
    ['too large', { text: 'x'.repeat(17_000) }],
    ['too deep', JSON.parse(`{"a":${'['.repeat(20_000)}${']'.repeat(20_000)}}`)],
    ['no text', { text: '\u0000' }],
    ['no text as a name', { '\uD800': 1 }],
  ])('is refused: %s', (_, document) => {
    expect(memory.safeParse(document).success).toBe(false)
  })

  test('a patch that would make it too large does not apply', () => {
    const full = openContext({ text: 'x'.repeat(16_000) })
    expect(patchContext(full, [{ op: 'copy', from: '/text', path: '/again' }])).toMatch(/larger/)
  })

  test('is not changed by a patch, whatever it does', () => {
    const before = openContext({ list: [1, 2], deep: { a: 1 } })
    const given = patch.parse([
      { op: 'add', path: '/list/-', value: 3 },
      { op: 'move', from: '/deep/a', path: '/a' },
    ])
    expect(patchContext(before, given)).toEqual({ version: 2, document: { list: [1, 2, 3], deep: {}, a: 1 } })
    expect(before.document).toEqual({ list: [1, 2], deep: { a: 1 } })
  })
})

describe('the balance of a principal', () => {
  const ask = (log: TaskEvent[], isHeld: boolean | undefined): void => {
    log.push(...atSafePoint({ ...controlOf(log), isHeld }, log.at(-1)!, plan, at))
  }

  test('stops the agent where it has too little, until it has more', () => {
    const log = begin()
    ask(log, false)
    expect(log.at(-1)).toMatchObject({ type: 'task.interrupted', data: { reason: 'balance-exhausted' } })
    ask(log, false)
    ask(log, undefined)
    order(log, resume)
    ask(log, false)
    expect(log.at(-1)).toMatchObject({ type: 'task.command_void', status: 'input_required' })
    ask(log, true)
    expect(typesOf(log).slice(-2)).toEqual(['task.command_void', 'task.continued'])
    ask(log, true)
    expect(foldEvents(log)).toMatchObject({ status: 'running', version: log.length })
  })

  test('fails a task that asks for it', () => {
    const log = begin({ budget: { credits: 100, on_exhausted: 'fail' } })
    ask(log, false)
    expect(log.at(-1)).toMatchObject({ type: 'task.failed', data: { reason: 'balance-exhausted' } })
  })

  test('is asked after the task’s own budget, and an interrupt outlasts it', () => {
    const capped = begin({ budget: { credits: 1, on_exhausted: 'wait' } })
    doStep(capped, 1)
    ask(capped, false)
    expect(capped.at(-1)!.data).toEqual({ reason: 'budget-exhausted' })
    const stopped = begin()
    ask(stopped, false)
    order(stopped, interrupt)
    ask(stopped, true)
    expect(stopped.at(-1)).toMatchObject({ status: 'input_required', data: { reason: 'asked', command: 'stop' } })
    ask(stopped, true)
    expect(stopped.at(-1)!.data).toMatchObject({ reason: 'asked' })
  })
})
