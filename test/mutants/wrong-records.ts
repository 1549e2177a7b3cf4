import type { Op, TaskIntent } from '../../harness/model/history.ts'
import { type Draft, insertBefore, isPhase, loseTask, revalue, rewrite } from './mutations.ts'
import { broken, calm, type Mutant, polling, streaming, webhook } from './worlds.ts'

const task = 't-00040'
const isOf = ({ task: of }: Op): boolean => of === task
const isIntent = (op: Op): boolean => op.f === 'task' && op.type === 'invoke'
const isEnd = (op: Op): boolean => op.f === 'task' && op.type === 'ok'

/** One kind of op later by so much. */
function later(history: readonly Op[], fits: (op: Op) => boolean, byMs: number): Op[] {
  return rewrite(history, (op) => (fits(op) ? [{ ...op, at: op.at + byMs }] : [op]))
}

function without(history: readonly Op[], fits: (op: Op) => boolean): Op[] {
  return rewrite(history, (op) => (fits(op) ? [] : [op]))
}

/** A task that takes so much less time, in its intent and its deadlines. */
function shorter(byMs: number): (op: { readonly value: unknown }) => Partial<TaskIntent> {
  return ({ value }) => {
    const { idealMs, deadlineAt, giveUpAt } = value as TaskIntent
    return { idealMs: idealMs - byMs, deadlineAt: deadlineAt - byMs, giveUpAt: giveUpAt - byMs }
  }
}

const ready: Draft<'node'> = {
  f: 'node',
  type: 'observe',
  at: -500,
  process: 'node:worker-0',
  value: { node: 'worker-0', state: 'ready', pid: 7 },
}

