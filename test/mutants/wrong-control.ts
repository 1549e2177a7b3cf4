import type { ControlKind, ControlSeen } from '../../harness/model/control.ts'
import type { Op } from '../../harness/model/history.ts'
import type { Promised } from '../../patterns/contract/types/promises.ts'
import { limited } from './limited.ts'
import { cellIn, type Draft, insertBefore, isPhase, revalue, rewrite } from './mutations.ts'
import { broken, type Mutant, polling } from './worlds.ts'
import { lose } from './wrong-excuses.ts'

const promiseOf: Readonly<Partial<Record<ControlKind, Promised>>> = {
  cancel: 'cancel-holds',
  steer: 'steer-once',
  budget: 'budget-holds',
  rogue: 'spawn-once',
}

/** The tasks that these are about are controlled so, beside the load of a durable system that promises it. */
function controlled(kind: ControlKind, drafts: readonly Draft[], promise = promiseOf[kind]!): Op[] {
  const planned = [1, 2].map((i) => ({ key: `c-${kind}-${i}`, kind, seed: i, atMs: 0, afterMs: 1 }))
  const control = planned.filter(({ key }) => drafts.some(({ task }) => task === key))
  const withControl = rewrite(polling(broken), (op) => {
    if (op.f !== 'cell') return [op]
    return [{ ...op, value: { ...op.value, promises: [...op.value.promises, promise], control } }]
  })
  return insertBefore(withControl, isPhase('end'), ...drafts)
}

type Seen = Omit<ControlSeen, 'kind' | 'moment'>

const seen = (key: string, at: number, moment: ControlSeen['moment'], about: Seen = {}): Draft => {
  const kind = key.split('-')[1] as ControlKind
  return { f: 'control', type: 'observe', at, process: 'client', task: key, value: { kind, moment, ...about } }
}

const log = (key: string, ...events: readonly object[]): Draft =>
  seen(key, 20_000, 'log', {
    log: events.map((event, i) => ({ seq: i + 1, type: '', status: '', data: {}, ...event })),
  })

const step = (key: string, number: number, endedAt: number, attempt = 1): Draft => {
  const about = { taskId: `id-${key}`, step: number, attempt, executor: 'worker-1' }
  const value = { ...about, idempotencyKey: `id-${key}/${number}`, startedAt: endedAt - 50, endedAt }
  return { f: 'effect', type: 'observe', at: endedAt, process: 'ledger', task: key, value }
}

const topUp = { command: 'top-up-1', type: 'top_up' } as const
/** Stops where its first step is paid, and goes on when more was asked for. */
const capped = (key: string): readonly Draft[] => [
  seen(key, 100, 'accepted', { covered: 1 }),
  step(key, 1, 200),
  seen(key, 300, 'seen', { status: 'input_required' }),
  seen(key, 400, 'ordered', topUp),
]

const interrupt = { command: 'interrupt-1', type: 'interrupt' } as const
const steered = (key: string): readonly Draft[] => [
  seen(key, 100, 'accepted'),
  seen(key, 200, 'ordered', interrupt),
  seen(key, 210, 'acknowledged', interrupt),
]
const recorded = { type: 'task.commanded', data: { command: { id: 'interrupt-1' } } }
const answered = { type: 'task.interrupted', data: { command: 'interrupt-1' } }

/** All of its work, and what shows that its one command was kept. */
const worked = (key: string): readonly Draft[] => [...steered(key), ...[1, 2, 3, 4].map((i) => step(key, i, 300 * i))]
const completed = { type: 'task.completed', status: 'completed' }
const kept = (key: string, ...more: readonly object[]): Draft => log(key, recorded, answered, ...more)

const cancel = { command: 'cancel', type: 'cancel' } as const
const cancelled = (key: string): readonly Draft[] => [
  seen(key, 100, 'accepted'),
  seen(key, 200, 'ordered', cancel),
  seen(key, 210, 'acknowledged', { ...cancel, status: 'cancelling' }),
]
const ended = { type: 'task.cancelled', status: 'cancelled' }

