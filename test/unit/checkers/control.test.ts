import { describe, expect, test } from 'vitest'
import budgetHolds from '../../../harness/checkers/budget-holds.ts'
import cancelHolds from '../../../harness/checkers/cancel-holds.ts'
import contextContinuity from '../../../harness/checkers/context-continuity.ts'
import permissionHolds from '../../../harness/checkers/permission-holds.ts'
import spawnOnce from '../../../harness/checkers/spawn-once.ts'
import steerOnce from '../../../harness/checkers/steer-once.ts'
import noPhantom from '../../../harness/checkers/no-phantom.ts'
import {
  type Attempt,
  attempts,
  type ControlKind,
  controlKinds,
  type ControlSeen,
  firstMemory,
} from '../../../harness/model/control.ts'
import { commandedEvent, createdEvent, startedEvent } from '../../../patterns/contract/engine/log.ts'
import { atSafePoint, controlOf, noteStep } from '../../../patterns/contract/engine/control.ts'
import type { Command } from '../../../patterns/contract/types/command.ts'
import { digestOf, openContext } from '../../../patterns/contract/types/context.ts'
import { patchContext } from '../../../patterns/contract/engine/patch-context.ts'
import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import { planTask } from '../../../patterns/agent/plan.ts'
import type { Promised } from '../../../patterns/contract/types/promises.ts'
import type { Checker } from '../../../harness/model/checker.ts'
import { cellPlan } from '../stats/cells.ts'
import { effect, end, exited, intend, story, submit } from './story.ts'

type Line = Parameters<typeof story>[0][number]
const keyOf = (kind: ControlKind): string => `c-${kind}-1`

const seen = (kind: ControlKind, at: number, moment: ControlSeen['moment'], value: Partial<ControlSeen> = {}): Line => {
  const own = { kind, moment, taskId: `id-${keyOf(kind)}`, ...value }
  return { f: 'control', type: 'observe', at, process: 'client', task: keyOf(kind), value: own }
}

/** A cell with one probe of this kind, of three steps. */
const cellWith = (kind: ControlKind) => ({
  profile: 'smoke',
  timeScale: 1,
  control: [{ key: keyOf(kind), kind, seed: 7, atMs: 0, afterMs: 10 }],
})

