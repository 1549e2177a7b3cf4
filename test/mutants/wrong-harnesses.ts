import type { MachineHealth } from '../../harness/model/machine.ts'

import type { Op, TaskIntent } from '../../harness/model/history.ts'
import { type Draft, findTask, insertBefore, isPhase, loseTask, revalue, rewrite, stubActuator } from './mutations.ts'
import { under } from './wrong-excuses.ts'
import { broken, calm, findLost, type Mutant, polling, streaming, unharmed, webhook } from './worlds.ts'

const task = 't-00040'
const intentOf = (name: string): TaskIntent => findTask(polling(calm), name).value as TaskIntent

const idle = { mean: 0, worst: 0, at: 0 }
const watched = ['harness', 'worker-0', 'worker-1', 'worker-2', 'worker-3', 'api-0']

/** A machine that was well but for this. */
function onMachine(history: readonly Op[], sickness: Partial<MachineHealth>): Op[] {
  const well: MachineHealth = {
    standstill: { at: 0, ms: 5 },
    cores: 2,
    cpuPressure: idle,
    steal: idle,
    processes: watched.map((name) => ({ name, mean: 0, worst: [] })),
  }
  const machine: MachineHealth = { ...well, ...sickness }
  return revalue(
    history,
    'health',
    () => true,
    () => ({ machine }),
  )
}

function stranger(place: string, who: string): Draft<'stranger'> {
  return { f: 'stranger', type: 'observe', at: 700, process: 'harness', value: { place, who } }
}

const dropped: Draft<'dropped'> = {
  f: 'dropped',
  type: 'observe',
  at: 700,
  process: 'receiver',
  value: { task, why: 'more than 1000 for one name', posts: 1 },
}

/** The task ended, and its client was never told. */
function uncalled(history: readonly Op[]): Op[] {
  const silent = rewrite(history, (op) => (op.task === task && op.f === 'callback' ? [] : [op]))
  return loseTask(silent, task, {
    taskId: `id-${task}`,
    found: true,
    status: 'completed',
    version: 6,
    digest: intentOf(task).expectedDigest,
  })
}

