import type { Op, OpOf } from '../../harness/model/history.ts'
import { insertBefore, isPhase, loseTask, revalue, rewrite } from './mutations.ts'
import { broken, calm, findLost, type Mutant, polling, stopAfterHeal, streaming, webhook } from './worlds.ts'

const task = 't-00040'
const taskId = `id-${task}`

/** One more execution of a step, long after it was done. */
function repeatStep(history: readonly Op[], step: number, at: number, attempt: number): Op[] {
  const value = {
    taskId,
    step,
    attempt,
    executor: 'worker-1',
    startedAt: at,
    endedAt: at + 250,
    idempotencyKey: `${taskId}/${step}`,
  }
  return insertBefore(history, isPhase('end'), {
    f: 'effect',
    type: 'observe',
    at: at + 250,
    process: 'ledger',
    task,
    value,
  })
}

/** The ledger knows nothing of these effects. */
function withoutEffects(history: readonly Op[], missing: (effect: OpOf<'effect'>) => boolean): Op[] {
  return rewrite(history, (op) => (op.f === 'effect' && missing(op) ? [] : [op]))
}

/** What the server says of one task when all is over. */
function asked(told: Partial<OpOf<'final'>['value']>): Op[] {
  return insertBefore(polling(calm), isPhase('end'), {
    f: 'final',
    type: 'ok',
    at: 1e6,
    process: 'harness',
    task,
    value: { taskId, found: true, ...told },
  })
}

/** Every callback with its bytes, and that of one task a second time, with this difference. */
function postAgain(difference: object): Op[] {
  const known = revalue(
    webhook(calm),
    'callback',
    () => true,
    () => ({ bytes: 'the same' }),
  )
  return rewrite(known, (op) => {
    if (op.f !== 'callback' || op.task !== task) return [op]
    const { index: _, ...again } = op
    return [op, { ...again, value: { ...op.value, ...difference } }]
  })
}