describe('cancel-holds', () => {
  const log = (...statuses: string[]) =>
    seen('cancel', 900, 'log', { log: statuses.map((status, i) => ({ seq: i + 1, type: 'x', status, data: {} })) })
  const held = log('queued', 'running', 'cancelling', 'cancelled')
  const acknowledged = seen('cancel', 100, 'acknowledged', { command: 'cancel', type: 'cancel', status: 'cancelling' })
  const check = (...lines: Line[]) => cancelHolds.check(story(lines, cellWith('cancel')))

  test('a step that was under way may end, and one may begin while the word spreads', () => {
    expect(check(effect(keyOf('cancel'), 1, 90), acknowledged, effect(keyOf('cancel'), 2, 4_000), held).status).toBe(
      'pass',
    )
  })

  test('mutant: a step that begins beyond the bound', () => {
    expect(check(acknowledged, effect(keyOf('cancel'), 2, 5_200), held)).toMatchObject({
      status: 'fail',
      witnesses: [1, 2],
    })
  })

  test.each([
    ['two ends', log('queued', 'cancelling', 'cancelled', 'completed')],
    ['no end', log('queued', 'running', 'cancelling')],
    ['something after the end', log('queued', 'cancelled', 'running')],
  ])('mutant: %s', (_, end) => {
    expect(check(acknowledged, end).status).toBe('fail')
  })

  test('mutant: the answer said cancelled, and there was a result', () => {
    const said = seen('cancel', 100, 'acknowledged', { status: 'cancelled' })
    expect(check(said, log('queued', 'running', 'completed')).status).toBe('fail')
  })

  test('a result that was first is an end', () => {
    expect(check(acknowledged, log('queued', 'running', 'cancelling', 'completed')).status).toBe('pass')
  })

  test('one step that was on its way may begin; of more than that nobody can tell', () => {
    const t = keyOf('cancel')
    expect(check(acknowledged, effect(t, 2, 150), held).status).toBe('pass')
    expect(check(acknowledged, effect(t, 2, 150), effect(t, 3, 250), held)).toMatchObject({
      status: 'unknown',
      counts: { judged: 0, excused: 1 },
    })
  })

  test('mutant: all is done before the bound, as if nobody had asked', () => {
    const steps = [1, 2, 3].map((step) => effect(keyOf('cancel'), step, 60 * step))
    const done = log('queued', 'running', 'cancelling', 'completed')
    expect(check(acknowledged, ...steps, done).status).toBe('unknown')
  })

  test('a result for which one last step was on its way puts nothing to the test', () => {
    const whole = story(
      [
        intend('t-1'),
        ...[1, 2].map((step) => effect(keyOf('cancel'), step, 60 * step)),
        acknowledged,
        log('queued', 'running', 'cancelling', 'completed'),
      ],
      cellWith('cancel'),
    )
    expect(cancelHolds.check(whole).status).toBe('unexercised')
  })

  test('mutant: one was sent and never answered', () => {
    const ordered = { ...seen('cancel', 90, 'ordered', { command: 'cancel', type: 'cancel' }), task: 'c-cancel-2' }
    const { control, ...rest } = cellWith('cancel')
    const both = { ...rest, control: [...control, { ...control[0]!, key: 'c-cancel-2' }] }
    const judge = (...lines: Line[]) =>
      cancelHolds.check(story([acknowledged, held, ordered as Line, ...lines], both)).status
    const of2 = (line: Line): Line => ({ ...line, task: 'c-cancel-2' }) as Line
    expect(judge()).toBe('unknown')
    // It was told no, or its process took it along, or there was nothing left to cancel.
    expect(judge(of2(seen('cancel', 95, 'refused')))).toBe('pass')
    expect(judge(of2(seen('cancel', 1, 'accepted')), exited('worker-0', 300))).toBe('pass')
    expect(judge(intend('t-1'), effect('c-cancel-2', 1, 10), effect('c-cancel-2', 2, 30))).toBe('pass')
  })

  test('says nothing where nothing was acknowledged, at work, or to be read', () => {
    expect(check(held).status).toBe('unknown')
    expect(check(acknowledged).status).toBe('unknown')
    const ended = seen('cancel', 100, 'acknowledged', { status: 'completed' })
    expect(check(ended, log('queued', 'running', 'completed')).status).toBe('unexercised')
  })

  test('a controlled task is no phantom, and no task of the load', () => {
    const lines = [intend('t-1'), submit('t-1', 1, 'ok'), end('t-1', 150, 'ok'), effect(keyOf('cancel'), 1, 90)]
    expect(noPhantom.check(story(lines, cellWith('cancel'))).status).not.toBe('fail')
    expect(noPhantom.check(story([...lines, effect('c-cancel-2', 1, 90)], cellWith('cancel'))).status).toBe('fail')
  })
})

/** A log as a right engine leaves it. */
function steeredLog(...commands: readonly Command[]): TaskEvent[] {
  const input = { seed: 7, profile: 'smoke', job: 'it' }
  const plan = planTask(input, 1)
  const time = new Date(0)
  const log = [createdEvent('task_it', { type: 'agent', input, memory: firstMemory }, plan, time)]
  log.push(startedEvent(log[0]!, plan, 'worker-0', time))
  for (const one of commands) log.push(commandedEvent(log.at(-1)!, one, time))
  log.push(...atSafePoint(controlOf(log), log.at(-1)!, plan, time))
  log.push(...noteStep(controlOf(log), log.at(-1)!, { step: 1, name: 'search' }, time))
  return log
}

const commands: readonly Command[] = [
  { id: 'interrupt-1', type: 'interrupt' },
  { id: 'steer-1', type: 'steer', patch: [{ op: 'replace', path: '/instruction', value: 'be brief' }] },
  { id: 'resume-1', type: 'resume' },
]
const good = steeredLog(...commands)

