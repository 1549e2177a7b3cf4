import type { Op, TaskIntent } from '../../harness/model/history.ts'
import { type Draft, insertBefore, isPhase, loseTask, revalue, rewrite } from './mutations.ts'
import { broken, calm, type Mutant, polling, webhook, type World } from './worlds.ts'
import { keptFor, lose, under } from './wrong-excuses.ts'

const task = 't-00040'
const hundred: World = { ...calm, tasks: 100 }
const untilTheyGiveUp = { from: 900, to: 8000 } as const
const onNode0AndBegunBefore = (ordinal: number): boolean => ordinal % 4 === 0 && ordinal > 30

function isOf(name: string): (op: Op) => boolean {
  return (op) => op.task === name
}

/** Each task is one step: what its result rests on cannot be told from the steps after it. */
function inOneStep(history: readonly Op[]): Op[] {
  return rewrite(history, (op) => {
    if (op.f === 'task' && op.type === 'invoke') return [{ ...op, value: { ...(op.value as TaskIntent), steps: 1 } }]
    if (op.f !== 'effect') return [op]
    if (op.value.step < 4) return []
    return [{ ...op, value: { ...op.value, step: 1, startedAt: op.value.endedAt - 1000 } }]
  })
}

/** Whatever was done before is done again by another executor, from then on. */
function again(history: readonly Op[], before: number, startedAt: number): Op[] {
  return rewrite(history, (op) => {
    if (op.f !== 'effect' || op.value.endedAt >= before) return [op]
    const { index: _, ...rest } = op
    const value = { ...op.value, attempt: 2, executor: 'worker-2', startedAt, endedAt: startedAt + 200 }
    return [op, { ...rest, at: startedAt + 200, value }]
  })
}

const anotherResult: Draft<'final'> = {
  f: 'final',
  type: 'ok',
  at: 1e5,
  process: 'harness',
  task,
  value: { taskId: `id-${task}`, found: true, status: 'completed', digest: 'other', version: 6 },
}

/** Clients that stop waiting in the middle, with results that come when the work is done. */
function stopEarly(history: readonly Op[], many: number): Op[] {
  const names = Array.from({ length: many }, (_, i) => `t-${String(i + 1).padStart(5, '0')}`)
  const early = rewrite(history, (op) => {
    if (op.task === undefined || !names.includes(op.task) || op.f !== 'task' || op.type === 'invoke') return [op]
    return [{ ...op, type: 'info', at: op.at - 900, value: {}, error: 'gave up' }]
  })
  return names.reduce((rest, name) => {
    const value = { taskId: `id-${name}`, found: true, ...keptFor(name) }
    return insertBefore(rest, isPhase('end'), { ...anotherResult, task: name, value })
  }, early)
}