const isOfBalance = (op: Op, moment: string): boolean =>
  op.f === 'control' && op.value.kind === 'balance' && op.value.moment === moment

/** The server forgets all tasks of the load, and nobody ever saw one of them completed. */
function withoutResults(history: readonly Op[]): Op[] {
  return rewrite(lose(history, Infinity), (op) => (op.f === 'poll' && op.value.status === 'completed' ? [] : [op]))
}

/** One task was cut in its next step, which it may have paid for: the account spent more than there was. */
function overdrawn(): Op[] {
  const whole = limited()
  const given = Object.values(cellIn(whole).limits!.balances!)[0]!
  const isRefused = (op: Op): boolean => isOfBalance(op, 'log') && op.task === 'c-balance-8'
  return rewrite(whole, (op) => {
    if (isRefused(op)) return [{ ...op, value: { ...op.value, log: [{ seq: 1, status: 'cancelled' }] } } as Op]
    if (!isOfBalance(op, 'account')) return [op]
    return [{ ...op, value: { ...op.value, account: { credits: -1, held: 0, spent: given + 1 } } } as Op]
  })
}

/** Systems whose control is wrong, and records that show too little of it. */
export const wrongControl: readonly Mutant[] = [
  {
    name: 'a task with a budget does all of its steps, and nobody saw what covers it',
    history: controlled('budget', [
      ...capped('c-budget-1'),
      ...[1, 2, 3].map((i) => step('c-budget-2', i, 200 * i)),
      seen('c-budget-2', 9000, 'given-up'),
    ]),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['budget-holds'],
  },
  {
    name: 'a top-up is refused, and the agent goes on',
    history: controlled('budget', [
      ...capped('c-budget-1'),
      seen('c-budget-1', 410, 'refused', topUp),
      step('c-budget-1', 2, 500),
      log('c-budget-1'),
    ]),
    verdict: 'FAIL',
    caughtBy: ['budget-holds'],
  },
  {
    name: 'memories that nobody could read add up',
    history: controlled('steer', [...steered('c-steer-1'), log('c-steer-1')], 'context-continuity'),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['context-continuity'],
  },
  {
    name: 'a command that was sent again, as nobody acknowledged it, is carried out twice',
    history: controlled('steer', [
      ...steered('c-steer-1'),
      seen('c-steer-1', 300, 'ordered', { command: 'steer-1', type: 'steer' }),
      log('c-steer-1', recorded, answered, ...[1, 2].map(() => ({ data: { command: 'steer-1' } }))),
    ]),
    verdict: 'FAIL',
    caughtBy: ['steer-once'],
  },
  {
    name: 'a command is answered before it is on record',
    history: controlled('steer', [...steered('c-steer-1'), log('c-steer-1', answered, recorded)]),
    verdict: 'FAIL',
    caughtBy: ['steer-once'],
  },
  {
    name: 'an agent at work is asked to stop, and its log says that it has stopped already',
    history: controlled('steer', [
      ...worked('c-steer-1'),
      log('c-steer-1', recorded, { ...answered, type: 'task.command_void' }, { status: 'running' }, completed),
    ]),
    verdict: 'FAIL',
    caughtBy: ['steer-once'],
  },
  {
    name: 'an agent is asked to stop, and gets credits instead',
    history: controlled('steer', [
      ...worked('c-steer-1'),
      log('c-steer-1', recorded, { ...answered, type: 'task.topped_up' }),
    ]),
    verdict: 'FAIL',
    caughtBy: ['steer-once'],
  },
  {
    name: 'sub-tasks were at work, and no log says who started them',
    history: controlled('rogue', [
      ...cancelled('c-rogue-1'),
      step('c-rogue-1', 1, 150, 2),
      { ...step('c-rogue-1', 1, 190), task: 'c-rogue-1/2-1' } as Draft,
    ]),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['spawn-once'],
  },
  {
    name: 'a sub-task was started, and nobody knows how it ended',
    history: controlled(
      'rogue',
      [
        ...cancelled('c-rogue-1'),
        step('c-rogue-1', 1, 150),
        log('c-rogue-1', { type: 'task.spawned', data: { sub_task: 'below' } }, ended),
      ],
      'cancel-holds',
    ),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['cancel-holds'],
  },
  {
    name: 'a cancellation is acknowledged twice',
    history: controlled('cancel', [
      ...cancelled('c-cancel-1'),
      seen('c-cancel-1', 220, 'acknowledged', { ...cancel, status: 'cancelling' }),
      log('c-cancel-1', ended),
    ]),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a cancellation is acknowledged before it is sent',
    history: controlled('cancel', [
      ...cancelled('c-cancel-1').map((one) =>
        one.f === 'control' && one.value.moment === 'acknowledged' ? { ...one, at: 150 } : one,
      ),
      log('c-cancel-1', ended),
    ]),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a cancellation is acknowledged and ignored, and all of the work is done before the bound',
    history: controlled('cancel', [
      ...cancelled('c-cancel-1'),
      ...[1, 2, 3, 4].map((i) => step('c-cancel-1', i, 100 + 100 * i)),
      log('c-cancel-1', { type: 'task.cancel_requested', status: 'cancelling' }, completed),
    ]),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['cancel-holds'],
  },
  {
    name: 'of two cancellations one is never answered, and its task goes on to its end',
    history: controlled('cancel', [
      ...cancelled('c-cancel-1'),
      step('c-cancel-1', 1, 190),
      log('c-cancel-1', ended),
      ...cancelled('c-cancel-2').slice(0, 2),
      ...[1, 2, 3, 4].map((i) => step('c-cancel-2', i, 600 * i)),
      seen('c-cancel-2', 9000, 'given-up'),
      log('c-cancel-2', completed),
    ]),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['cancel-holds'],
  },
  {
    name: 'of two tasks that were to be cancelled one left no record at all',
    history: revalue(
      controlled('cancel', [...cancelled('c-cancel-1'), step('c-cancel-1', 1, 190), log('c-cancel-1', ended)]),
      'cell',
      () => true,
      ({ value }) => ({ control: [...value.control!, { ...value.control![0]!, key: 'c-cancel-2' }] }),
    ),
    verdict: 'INVALID',
    caughtBy: ['harness-healthy'],
  },
  {
    name: 'a steered task does a step again that was done long before',
    history: controlled('steer', [...worked('c-steer-1'), step('c-steer-1', 2, 1150, 2), kept('c-steer-1', completed)]),
    verdict: 'FAIL',
    caughtBy: ['effect-once'],
  },
  {
    name: 'a steered task does its last step again when its client knows that it is done',
    history: controlled('steer', [
      ...worked('c-steer-1'),
      seen('c-steer-1', 1300, 'seen', { status: 'completed' }),
      step('c-steer-1', 4, 9000, 2),
      kept('c-steer-1', completed),
    ]),
    verdict: 'FAIL',
    caughtBy: ['effect-once'],
  },
  {
    name: 'a steered task is completed, and one of its steps never was done',
    history: controlled('steer', [...worked('c-steer-1').toSpliced(5, 1), kept('c-steer-1', completed)]),
    verdict: 'FAIL',
    caughtBy: ['effect-at-least-once'],
  },
  {
    name: 'no task of the load has a result, and a steered one that is completed lacks a step',
    history: withoutResults(
      controlled('steer', [...worked('c-steer-1').toSpliced(5, 1), kept('c-steer-1', completed)]),
    ),
    verdict: 'FAIL',
    caughtBy: ['effect-at-least-once', 'liveness-after-heal', 'no-lost-task', 'result-integrity'],
  },
  {
    name: 'a steered task becomes two',
    history: revalue(
      controlled('steer', [...worked('c-steer-1'), kept('c-steer-1', completed)]),
      'effect',
      ({ task, value }) => task === 'c-steer-1' && value.step > 2,
      () => ({ taskId: 'id-other' }),
    ),
    verdict: 'FAIL',
    caughtBy: ['idempotency'],
  },
  {
    name: 'a steered task does a step that it does not have',
    history: controlled('steer', [...worked('c-steer-1'), step('c-steer-1', 5, 1500), kept('c-steer-1', completed)]),
    verdict: 'FAIL',
    caughtBy: ['no-phantom'],
  },
  {
    name: 'the log of a steered task lacks an event',
    history: controlled('steer', [...worked('c-steer-1'), kept('c-steer-1', { ...completed, seq: 4 })]),
    verdict: 'FAIL',
    caughtBy: ['state-machine'],
  },
  {
    name: 'a cancelled task runs again before it ends',
    history: controlled('cancel', [
      ...cancelled('c-cancel-1'),
      log('c-cancel-1', { status: 'running' }, { status: 'cancelling' }, { status: 'running' }, ended),
    ]),
    verdict: 'FAIL',
    caughtBy: ['state-machine'],
  },
  {
    name: 'the log of a steered task ends otherwise than its client saw',
    history: controlled('steer', [
      ...worked('c-steer-1'),
      seen('c-steer-1', 1300, 'seen', { status: 'completed' }),
      kept('c-steer-1', { type: 'task.failed', status: 'failed' }),
    ]),
    verdict: 'FAIL',
    caughtBy: ['state-machine'],
  },
  {
    name: 'a command is on record once more, under another name',
    history: controlled('steer', [
      ...steered('c-steer-1'),
      kept('c-steer-1', { type: 'task.commanded', data: { command: { id: 'another' } } }),
    ]),
    verdict: 'FAIL',
    caughtBy: ['steer-once'],
  },
  {
    name: 'an agent that was seen to stand still works on',
    history: controlled('steer', [
      ...steered('c-steer-1'),
      seen('c-steer-1', 300, 'seen', { status: 'input_required' }),
      step('c-steer-1', 1, 900),
      kept('c-steer-1'),
    ]),
    verdict: 'FAIL',
    caughtBy: ['steer-once'],
  },
  {
    name: 'a top-up changes nothing by the log, and the agent goes on',
    history: controlled('budget', [
      ...capped('c-budget-1'),
      seen('c-budget-1', 410, 'acknowledged', topUp),
      step('c-budget-1', 2, 500),
      log(
        'c-budget-1',
        { type: 'task.commanded', data: { command: { id: 'top-up-1' } } },
        { type: 'task.command_void', data: { command: 'top-up-1' } },
      ),
    ]),
    verdict: 'FAIL',
    caughtBy: ['budget-holds'],
  },
  {
    name: 'an account is overdrawn for a step whose tool was never called',
    history: overdrawn(),
    verdict: 'FAIL',
    caughtBy: ['balance-holds'],
  },
  {
    name: 'a step of a controlled task ends before it starts',
    history: revalue(
      controlled('cancel', [...cancelled('c-cancel-1'), step('c-cancel-1', 1, 190), log('c-cancel-1', ended)]),
      'effect',
      ({ task }) => task === 'c-cancel-1',
      () => ({ startedAt: 250 }),
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'nobody could read how the tasks of a balance ended',
    history: rewrite(limited(), (op) => (isOfBalance(op, 'log') && op.task !== 'c-balance-8' ? [] : [op])),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['balance-holds'],
  },
  {
    name: 'each tool is called over and over, and no fault took an answer',
    history: rewrite(limited(), (op) => {
      if (op.f !== 'effect' || !op.task?.startsWith('c-rate')) return [op]
      const { index: _, ...again } = op
      return [op, again, again, again]
    }),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['rate-holds'],
  },
]