describe('steer-once', () => {
  const acknowledged = commands.map(({ id, type }, i) => seen('steer', 100 + i, 'acknowledged', { command: id, type }))
  const sent = commands.map(({ id, type }, i) => seen('steer', 90 + i, 'ordered', { command: id, type }))
  const check = (log: readonly object[], lines = acknowledged, ordered = sent) =>
    steerOnce.check(
      story([...ordered, ...lines, seen('steer', 900, 'log', { log: [...log] as never })], cellWith('steer')),
    )

  test('each is answered once, in order', () => {
    expect(check(good)).toMatchObject({ status: 'pass', counts: { judged: 3 } })
  })

  const answersOf = good.filter(({ data }) => typeof data['command'] === 'string')
  const rename = (event: TaskEvent, command: string, type: TaskEvent['type']): TaskEvent =>
    event.data['command'] === command ? { ...event, type } : event
  const voided = (command: string) => good.map((event) => rename(event, command, 'task.command_void'))
  test.each([
    ['a command that is lost', good.filter(({ data }) => (data['command'] as { id?: string })?.id !== 'steer-1')],
    ['one without an answer', good.filter((event) => event !== answersOf[1])],
    ['one that is applied twice', [...good, answersOf[1]!]],
    ['one that is on record twice', [...good, good[3]!]],
    [
      'one that is answered before it is on record',
      [...answersOf, ...good.filter((event) => !answersOf.includes(event))],
    ],
    [
      'answers out of order',
      good.map((event) => (event === answersOf[0] ? answersOf[1]! : event === answersOf[1] ? answersOf[0]! : event)),
    ],
    ['one that nobody sent', [...good, { ...good[3]!, data: { command: { id: 'another', type: 'interrupt' } } }]],
    ['an answer to one that nobody sent', [...good, { ...answersOf[0]!, data: { command: 'another' } }]],
    ['an interrupt that is void, while the agent runs', voided('interrupt-1')],
    ['a patch that is void, and applies', voided('steer-1')],
    ['a resume that is void, while the agent stands still for it', voided('resume-1')],
    ['an answer that is another kind of change', good.map((one) => rename(one, 'interrupt-1', 'task.topped_up'))],
  ])('mutant: %s', (_, log) => {
    expect(check(log).status).toBe('fail')
  })

  test('what was refused, or never acknowledged, is not owed', () => {
    const one = acknowledged.slice(0, 1)
    expect(check(steeredLog(commands[0]!), one, sent.slice(0, 1)).status).toBe('pass')
    expect(check(good, one).status).toBe('pass')
    const no = commands.slice(1).map(({ id, type }) => seen('steer', 150, 'refused', { command: id, type }))
    expect(check(steeredLog(commands[0]!), [...one, ...no]).status).toBe('pass')
    // Its client sends it again, and it is the same one.
    expect(check([...good, answersOf[2]!], one).status).toBe('fail')
    expect(check([...good, good.find(({ type }) => type === 'task.commanded')!], []).status).toBe('unknown')
  })

  test('mutant: most commands were never answered, and are nowhere', () => {
    const one = acknowledged.slice(0, 1)
    expect(check(steeredLog(commands[0]!), one)).toMatchObject({ status: 'unknown', counts: { excused: 2 } })
  })

  test('a command that changes nothing is void: the agent has stopped, runs, is being cancelled, or has ended', () => {
    const [interrupt, , resume] = commands as [Command, Command, Command]
    expect(check(steeredLog(interrupt, resume, { ...resume, id: 'steer-1' })).status).toBe('fail')
    const twice = steeredLog(interrupt, { ...interrupt, id: 'resume-1' })
    const stop = { command: 'resume-1', type: 'interrupt' } as const
    const again = [seen('steer', 92, 'ordered', stop), seen('steer', 102, 'acknowledged', stop)]
    const lines = [sent[0]!, acknowledged[0]!, ...again, seen('steer', 900, 'log', { log: twice as never })]
    expect(steerOnce.check(story(lines, cellWith('steer'))).status).toBe('pass')
    const [first, alone] = [acknowledged.slice(0, 1), sent.slice(0, 1)]
    const running = good.slice(0, 3)
    const isVoid = { ...answersOf[0]!, type: 'task.command_void' }
    const ends = (status: string) =>
      check([...running, { ...isVoid, status }, { type: 'task.x', status: 'completed' }], first, alone)
    expect(ends('running').status).toBe('pass')
    const goesOn = [...running, isVoid, { type: 'task.progress', status: 'running' }]
    expect(check(goesOn, first, alone).status).toBe('fail')
    expect(
      check(
        goesOn.map((one) => ({ ...one, status: 'cancelling' })),
        first,
        alone,
      ).status,
    ).toBe('pass')
  })

  test('an agent that stands still begins no step before it is to go on', () => {
    const [t, resumed] = [keyOf('steer'), sent.find((one) => (one.value as ControlSeen).type === 'resume')!]
    const still = (startedAt: number) => {
      const lines = [seen('steer', 50, 'seen', { status: 'input_required' }), effect(t, 2, startedAt)]
      return check(good, [...acknowledged, ...lines]).status
    }
    expect([still(40), still(resumed.at + 1), still(resumed.at - 1)]).toEqual(['pass', 'pass', 'fail'])
  })

  test('a log that nobody could read says nothing', () => {
    expect(steerOnce.check(story(acknowledged, cellWith('steer'))).status).toBe('unknown')
  })
})