/** Systems that break what they promise. */
export const wrongSystems: readonly Mutant[] = [
  {
    name: 'an accepted task is forgotten',
    history: loseTask(polling(calm), task, { taskId, found: false }),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
    outcomes: { lost_everywhere: 1 },
  },
  {
    name: 'an accepted task never ends',
    history: loseTask(polling(calm), task, { taskId, found: true, status: 'running', version: 9 }),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
    outcomes: { stuck: 1 },
  },
  {
    name: 'a result is kept and never delivered',
    history: loseTask(polling(calm), task, {
      taskId,
      found: true,
      status: 'completed',
      digest: `digest-of-${task}`,
      version: 6,
    }),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
    outcomes: { lost_result: 1 },
  },
  {
    name: 'a completed step is executed again',
    history: repeatStep(polling(calm), 2, 5000, 2),
    verdict: 'FAIL',
    caughtBy: ['effect-once'],
  },
  {
    name: 'after a crash the work starts over',
    history: repeatStep(polling(broken), 1, 1900, 2),
    verdict: 'FAIL',
    caughtBy: ['effect-once'],
  },
  {
    name: 'a result without the effect of one step',
    history: withoutEffects(polling(calm), (op) => op.task === task && op.value.step === 2),
    verdict: 'FAIL',
    caughtBy: ['effect-at-least-once'],
  },
  {
    name: 'a result without any work',
    history: withoutEffects(streaming(broken), (op) => op.task === task),
    verdict: 'FAIL',
    caughtBy: ['effect-at-least-once'],
  },
  {
    name: 'no task does its last step',
    history: withoutEffects(webhook(calm), (op) => op.value.step === 4),
    verdict: 'FAIL',
    caughtBy: ['effect-at-least-once'],
  },
  {
    name: 'nobody works, and there are results',
    history: withoutEffects(webhook(calm), () => true),
    verdict: 'FAIL',
    caughtBy: ['anti-vacuity', 'effect-at-least-once'],
  },
  {
    name: 'a step is done twice instead of the next one',
    history: revalue(
      polling(calm),
      'effect',
      (op) => op.task === task && op.value.step === 3,
      () => ({ step: 2, attempt: 2 }),
    ),
    verdict: 'FAIL',
    caughtBy: ['effect-at-least-once', 'effect-once'],
  },
  {
    name: 'a result without its work is kept and never delivered',
    history: withoutEffects(
      loseTask(webhook(broken), findLost(webhook(broken)), {
        taskId: `id-${findLost(webhook(broken))}`,
        found: true,
        status: 'completed',
        digest: `digest-of-${findLost(webhook(broken))}`,
        version: 6,
      }),
      (op) => op.task === findLost(webhook(broken)) && op.value.step === 1,
    ),
    verdict: 'FAIL',
    caughtBy: ['effect-at-least-once'],
  },
  {
    name: 'one key becomes two tasks',
    history: revalue(
      polling(calm),
      'effect',
      (op) => op.task === task && op.value.step > 2,
      () => ({ taskId: 'id-other' }),
    ),
    verdict: 'FAIL',
    caughtBy: ['idempotency'],
  },
  {
    name: 'two keys share one task',
    history: revalue(
      polling(calm),
      'submit',
      (op) => op.type === 'ok' && op.task === 't-00041',
      () => ({ taskId }),
    ),
    verdict: 'FAIL',
    caughtBy: ['idempotency'],
  },
  {
    name: 'a callback arrives for work that nobody submitted',
    history: insertBefore(webhook(calm), isPhase('drain'), {
      f: 'callback',
      type: 'observe',
      at: 900,
      process: 'receiver',
      task: 't-99999',
      value: { taskId: 'id-t-99999', deliveryId: 'd', status: 'completed', digest: 'x', httpStatus: 204 },
    }),
    verdict: 'FAIL',
    caughtBy: ['no-phantom'],
  },
  {
    name: 'a callback comes again under another id',
    history: postAgain({ deliveryId: 'another' }),
    verdict: 'FAIL',
    caughtBy: ['callback-identity'],
  },
  {
    name: 'news of a task and word of its end come under one id',
    history: rewrite(postAgain({}), (op) => {
      if (op.f !== 'callback' || op.task !== 't-00041') return [op]
      const { index: _, ...news } = op
      return [{ ...news, value: { ...op.value, status: 'running', digest: null, bytes: 'news' } } as never, op]
    }),
    verdict: 'FAIL',
    caughtBy: ['callback-identity'],
  },
  {
    name: 'a callback comes again in other bytes',
    history: postAgain({ bytes: 'other' }),
    verdict: 'FAIL',
    caughtBy: ['callback-identity'],
  },
  {
    name: 'a status goes backwards',
    history: revalue(
      polling(calm),
      'poll',
      (op) => op.value.version === 5,
      () => ({ status: 'queued' }),
      1,
    ),
    verdict: 'FAIL',
    caughtBy: ['state-machine'],
  },
  {
    name: 'a task is completed at the version at which it was running',
    history: rewrite(polling(calm), (op) => {
      if (op.f !== 'poll' || op.task !== task || op.value.status !== 'completed') return [op]
      return [{ ...op, value: { ...op.value, version: op.value.version! - 1 } } as Op]
    }),
    verdict: 'FAIL',
    caughtBy: ['state-machine'],
  },
  {
    name: 'a callback says that its task is completed, and brings no result',
    history: revalue(
      webhook(calm),
      'callback',
      (op) => op.task === task,
      () => ({ digest: null }),
    ),
    verdict: 'FAIL',
    caughtBy: ['result-integrity'],
  },
  {
    name: 'a version goes backwards',
    history: revalue(
      polling(calm),
      'poll',
      (op) => op.value.version === 5,
      () => ({ version: 2 }),
      1,
    ),
    verdict: 'FAIL',
    caughtBy: ['state-machine'],
  },
  {
    name: 'a task ends twice, differently',
    history: insertBefore(polling(calm), isPhase('end'), {
      f: 'final',
      type: 'ok',
      at: 1e6,
      process: 'harness',
      task,
      value: { taskId, found: true, status: 'failed', digest: null, version: 7 },
    }),
    verdict: 'FAIL',
    caughtBy: ['state-machine'],
  },
  {
    name: 'a log is shorter in the end than its client saw it',
    history: asked({ status: 'completed', digest: `digest-of-${task}`, version: 2 }),
    verdict: 'FAIL',
    caughtBy: ['state-machine'],
  },
  {
    name: 'a result is gone after its client has it',
    history: asked({ status: 'completed', digest: null, version: 6 }),
    verdict: 'FAIL',
    caughtBy: ['result-integrity'],
  },
  {
    name: 'a wrong result is accepted',
    history: revalue(
      polling(calm),
      'task',
      (op) => op.type === 'ok' && op.task === task,
      () => ({ digest: 'truncated' }),
    ),
    verdict: 'FAIL',
    caughtBy: ['result-integrity'],
    outcomes: { wrong: 1 },
  },
  {
    name: 'a stream skips an event',
    history: rewrite(streaming(calm), (op) => (op.f === 'event' && op.task === task && op.value.seq === 3 ? [] : [op])),
    verdict: 'FAIL',
    caughtBy: ['stream-continuity'],
  },
  {
    name: 'a stream repeats an event',
    history: rewrite(streaming(calm), (op) => {
      const { index: _, ...again } = op
      return op.f === 'event' && op.task === task && op.value.seq === 3 ? [op, again as never] : [op]
    }),
    verdict: 'FAIL',
    caughtBy: ['stream-continuity'],
  },
  {
    name: 'a client hangs',
    history: rewrite(webhook(calm), (op) => (op.f === 'task' && op.type !== 'invoke' && op.task === task ? [] : [op])),
    verdict: 'INVALID',
    caughtBy: ['anti-vacuity', 'no-hang'],
    outcomes: { lost_result: 1 },
  },
  {
    name: 'a promising system is dead after the heal',
    history: stopAfterHeal(polling(broken)),
    verdict: 'FAIL',
    caughtBy: ['liveness-after-heal', 'no-lost-task'],
  },
  {
    name: 'a system that promises nothing is dead after the heal',
    history: stopAfterHeal(webhook(broken)),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['liveness-after-heal'],
  },
]