/** Records that contradict themselves: whoever kept or edited them is wrong, and no system. */
export const wrongRecords: readonly Mutant[] = [
  {
    name: 'a client polls another task than its own',
    history: revalue(polling(calm), 'poll', isOf, () => ({ taskId: 'id-t-00007' }), 1),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a client polls before its submission is answered',
    history: later(polling(calm), (op) => isOf(op) && op.f === 'submit' && op.type === 'ok', 300),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a client follows another task than its own',
    history: revalue(streaming(calm), 'stream', isOf, () => ({ taskId: 'id-t-00007' })),
    verdict: 'INVALID',
    caughtBy: ['record-sound', 'stream-continuity'],
  },
  {
    name: 'a client has a result of what it never submitted',
    history: without(webhook(calm), (op) => isOf(op) && op.f === 'submit'),
    verdict: 'INVALID',
    caughtBy: ['no-phantom', 'record-sound'],
  },
  {
    name: 'a client has a result of a submission that nobody answered',
    history: without(webhook(calm), (op) => isOf(op) && op.f === 'submit' && op.type === 'ok'),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a result was known before the poll that told it',
    history: later(polling(calm), (op) => isOf(op) && isEnd(op), -90),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'results were known before the callbacks that brought them',
    history: later(webhook(calm), ({ f }) => f === 'callback', 500),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a result was known before the last event of its stream',
    history: later(streaming(calm), (op) => isOf(op) && op.f === 'event' && op.value.status === 'completed', 500),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a submission was answered before it was sent',
    history: later(polling(calm), (op) => isOf(op) && op.f === 'submit' && op.type === 'invoke', 3),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'one attempt to submit was answered twice',
    history: rewrite(polling(calm), (op) => {
      const { index: _, ...again } = op
      return isOf(op) && op.f === 'submit' && op.type === 'ok' ? [op, again] : [op]
    }),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a client submits what is no task of the load',
    history: insertBefore(polling(calm), isPhase('heal'), {
      f: 'submit',
      type: 'invoke',
      at: 4000,
      process: 'client',
      task: 't-99999',
      value: { attempt: 1, api: 'client->api-0' },
    }),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a node is proven to be killed, and did not end',
    history: rewrite(polling(broken), (op) => (op.f === 'node' && op.value.state === 'exited' ? [] : [op])),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a node is proven to be killed, and was ready once',
    history: insertBefore(
      without(polling(broken), ({ f }) => f === 'node'),
      isPhase('load'),
      ready,
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'another node than the killed one ended',
    history: revalue(
      polling(broken),
      'node',
      () => true,
      () => ({ node: 'worker-3' }),
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'the killed node ended long after',
    history: later(polling(broken), ({ f }) => f === 'node', 3000),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a client waited for a poll since before it knew its task',
    history: revalue(polling(calm), 'poll', isOf, () => ({ waitedMs: 5000 }), 1),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a fault took effect half a second before it was planned',
    history: revalue(
      polling(broken),
      'fault',
      ({ value }) => value.state === 'armed',
      () => ({ onsetAt: 300 }),
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a lost task is made a result, which no poll brought',
    history: rewrite(loseTask(polling(calm), task, { taskId: `id-${task}`, found: false }), (op) => {
      if (!isOf(op)) return [op]
      if (op.f === 'final' || (op.f === 'poll' && op.value.status === 'completed')) return []
      if (op.f !== 'task' || op.type !== 'info') return [op]
      const value = { taskId: `id-${task}`, status: 'completed', digest: `digest-of-${task}`, via: 'poll' } as const
      return [{ ...op, type: 'ok', at: op.at - 2000, value }]
    }),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a result came by a callback that nobody received',
    history: without(webhook(calm), (op) => isOf(op) && op.f === 'callback'),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a result came by a stream that did not end',
    history: without(streaming(calm), (op) => isOf(op) && op.f === 'event' && op.value.status === 'completed'),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'one process ended twice',
    history: rewrite(polling(broken), (op) => {
      if (op.f !== 'node' || op.value.state !== 'exited') return [op]
      const { index: _, ...again } = { ...op, value: { ...op.value, pid: 4711 } }
      return [{ ...op, value: again.value }, again]
    }),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a node works on while it is dead',
    history: revalue(
      polling(broken),
      'effect',
      ({ value }) => value.startedAt > 860 && value.endedAt < 1190,
      () => ({ executor: 'worker-0' }),
      1,
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a fault is proven that never took effect',
    history: without(polling(broken), (op) => op.f === 'fault' && op.value.state === 'armed'),
    verdict: 'INVALID',
    caughtBy: ['anti-vacuity', 'record-sound'],
  },
  {
    name: 'a fault is proven after its heal',
    history: later(polling(broken), (op) => op.f === 'fault' && op.value.state === 'proven', 500),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'one firing takes effect twice',
    history: rewrite(polling(broken), (op) => {
      if (op.f !== 'fault' || op.value.state !== 'armed') return [op]
      const { index: _, ...again } = op
      return [op, { ...again, at: op.at + 300 }]
    }),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'one task is shorter than all others of its cell',
    history: revalue(polling(calm), 'task', (op) => isOf(op) && isIntent(op), shorter(100)),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a task is to be sent before the one before it',
    history: revalue(
      polling(calm),
      'task',
      (op) => isOf(op) && isIntent(op),
      (op) => {
        const { intendedAt, deadlineAt, giveUpAt } = op.value as TaskIntent
        return { intendedAt: intendedAt - 300, deadlineAt: deadlineAt - 300, giveUpAt: giveUpAt - 300 }
      },
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'the last task of a load has the number after the last',
    history: revalue(
      polling(calm),
      'task',
      (op) => isIntent(op) && (op.value as TaskIntent).ordinal === calm.tasks - 1,
      () => ({ ordinal: calm.tasks }),
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'the pacer was ahead of its time',
    history: revalue(
      polling(calm),
      'health',
      () => true,
      () => ({ pacerLagP99Ms: -500 }),
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
]

const taskId = `id-${task}`
const effects = polling(calm).filter((op) => op.f === 'effect' && isOf(op))
const lastEffect = effects.at(-1) as Extract<Op, { f: 'effect' }>

/** One more effect of that task, as an engine sent it. */
function another(history: readonly Op[], value: object, at: number): Op[] {
  const { index: _, ...rest } = lastEffect
  return insertBefore(history, isPhase('end'), { ...rest, at, value: { ...rest.value, ...value } })
}

const refusal: Draft<'refusal'> = {
  f: 'refusal',
  type: 'observe',
  at: 2000,
  process: 'ledger',
  value: { reason: 'its step is no whole number from 1', said: '{"task":"t-00040","step":"two"}' },
}

/** Systems that do not do the work, or not as it is to be done. */
export const wrongWork: readonly Mutant[] = [
  {
    name: 'an engine sends what is no effect, and the result is there',
    history: insertBefore(
      without(polling(calm), (op) => op.f === 'effect' && isOf(op) && op.value.step === 2),
      isPhase('end'),
      refusal,
    ),
    verdict: 'FAIL',
    caughtBy: ['effect-at-least-once'],
  },
  {
    name: 'the steps of a task take a tenth of their time',
    history: rewrite(polling(calm), (op) =>
      op.f === 'effect' && isOf(op) ? [{ ...op, value: { ...op.value, startedAt: op.value.endedAt - 25 } }] : [op],
    ),
    verdict: 'FAIL',
    caughtBy: ['effect-at-least-once'],
  },
  {
    name: 'two steps of a task change places',
    history: revalue(
      polling(calm),
      'effect',
      (op) => isOf(op) && (op.value.step === 2 || op.value.step === 3),
      (op) => ({ step: 5 - op.value.step }),
    ),
    verdict: 'FAIL',
    caughtBy: ['effect-at-least-once'],
  },
  {
    name: 'the server says completed to who asks, forgets it, and a step was never done',
    history: without(loseTask(polling(calm), task, { taskId, found: false }), (op) => {
      return op.f === 'effect' && isOf(op) && op.value.step === 2
    }),
    verdict: 'FAIL',
    caughtBy: ['effect-at-least-once', 'no-lost-task'],
  },
  {
    name: 'a task has a step that nobody planned',
    history: another(polling(calm), { step: 9, startedAt: 3900, endedAt: 3990, idempotencyKey: 'x' }, 4000),
    verdict: 'FAIL',
    caughtBy: ['no-phantom'],
  },
  {
    name: 'the result that a client gets is of another task',
    history: revalue(
      polling(calm),
      'task',
      (op) => isOf(op) && isEnd(op),
      () => ({ taskId: 'id-of-nobody' }),
    ),
    verdict: 'FAIL',
    caughtBy: ['idempotency'],
  },
  {
    name: 'a stream brings an event of another task',
    history: revalue(streaming(calm), 'event', isOf, () => ({ taskId: 'id-t-00007' }), 1),
    verdict: 'FAIL',
    caughtBy: ['stream-continuity'],
  },
]