describe('budget-holds', () => {
  const t = keyOf('budget')
  const ordered = seen('budget', 500, 'ordered', { command: 'top-up-1', type: 'top_up' })
  const stopped = seen('budget', 400, 'seen', { status: 'input_required' })
  const accepted = seen('budget', 1, 'accepted', { covered: 1 })
  const check = (...lines: Line[]) => budgetHolds.check(story([accepted, ...lines], cellWith('budget')))

  test('steps that are covered, and more once more was asked for', () => {
    expect(check(effect(t, 1, 10), stopped, ordered, effect(t, 2, 600), effect(t, 3, 700)).status).toBe('pass')
  })

  test('mutant: a step beyond the budget', () => {
    expect(check(effect(t, 1, 10), effect(t, 2, 300), stopped, ordered)).toMatchObject({
      status: 'fail',
      witnesses: [3],
    })
    expect(check(effect(t, 1, 10), effect(t, 2, 300)).status).toBe('fail')
  })

  test('a step that was done again costs once: the tool has seen its key', () => {
    expect(check(effect(t, 1, 10), effect(t, 1, 90, { attempt: 2 }), stopped, ordered).status).toBe('pass')
  })

  test('mutant: nobody saw the task accepted, so nobody knows what covers it', () => {
    const { control, ...rest } = cellWith('budget')
    const both = { ...rest, control: [...control, { ...control[0]!, key: 'c-budget-2' }] }
    const kept = [accepted, effect(t, 1, 10), stopped, ordered, effect(t, 2, 600)]
    const other = [1, 2, 3].map((step) => effect('c-budget-2', step, 100 * step))
    expect(budgetHolds.check(story([...kept, ...other], both)).status).toBe('unknown')
  })

  test('mutant: the top-up was refused, and the agent goes on', () => {
    const refused = seen('budget', 510, 'refused', { command: 'top-up-1', type: 'top_up' })
    const log = (...data: object[]) =>
      seen('budget', 900, 'log', { log: data.map((one, i) => ({ seq: i + 1, status: 'running', ...one })) })
    const taken = { type: 'task.commanded', data: { command: { id: 'top-up-1' } } }
    const lines = [effect(t, 1, 10), stopped, ordered, refused, effect(t, 2, 600)]
    expect([check(...lines, log()), check(...lines, log(taken)), check(...lines)].map(({ status }) => status)).toEqual([
      'fail',
      'pass',
      'unknown',
    ])
  })

  test('a task that never stopped has tried nothing', () => {
    expect(check(effect(t, 1, 10)).status).toBe('unexercised')
  })
})

describe('context-continuity', () => {
  const check = (log: readonly object[], context?: object) =>
    contextContinuity.check(
      story(
        [seen('steer', 900, 'log', { log: [...log] as never, ...(context && { context: context as never }) })],
        cellWith('steer'),
      ),
    )
  const [first, second] = good.filter(({ type }) => type === 'context.patch') as [TaskEvent, TaskEvent]
  const changed = (event: TaskEvent, data: object) =>
    good.map((one) => (one === event ? { ...one, data: { ...one.data, ...data } } : one))
  const after = [first, second].reduce(
    (context, { data }) => patchContext(context, data['patch'] as never) as never,
    openContext(firstMemory),
  )

  test('adds up, also to what the API shows', () => {
    const shown = { version: 3, digest: digestOf(after) }
    expect(check(good, shown)).toMatchObject({ status: 'pass', counts: { patches: 2 } })
  })

  test('mutant: nobody could read the memory, or the logs of others', () => {
    expect(check(good).status).toBe('unknown')
    const shown = { version: 3, digest: digestOf(after) }
    const lines = [seen('steer', 900, 'log', { log: [...good] as never, context: shown as never })]
    const other = { ...seen('steer', 1, 'accepted'), task: 'c-steer-2' } as Line
    const { control, ...rest } = cellWith('steer')
    const both = { ...rest, control: [...control, { ...control[0]!, key: 'c-steer-2' }] }
    const judge = (...more: Line[]) => contextContinuity.check(story([...lines, ...more], both)).status
    expect([judge(other), judge(other, exited('worker-0', 300)), judge()]).toEqual(['unknown', 'pass', 'pass'])
  })

  test.each([
    ['a patch on the wrong base', changed(second, { base: 1 })],
    ['a version twice', changed(second, { version: 2 })],
    ['a digest of something else', changed(first, { digest: 'f'.repeat(64) })],
    ['a patch that is missing', good.filter((event) => event !== first)],
    ['a patch that is applied twice', [...good, second]],
    ['a patch that is none', changed(second, { patch: [null] })],
    ['a patch whose path is none', changed(second, { patch: [{ op: 'add', path: 5, value: 1 }] })],
    ['a patch that does not apply', changed(second, { patch: [{ op: 'remove', path: '/nothing' }] })],
  ])('mutant: %s', (_, log) => {
    expect(check(log).status).toBe('fail')
  })

  test('mutant: the API shows another memory', () => {
    expect(check(good, { version: 3, digest: 'f'.repeat(64) }).status).toBe('fail')
  })

  test.each(['/__proto__/polluted', '/constructor/prototype/polluted', '/toString/polluted'])(
    'a patch that reaches for what every object inherits adds up to nothing, and harms nobody: %s',
    (path) => {
      expect(check(changed(first, { patch: [{ op: 'add', path, value: true }] })).status).toBe('fail')
      expect('polluted' in {} || 'polluted' in Object.prototype.toString).toBe(false)
    },
  )

  test('one patch alone cannot follow a wrong one', () => {
    const shown = patchContext(openContext(firstMemory), first.data['patch'] as never) as never
    const log = good.filter((event) => event !== second)
    expect(check(log, { version: 2, digest: digestOf(shown) }).status).toBe('unexercised')
  })
})