/** Systems that no outage, lateness or torn answer excuses, and records that contradict their plan. */
export const wrongWords: readonly Mutant[] = [
  {
    name: 'a server that loses no task knows nothing of one whose client has its result',
    history: insertBefore(polling(calm), isPhase('end'), {
      ...anotherResult,
      value: { taskId: `id-${task}`, found: false },
    }),
    verdict: 'FAIL',
    caughtBy: ['result-integrity'],
  },
  {
    name: 'the server forgot tasks that were held up',
    history: under(lose(polling(hundred), 5, onNode0AndBegunBefore), {
      fault: 'stall',
      on: 'worker->store-0',
      ...untilTheyGiveUp,
    }),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
    outcomes: { lost_everywhere: 5 },
  },
  {
    name: 'the server forgot tasks whose clients could not ask',
    history: under(lose(polling(hundred), 5, onNode0AndBegunBefore), {
      fault: 'refuse',
      on: 'client->api-0',
      ...untilTheyGiveUp,
    }),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
  },
  {
    name: 'tasks are still at work long after the outage that held them up',
    history: under(
      lose(polling(hundred), 5, onNode0AndBegunBefore, () => ({ status: 'running', version: 9 })),
      { fault: 'stall', on: 'worker->store-0', ...untilTheyGiveUp },
    ),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
    outcomes: { stuck: 5 },
  },
  {
    name: 'no client of a replica sees its result while the link to that one of four is down',
    history: under(lose(polling(hundred), 5, onNode0AndBegunBefore, keptFor), {
      fault: 'refuse',
      on: 'client->api-0',
      ...untilTheyGiveUp,
    }),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
    outcomes: { lost_result: 5 },
  },
  {
    name: 'clients do not see results whose worker was frozen after its work',
    history: under(lose(polling(hundred), 5, onNode0AndBegunBefore, keptFor), {
      fault: 'pause',
      on: 'worker-0',
      from: 3300,
      to: 8000,
    }),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
  },
  {
    name: 'a client is told that its task failed, and the server has the result',
    history: rewrite(loseTask(polling(calm), task, { taskId: `id-${task}`, found: true, ...keptFor(task) }), (op) => {
      if (op.task !== task || (op.f === 'poll' && op.value.status === 'completed')) return op.task === task ? [] : [op]
      return op.f === 'task' && op.type === 'info' ? [{ ...op, type: 'fail', value: { reason: 'task-failed' } }] : [op]
    }),
    verdict: 'FAIL',
    caughtBy: ['state-machine'],
    outcomes: { failed_known: 1 },
  },
  {
    name: 'clients stop waiting long before they are to give up',
    history: stopEarly(polling(calm), 60),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
    outcomes: { lost_result: 60 },
  },
  {
    name: 'tasks of one step, which clients saw done, are done again after the store was gone',
    history: under(again(inOneStep(polling(calm)), 1500, 2100), { fault: 'kill', on: 'store-0', from: 1600, to: 2000 }),
    verdict: 'FAIL',
    caughtBy: ['effect-once'],
  },
  {
    name: 'the call of a tool goes out again under a new key',
    history: rewrite(polling(calm), (op) => {
      if (op.f !== 'effect' || op.task !== task) return [op]
      const { index: _, ...rest } = op
      return [op, { ...rest, value: { ...op.value, idempotencyKey: `${op.value.idempotencyKey}/2` } }]
    }),
    verdict: 'FAIL',
    caughtBy: ['effect-once'],
  },
  {
    name: 'a result is another one when it is read again',
    history: insertBefore(polling(calm), isPhase('end'), anotherResult),
    verdict: 'FAIL',
    caughtBy: ['result-integrity'],
  },
  {
    name: 'the server keeps a wrong result for a client that did not see it',
    history: loseTask(webhook(calm), task, anotherResult.value),
    verdict: 'FAIL',
    caughtBy: ['result-integrity'],
  },
  {
    name: 'a callback brings a wrong result, and a second one the right one',
    history: rewrite(webhook(calm), (op) => {
      if (op.f !== 'callback' || op.task !== task) return [op]
      const { index: _, ...rest } = op
      return [{ ...rest, at: op.at - 0.1, value: { ...op.value, digest: 'other' } }, op]
    }),
    verdict: 'FAIL',
    caughtBy: ['result-integrity'],
  },
  {
    name: 'a client takes a running task for a result',
    history: revalue(
      polling(calm),
      'task',
      (op) => op.type === 'ok' && isOf(task)(op),
      () => ({ status: 'running' }),
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a callback comes before the work is done',
    history: rewrite(webhook(calm), (op) =>
      op.f === 'callback' && op.task === task ? [{ ...op, at: op.at - 700 }] : [op],
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a step that is done again under a kill ends before it starts',
    history: rewrite(polling(broken), (op) => {
      if (op.f !== 'effect' || op.value.attempt === 1) return [op]
      const { index: _, ...rest } = op
      return [op, { ...rest, value: { ...op.value, startedAt: op.value.endedAt + 500 } }]
    }),
    verdict: 'INVALID',
    caughtBy: ['effect-once', 'record-sound'],
  },
  {
    name: 'a step begins before its task was submitted',
    history: rewrite(polling(calm), (op) =>
      op.f === 'submit' && op.task === task ? [{ ...op, at: op.at + 500 }] : [op],
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'two tasks have one place in the load',
    history: revalue(
      polling(calm),
      'task',
      (op) => op.type === 'invoke' && isOf(task)(op),
      () => ({ ordinal: 3 }),
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a task has more steps than were planned',
    history: revalue(
      polling(calm),
      'task',
      (op) => op.type === 'invoke' && isOf(task)(op),
      () => ({ steps: 1 }),
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'the control was under a fault',
    history: revalue(
      polling(broken),
      'cell',
      () => true,
      () => ({ faults: [], arm: 'none' }),
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'another fault than the planned one was carried out',
    history: revalue(
      polling(broken),
      'fault',
      () => true,
      () => ({ fault: 'pause' }),
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'the harness measured itself until it was well',
    history: rewrite(polling(calm), (op) => {
      if (op.f !== 'health') return [op]
      const { index: _, ...rest } = op
      return [rest, op]
    }),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
]