/** Harnesses that did not do, or cannot show, what they were to do. */
export const wrongHarnesses: readonly Mutant[] = [
  {
    name: 'the fault strikes when no task is there',
    history: rewrite(polling(broken), (op) =>
      op.f === 'fault' || op.f === 'node' ? [{ ...op, at: op.at + 1e6 }] : [op],
    ),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['anti-vacuity', 'liveness-after-heal'],
  },
  {
    name: 'there are no tasks',
    history: polling({ ...calm, tasks: 0 }),
    verdict: 'INCONCLUSIVE',
    caughtBy: [
      'anti-vacuity',
      'effect-once',
      'idempotency',
      'liveness-after-heal',
      'no-hang',
      'no-lost-task',
      'no-phantom',
      'result-integrity',
      'state-machine',
    ],
  },
  {
    name: 'the pacer is late',
    history: revalue(
      polling(calm),
      'health',
      () => true,
      () => ({ pacerLagP99Ms: 80 }),
    ),
    verdict: 'INVALID',
    caughtBy: ['harness-healthy'],
  },
  {
    name: 'the harness was stopped for three seconds in the drain',
    history: onMachine(streaming(broken), { standstill: { at: 9000, ms: 3000 } }),
    verdict: 'INVALID',
    caughtBy: ['harness-healthy'],
  },
  {
    name: 'a worker was starved for as long as a lease lasts, by the load of the run itself',
    history: onMachine(polling(broken), {
      processes: [{ name: 'worker-3', mean: 0.2, worst: [{ at: 100, ms: 700, waitedMs: 560 }] }],
    }),
    verdict: 'INVALID',
    caughtBy: ['harness-healthy'],
  },
  {
    name: 'a worker was starved for as long as a lease lasts, and a fault on it lasted for a hundredth of that',
    history: onMachine(under(polling(calm), { fault: 'pause', on: 'worker-3', from: 300, to: 310 }), {
      processes: [{ name: 'worker-3', mean: 0.2, worst: [{ at: 100, ms: 700, waitedMs: 560 }] }],
    }),
    verdict: 'INVALID',
    caughtBy: ['harness-healthy'],
  },
  {
    name: 'a worker was starved, and a fault on it began when that was over',
    history: onMachine(under(polling(calm), { fault: 'pause', on: 'worker-3', from: 799, to: 1200 }), {
      processes: [{ name: 'worker-3', mean: 0.2, worst: [{ at: 100, ms: 700, waitedMs: 560 }] }],
    }),
    verdict: 'INVALID',
    caughtBy: ['harness-healthy'],
  },
  {
    name: 'others kept the processors busy',
    history: onMachine(webhook(broken), {
      cpuPressure: { mean: 0.6, worst: 0.9, at: 0 },
      others: { mean: 0.5, worst: 0.6, at: 0 },
    }),
    verdict: 'INVALID',
    caughtBy: ['harness-healthy'],
  },
  {
    name: 'a starved worker lost its lease, and a task with it: the machine, not the promise',
    history: onMachine(
      loseTask(polling(calm), task, { taskId: `id-${task}`, found: true, status: 'running', version: 9 }),
      {
        processes: [{ name: 'worker-1', mean: 0.5, worst: [{ at: 600, ms: 1000, waitedMs: 900 }] }],
        cpuPressure: { mean: 0.47, worst: 0.94, at: 0 },
        others: { mean: 0.4, worst: 0.6, at: 0 },
      },
    ),
    verdict: 'INVALID',
    caughtBy: ['harness-healthy', 'no-lost-task'],
  },
  {
    name: 'a node of another run answered, and lost a task: nothing that was measured is the system’s',
    history: insertBefore(
      loseTask(polling(calm), task, { taskId: `id-${task}`, found: false }),
      isPhase('heal'),
      stranger('client->api-0', 'it says that it is another-run/polling.none.1/0f0f0f/api-0'),
    ),
    verdict: 'INVALID',
    caughtBy: ['harness-healthy', 'no-lost-task'],
  },
  {
    name: 'a node that was killed found somebody else on its port, and everything was well',
    history: insertBefore(
      polling(broken),
      isPhase('heal'),
      stranger('worker-1', 'worker-1 could not have its port: listen EADDRINUSE'),
    ),
    verdict: 'INVALID',
    caughtBy: ['harness-healthy'],
  },
  {
    name: 'the receiver dropped callbacks of a task, and everything was well',
    history: insertBefore(webhook(calm), isPhase('heal'), dropped),
    verdict: 'INVALID',
    caughtBy: ['harness-healthy'],
  },
  {
    name: 'the receiver dropped the only callback of a task, which its client then missed',
    history: insertBefore(uncalled(webhook(calm)), isPhase('heal'), dropped),
    verdict: 'INVALID',
    caughtBy: ['harness-healthy'],
    outcomes: { lost_result: 1 },
  },
  {
    name: 'nobody measured the machine',
    history: revalue(
      polling(calm),
      'health',
      () => true,
      () => ({ machine: undefined }),
    ),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['harness-healthy'],
  },
  {
    name: 'a task is lost, and nobody measured the machine, which may have done it',
    history: revalue(
      loseTask(polling(calm), task, { taskId: `id-${task}`, found: false }),
      'health',
      () => true,
      () => ({ machine: undefined }),
    ),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['harness-healthy', 'no-lost-task'],
  },
  {
    name: 'how long processes waited is gone from the measurement of the machine',
    history: onMachine(polling(broken), { processes: [] }),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['harness-healthy'],
  },
  {
    name: 'one worker is gone from the measurement of the machine, and a task is lost',
    history: insertBefore(
      onMachine(loseTask(polling(calm), task, { taskId: `id-${task}`, found: false }), {
        processes: [{ name: 'harness', mean: 0, worst: [] }],
      }),
      isPhase('load'),
      { f: 'node', type: 'observe', at: -500, process: 'node:worker-3', value: { node: 'worker-3', state: 'ready' } },
    ),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['harness-healthy', 'no-lost-task'],
  },
  {
    name: 'the ledger lost lines',
    history: revalue(
      polling(calm),
      'health',
      () => true,
      () => ({ ledgerGaps: 2 }),
    ),
    verdict: 'INVALID',
    caughtBy: ['harness-healthy'],
  },
  {
    name: 'the ledger lost the lines of a task, and that is no system’s fault',
    history: revalue(
      rewrite(polling(calm), (op) => (op.f === 'effect' && op.task === task ? [] : [op])),
      'health',
      () => true,
      () => ({ ledgerGaps: 4 }),
    ),
    verdict: 'INVALID',
    caughtBy: ['effect-at-least-once', 'harness-healthy'],
  },
  {
    name: 'the harness did not send a task',
    history: rewrite(polling(calm), (op) => {
      if (op.task !== task || op.f === 'effect') return op.task === task ? [] : [op]
      if (op.f !== 'task') return []
      return op.type === 'invoke' ? [op] : [{ ...op, type: 'fail', value: { reason: 'not-offered' } }]
    }),
    verdict: 'INVALID',
    caughtBy: ['harness-healthy'],
    outcomes: { not_offered: 1 },
  },
  {
    name: 'the harness never recorded a task',
    history: rewrite(polling(calm), (op) => (op.task === 't-00120' ? [] : [op])),
    verdict: 'INVALID',
    caughtBy: ['harness-healthy'],
  },
  {
    name: 'the actuator is stubbed out: not applied',
    history: stubActuator(unharmed(), 'not-applied', false),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['anti-vacuity', 'fault not-applied', 'liveness-after-heal'],
  },
  {
    name: 'the fault was armed and met nothing: unexercised',
    history: stubActuator(unharmed(), 'unexercised', true),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['anti-vacuity', 'fault unexercised', 'liveness-after-heal'],
  },
  {
    name: 'the history does not mention the planned fault',
    history: rewrite(polling(broken), (op) => (op.f === 'fault' ? [] : [op])),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['anti-vacuity', 'fault skipped', 'liveness-after-heal'],
  },
  {
    name: 'the fault cannot be undone',
    history: revalue(
      polling(broken),
      'fault',
      (op) => op.value.state === 'healed',
      () => ({ state: 'leaked' }),
    ),
    verdict: 'INVALID',
    caughtBy: ['fault leaked', 'liveness-after-heal'],
  },
  {
    name: 'every result is seen before it can be there',
    history: rewrite(polling(calm), (op) => {
      if (op.f !== 'task' || op.type !== 'ok') return [op]
      return [{ ...op, at: (findTask(polling(calm), op.task!).value as TaskIntent).intendedAt + 10 }]
    }),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'one result is seen before its task was to be sent',
    history: rewrite(polling(calm), (op) =>
      op.f === 'task' && op.type === 'ok' && op.task === task ? [{ ...op, at: intentOf(task).intendedAt - 50 }] : [op],
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a result is seen before the last of its effects',
    history: rewrite(polling(broken), (op) => {
      const resumed = polling(broken).find((one) => one.f === 'effect' && one.value.attempt > 1)!.task!
      if (op.f !== 'task' || op.type !== 'ok' || op.task !== resumed) return [op]
      const { intendedAt, idealMs } = findTask(polling(broken), resumed).value as TaskIntent
      return [{ ...op, at: intendedAt + idealMs + 1 }]
    }),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a step ends before it starts',
    history: revalue(
      polling(calm),
      'effect',
      (op) => op.task === task,
      (op) => ({ endedAt: op.value.startedAt - 5 }),
      1,
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a step begins before its task was to be sent',
    history: revalue(
      polling(calm),
      'effect',
      (op) => op.task === task,
      () => ({ startedAt: intentOf(task).intendedAt - 5 }),
      1,
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'the deadlines are not those of the plan',
    history: revalue(
      polling(calm),
      'task',
      (op) => op.type === 'invoke' && op.task === task,
      (op) => ({ deadlineAt: (op.value as TaskIntent).deadlineAt + 5000 }),
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'a lost task is called cut in a cell that came to its end',
    history: revalue(
      loseTask(polling(calm), task, { taskId: `id-${task}`, found: false }),
      'task',
      (op) => op.type === 'info' && op.task === task,
      () => ({ reason: 'cut' }),
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound', 'no-lost-task'],
  },
  {
    name: 'a fault is healed before it took effect',
    history: rewrite(polling(broken), (op) =>
      op.f === 'fault' && op.value.state === 'healed' ? [{ ...op, at: 700 }] : [op],
    ),
    verdict: 'INVALID',
    caughtBy: ['record-sound'],
  },
  {
    name: 'nobody can say what became of a task',
    history: loseTask(webhook(broken), findLost(webhook(broken)), 'unreadable'),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['anti-vacuity'],
  },
  {
    name: 'the history is torn',
    history: streaming(broken).slice(0, 900),
    verdict: 'INCONCLUSIVE',
    caughtBy: [
      'anti-vacuity',
      'effect-at-least-once',
      'effect-once',
      'harness-healthy',
      'idempotency',
      'liveness-after-heal',
      'no-hang',
      'no-lost-task',
      'no-phantom',
      'record-sound',
      'result-integrity',
      'stream-continuity',
      'state-machine',
    ],
  },
]