describe('permission-holds', () => {
  const t = keyOf('permission')
  /** Of what its steps call, this principal may not finalize. */
  const calls = ['search', 'draft', 'finalize']
  const tools = ['search', 'draft']
  const cell = (attempt: Attempt) => {
    const plan = cellWith('permission')
    return { ...plan, control: plan.control.map((probe) => ({ ...probe, attempt, calls, tools })) }
  }
  const accepted = seen('permission', 1, 'accepted')
  const by = (step: number, tool: string, at = 10 * step): Line => {
    const line = effect(t, step, at) as Line & { value: object }
    return { ...line, value: { ...line.value, tool } } as Line
  }
  const ended = (status: string, reason?: string) =>
    seen('permission', 900, 'log', {
      log: ['queued', status].map((is, i) => ({ seq: i + 1, type: 'x', status: is, data: i === 1 ? { reason } : {} })),
    })
  const refused = (status: number, step: number) =>
    ended('failed', `the tool server answered ${status} for id-${t}/${step}`)
  const atWork = (...lines: Line[]) => permissionHolds.check(story([accepted, ...lines], cell('lacks-tool')))
  const right = [by(1, 'search'), by(2, 'draft'), refused(403, 3)]

  test('a task that does what it may, also twice over a restart, and is refused the rest', () => {
    expect(atWork(...right)).toMatchObject({ status: 'pass', counts: { judged: 1, broken: 0, excused: 0, asked: 1 } })
    expect(atWork(by(1, 'search'), by(2, 'draft'), by(2, 'draft', 500), refused(403, 3)).status).toBe('pass')
  })

  test('mutant, confused deputy: the right of the worker, and not of the task', () => {
    const done = [by(1, 'search'), by(2, 'draft'), by(3, 'finalize'), ended('completed')]
    expect(atWork(...done)).toMatchObject({
      status: 'fail',
      summary: '1 of 1 tasks and attempts without permission did what they may not, or were kept from what they may',
      witnesses: [4, 5],
    })
  })

  test('mutant: the step of one tool under the name of another', () => {
    expect(atWork(by(1, 'search'), by(2, 'draft'), by(3, 'search'), refused(403, 3))).toMatchObject({
      status: 'fail',
      witnesses: [4],
    })
    expect(atWork(by(1, 'finalize'), refused(403, 3))).toMatchObject({ status: 'fail', witnesses: [2] })
  })

  test('mutant: a step that the task does not have', () => {
    expect(atWork(...right, effect(t, 99, 600))).toMatchObject({ status: 'fail', witnesses: [5] })
    expect(atWork(by(1, 'search'), by(2, 'draft'), refused(403, 99))).toMatchObject({ status: 'fail', witnesses: [4] })
  })

  test('mutant: the grant is lost over a restart', () => {
    expect(atWork(by(1, 'search'), refused(401, 2))).toMatchObject({ status: 'fail', witnesses: [3] })
    // Nobody may end by 401: the grant was there when the task was accepted.
    expect(atWork(by(1, 'search'), by(2, 'draft'), refused(401, 3))).toMatchObject({ status: 'fail', witnesses: [4] })
  })

  test('mutant: a narrower grant after a restart', () => {
    expect(atWork(by(1, 'search'), refused(403, 2))).toMatchObject({ status: 'fail', witnesses: [3] })
  })

  test('mutant: a wider grant after a resume', () => {
    const wider = [by(1, 'search'), by(2, 'draft'), by(3, 'finalize', 600), refused(403, 3)]
    expect(atWork(...wider)).toMatchObject({ status: 'fail', witnesses: [4] })
  })

  test('mutant: a step is taken for done that the gateway refused', () => {
    expect(atWork(by(1, 'search'), by(2, 'draft'), ended('completed'))).toMatchObject({
      status: 'fail',
      witnesses: [4],
    })
  })

  describe.each(attempts.filter((one) => one !== 'lacks-tool'))('%s', (attempt) => {
    /** Beside a task that was refused its tool. */
    const check = (...lines: Line[]) => {
      const { control, ...rest } = cell('lacks-tool')
      const other = { ...control[0]!, key: 'c-permission-2', attempt }
      return permissionHolds.check(story([accepted, ...right, ...lines], { ...rest, control: [...control, other] }))
    }
    const of2 = (line: Line): Line => ({ ...line, task: 'c-permission-2' }) as Line

    test.each(['unauthorized', 'forbidden'])('is refused as %s', (problem) => {
      const verdict = check(of2(seen('permission', 5, 'refused', { problem })))
      expect(verdict).toMatchObject({ status: 'pass', counts: { judged: 2, asked: 1 } })
    })

    test('mutant: it is accepted', () => {
      expect(check(of2(accepted))).toMatchObject({ status: 'fail', witnesses: [5] })
    })

    test('mutant: it is refused, and does something', () => {
      const lines = [seen('permission', 5, 'refused', { problem: 'unauthorized' }), by(1, 'search')]
      expect(check(...lines.map(of2))).toMatchObject({ status: 'fail', witnesses: [6] })
    })

    test('a refusal for another reason says nothing, and neither does silence', () => {
      expect(check(of2(seen('permission', 5, 'refused', { problem: 'rate-limited' }))).status).toBe('unknown')
      expect(check(of2(seen('permission', 5, 'given-up'))).status).toBe('unknown')
    })
  })

  describe('a task that is gone with its process', () => {
    const crash = exited('worker-0', 300)
    const check = (promises: readonly Promised[], ...lines: Line[]) => {
      const { control, ...rest } = cell('lacks-tool')
      const gone = { ...control[0]!, key: 'c-permission-2' }
      const lost = { ...accepted, task: 'c-permission-2' } as Line
      const both = { ...rest, promises: [...promises], control: [...control, gone] }
      return permissionHolds.check(story([accepted, ...right, lost, ...lines], both))
    }

    test('is judged by the ledger where tasks may be lost', () => {
      expect(check([], crash)).toMatchObject({ status: 'pass', counts: { judged: 2, asked: 1, gone: 1 } })
    })

    test('mutant: no process ended, or another one, or before', () => {
      expect(check([])).toMatchObject({ status: 'unknown', counts: { gone: 0 } })
      const began = { ...by(1, 'search', 200), task: 'c-permission-2' } as Line
      expect(check([], began, exited('worker-1', 300)).status).toBe('unknown')
      expect(check([], exited('worker-0', 0)).status).toBe('unknown')
    })

    test('mutant: it used a tool that it lacks', () => {
      const beyond = { ...by(3, 'finalize', 600), task: 'c-permission-2' } as Line
      expect(check([], beyond)).toMatchObject({ status: 'fail', counts: { gone: 0 } })
    })

    test('is unknown where none may be', () => {
      expect(check(['no-lost-task'], crash).status).toBe('unknown')
    })
  })

  test('says nothing where no task asked for a tool that it lacks', () => {
    const turnedAway = seen('permission', 5, 'refused', { problem: 'unauthorized' })
    expect(permissionHolds.check(story([turnedAway], cell('forged-token')))).toMatchObject({
      status: 'unexercised',
      summary: 'no task asked for a tool that it lacks',
    })
    expect(atWork(by(1, 'search'), ended('cancelled')).status).toBe('unexercised')
    expect(atWork(by(1, 'search'), ended('running')).status).toBe('unknown')
    expect(atWork(by(1, 'search')).status).toBe('unknown')
    expect(atWork(by(1, 'search'), exited('worker-0', 300)).status).toBe('unexercised')
  })
})

describe('an agent that starts others', () => {
  const t = keyOf('rogue')
  const rootId = `id-${t}`
  const idOf = (path: string): string => `${rootId}.${path.replaceAll('/', '.')}`
  const spawned = (path: string) => ({
    type: 'task.spawned',
    data: { sub_task: idOf(path), input: { job: `${t}/${path}` } },
  })
  type Part = string | { readonly type: string; readonly data: object }
  const eventsOf = (parts: readonly Part[]) =>
    parts.map((part, i) => {
      const one =
        typeof part === 'string'
          ? { type: `task.${part}`, data: {}, status: statusOf(part) }
          : { ...part, status: 'running' }
      return { seq: i + 1, ...one }
    })
  const statusOf = (type: string): string => ({ cancel_requested: 'cancelling', started: 'running' })[type] ?? type
  const log = (...parts: Part[]) => seen('rogue', 900, 'log', { log: eventsOf(parts) })
  const subLog = (path: string, ...parts: Part[]) =>
    seen('rogue', 901, 'sub-log', { taskId: idOf(path), log: eventsOf(parts) })
  /** A step of a sub-task. */
  const below = (path: string, step: number, at: number, taskId = idOf(path)): Line => {
    const line = effect(`${t}/${path}`, step, at) as Line & { value: object }
    return { ...line, value: { ...line.value, taskId } } as Line
  }
  const own = (step: number, at: number): Line => {
    const line = effect(t, step, at) as Line & { value: object }
    return { ...line, value: { ...line.value, taskId: rootId } } as Line
  }
  /** Somebody goes on with the first task after a crash. */
  const resumed = { ...own(1, 10), value: { ...(own(1, 10) as { value: object }).value, attempt: 2 } } as Line
  const acknowledged = seen('rogue', 100, 'acknowledged', { command: 'cancel', type: 'cancel', status: 'cancelling' })
  const rootLog = log('started', spawned('2-1'), 'cancel_requested', 'cancelled')
  const childLog = subLog('2-1', 'started', spawned('2-1/2-1'), 'cancel_requested', 'cancelled')
  const lastLog = subLog('2-1/2-1', 'started', 'cancel_requested', 'cancelled')
  const logs = [rootLog, childLog, lastLog]
  const work = [resumed, below('2-1', 1, 50), below('2-1/2-1', 1, 80), acknowledged]
  const judge = (checker: Checker, ...lines: Line[]) => checker.check(story(lines, cellWith('rogue')))
  const both = (...lines: Line[]) => [judge(cancelHolds, ...lines).status, judge(spawnOnce, ...lines).status]

  test('that is cancelled with all of them', () => {
    expect(judge(cancelHolds, ...work, ...logs)).toMatchObject({ status: 'pass', counts: { judged: 1, families: 1 } })
    expect(judge(spawnOnce, ...work, ...logs)).toMatchObject({ status: 'pass', counts: { judged: 1, subTasks: 2 } })
    // The word spreads, and what had ended before has another end.
    const before = subLog('2-1', 'started', spawned('2-1/2-1'), 'completed')
    expect(both(...work, below('2-1', 2, 1_000), rootLog, before, lastLog)).toEqual(['pass', 'pass'])
  })

  test('mutant: the cancellation misses one of them, by the ledger alone', () => {
    expect(both(...work, below('2-1', 2, 6_000), ...logs)).toEqual(['fail', 'pass'])
    expect(both(...work, below('2-1/2-1', 2, 6_000), ...logs)).toEqual(['fail', 'pass'])
  })

  test('mutant: one of them goes on, by its log alone', () => {
    expect(both(...work, rootLog, childLog, subLog('2-1/2-1', 'started'))).toEqual(['fail', 'pass'])
  })

  test('mutant: one is started after the acknowledgement', () => {
    const late = log('started', spawned('2-1'), 'cancel_requested', spawned('4-1'), 'cancelled')
    expect(both(...work, late, childLog, lastLog, subLog('4-1', 'cancelled'))).toEqual(['fail', 'pass'])
    expect(both(...work, below('4-1', 1, 6_000), late, childLog, lastLog)[0]).toBe('fail')
    const lateBelow = subLog('2-1', 'started', spawned('2-1/2-1'), 'cancel_requested', spawned('2-1/4-1'), 'cancelled')
    expect(both(...work, rootLog, lateBelow, lastLog, subLog('2-1/4-1', 'cancelled'))).toEqual(['fail', 'pass'])
  })

  test('mutant: a step that is repeated starts one twice', () => {
    const other = `${rootId}.another`
    expect(both(...work, below('2-1', 1, 60, other), ...logs)[1]).toBe('fail')
    const again = { type: 'task.spawned', data: { sub_task: other, input: { job: `${t}/2-1` } } }
    const twice = log('started', spawned('2-1'), again, 'cancel_requested', 'cancelled')
    expect(both(...work, twice, childLog, lastLog, subLog('another', 'cancelled'))).toEqual(['pass', 'fail'])
  })

  test('starts that do not say for which work are told apart by their ids', () => {
    const silent = (path: string) => ({ type: 'task.spawned', data: { sub_task: idOf(path) } })
    const starts = log('started', silent('2-1'), silent('4-1'), 'cancel_requested', 'cancelled')
    const others = [childLog, lastLog, subLog('4-1', 'cancelled')]
    expect(both(...work, starts, ...others)[1]).toBe('pass')
    const twice = log('started', silent('2-1'), silent('2-1'), 'cancel_requested', 'cancelled')
    expect(both(...work, twice, childLog, lastLog)[1]).toBe('fail')
  })

  test('mutant: one that nobody has started', () => {
    expect(both(...work, below('9-9', 1, 60), ...logs)[1]).toBe('fail')
    // Whoever could not be read may have started it.
    expect(both(...work, below('2-1/9-9', 1, 60), rootLog, lastLog)[1]).toBe('unknown')
  })

  test('says nothing where no sub-task was at work, or its log is missing', () => {
    expect(both(own(1, 10), acknowledged, log('started', 'cancel_requested', 'cancelled'))).toEqual([
      'unexercised',
      'unexercised',
    ])
    expect(both(...work, rootLog)).toEqual(['unknown', 'unknown'])
    expect(both(...work)).toEqual(['unknown', 'unknown'])
    // What the ledger says holds without any log, where a process took them with it that may.
    const crash = exited('worker-0', 90)
    expect(both(...work, crash)).toEqual(['unknown', 'pass'])
    const durable = { ...cellWith('rogue'), promises: ['no-lost-task'] as Promised[] }
    expect(spawnOnce.check(story([...work, crash], durable)).status).toBe('unknown')
    expect(both(...work, below('2-1', 1, 60, 'another'))).toEqual(['unknown', 'fail'])
    expect(both(own(1, 10), acknowledged)).toEqual(['unknown', 'unknown'])
  })

  test('mutant: nobody had to go on with any of them, so no step was repeated', () => {
    expect(judge(spawnOnce, own(1, 10), ...work.slice(1), ...logs)).toMatchObject({
      status: 'unexercised',
      summary: 'nobody had to go on with any of them',
    })
  })

  test('mutant: one was started, and nobody knows how it ended', () => {
    const third = { type: 'task.spawned', data: { ...spawned('3-1').data, step: 3 } }
    const done = { type: 'task.progress', data: { step: 3 } }
    const more = log('started', spawned('2-1'), third, done, 'cancel_requested', 'cancelled')
    expect(both(...work, more, childLog, lastLog)).toEqual(['unknown', 'unknown'])
    // Cancelled before that step, it may have started none.
    const named = log('started', spawned('2-1'), third, 'cancel_requested', 'cancelled')
    expect(both(...work, named, childLog, lastLog)).toEqual(['pass', 'pass'])
    expect(both(...work, below('3-1', 1, 90), named, childLog, lastLog)).toEqual(['unknown', 'unknown'])
  })

  test('is no phantom, and neither are its sub-tasks', () => {
    const load = [intend('t-1'), submit('t-1', 1, 'ok'), end('t-1', 150, 'ok')]
    expect(judge(noPhantom, ...load, ...work).status).not.toBe('fail')
    expect(judge(noPhantom, ...load, ...work, effect('t-1/2-1', 1, 90)).status).toBe('fail')
  })
})

test('a checker is about cells in which what it judges is put to the test', () => {
  const about = (checker: Checker, kind: ControlKind) => checker.isAbout!({ ...cellPlan(), ...cellWith(kind) })
  const all = [cancelHolds, steerOnce, budgetHolds, contextContinuity, permissionHolds, spawnOnce]
  expect(all.map((checker) => controlKinds.filter((kind) => about(checker, kind)))).toEqual([
    ['cancel', 'rogue'],
    ['steer', 'budget'],
    ['budget'],
    ['steer'],
    ['permission'],
    ['rogue'],
  ])
  expect(all.map((checker) => checker.isAbout!(cellPlan()))).toEqual(all.map(() => false))
})
