import type { FaultChange, Op, OpOf } from '../../harness/model/history.ts'
import type { PlannedFault } from '../../harness/model/plan.ts'
import { type Draft, insertBefore, isPhase, revalue, rewrite } from './mutations.ts'
import { broken, calm, type Mutant, polling, webhook } from './worlds.ts'
import { keptFor, lose, under } from './wrong-excuses.ts'

const task = 't-00040'
const killed = polling(broken)
const isIn = (state: FaultChange['state']) => (op: OpOf<'fault'>) => op.value.state === state

/** The kill's line of this state, and one more of another state beside it. */
function also(state: FaultChange['state']): Op[] {
  return rewrite(killed, (op) => {
    if (op.f !== 'fault' || !isIn('proven')(op)) return [op]
    const { index: _, ...rest } = op
    return [op, { ...rest, value: { ...op.value, state, reason: 'edited' } }]
  })
}

/** The plan of the kill otherwise. */
function planned(over: Partial<PlannedFault>): Op[] {
  return revalue(
    killed,
    'cell',
    () => true,
    ({ value }) => ({ faults: value.faults.map((fault) => ({ ...fault, ...over })) }),
  )
}

const api = (i: number) => ({ link: `client->api-${i}` })
/** Three results are lost on other API nodes than the one that cannot be reached. */
const refused = under(
  lose(polling(calm), 3, (ordinal) => ordinal > 30 && ordinal % 4 !== 0, keptFor),
  { fault: 'refuse', on: 'client->api-0', from: 900, to: 8000 },
)

/** One more callback of that task, as a fault is said to have made it. */
function made(history: readonly Op[], value: object, afterMs = 0.2): Op[] {
  return rewrite(history, (op) => {
    if (op.f !== 'callback' || op.task !== task) return [op]
    const { index: _, ...rest } = op
    return [op, { ...rest, at: op.at + afterMs, value: { ...op.value, by: 'nobody-1#1', ...value } }]
  })
}

const duplicated = under(webhook(calm), {
  fault: 'callback-duplicate',
  on: 'sender->receiver-0',
  from: 0,
  to: 2500,
})
const by = 'callback-duplicate-9#1'

const third = polling(calm).find(
  (op): op is OpOf<'effect'> => op.f === 'effect' && op.task === task && op.value.step === 3,
)!.value

/** The third step of that task is done again at once, and everything after it comes so much later. */
function again(): Op[] {
  const laterMs = 300
  return rewrite(polling(calm), (op) => {
    if (op.task !== task || op.at <= third.endedAt - 1) return [op]
    if (op.f !== 'effect') return op.f === 'task' || op.f === 'poll' ? [{ ...op, at: op.at + laterMs }] : [op]
    const { index: _, ...rest } = op
    const [startedAt, endedAt] = [op.value.startedAt + laterMs, op.value.endedAt + laterMs]
    const moved = { ...op.value, attempt: 2, startedAt, endedAt }
    if (op.value.step === 4) return [{ ...op, at: op.at + laterMs, value: moved }]
    const repeated = { ...moved, executor: 'worker-0', startedAt: third.endedAt + 20, endedAt: third.endedAt + 270 }
    return [op, { ...rest, at: third.endedAt + 270, value: repeated }]
  })
}

const gone: Draft<'node'> = {
  f: 'node',
  type: 'observe',
  at: third.endedAt - 5,
  process: `node:${third.executor}`,
  value: { node: third.executor, state: 'exited', signal: 'SIGKILL' },
}

const invalid = { verdict: 'INVALID', caughtBy: ['record-sound'] } as const

/** Records of faults, and of what they did, that cannot be: each excuses something, or takes it away. */
export const wrongFaultRecords: readonly Mutant[] = [
  ...(['lost', 'unexercised', 'not-applied', 'skipped'] as const).map((state) => {
    return { name: `a kill is proven and ${state}`, history: also(state), ...invalid, caughtBy: caughtAs(state) }
  }),
  {
    name: 'a kill is proven, and nothing felt it',
    history: revalue(killed, 'fault', isIn('proven'), () => ({ firings: 0 })),
    ...invalid,
  },
  {
    name: 'a kill is healed twice',
    history: rewrite(killed, (op) => {
      if (op.f !== 'fault' || !isIn('healed')(op)) return [op]
      const { index: _, ...rest } = op
      return [op, { ...rest, at: op.at + 3000 }]
    }),
    ...invalid,
  },
  {
    name: 'a kill takes effect, and a pause is proven',
    history: revalue(killed, 'fault', isIn('proven'), () => ({ fault: 'pause' })),
    ...invalid,
  },
  {
    name: 'a fault reached links that it was not on, where results were lost',
    history: revalue(refused, 'fault', isIn('proven'), () => ({ reached: [0, 1, 2, 3].map(api) })),
    ...invalid,
  },
  {
    name: 'a fault was on more links in the end than when it took effect, and results were lost there',
    history: revalue(refused, 'fault', isIn('healed'), () => ({ target: [0, 1, 2, 3].map(api) })),
    ...invalid,
  },
  {
    name: 'a kill was planned on another executor',
    history: planned({ target: { kind: 'node', role: 'executor', ordinal: 3 } }),
    ...invalid,
  },
  {
    name: 'a kill was planned on a store, and an executor ended',
    history: planned({ target: { kind: 'node', role: 'store', ordinal: 0 } }),
    ...invalid,
  },
  {
    name: 'a kill takes effect before the step that sets it off',
    history: planned({ trigger: { kind: 'step', task: 100, step: 4, delayMs: 0, withinMs: 1e5 } }),
    ...invalid,
  },
  {
    name: 'a kill takes effect before the acceptance that sets it off',
    history: planned({ trigger: { kind: 'accepted', task: 100, delayMs: 5, withinMs: 1e5, windowMs: 20 } }),
    ...invalid,
  },
  {
    name: 'a kill is over three seconds after its node was back',
    history: rewrite(killed, (op) => (op.f === 'fault' && isIn('healed')(op) ? [{ ...op, at: op.at + 3000 }] : [op])),
    ...invalid,
  },
  {
    name: 'two kills are planned under one id, and one is carried out',
    history: revalue(
      killed,
      'cell',
      () => true,
      ({ value }) => ({ faults: [...value.faults, { ...value.faults[0]!, trigger: { kind: 'time', atMs: 2500 } }] }),
    ),
    ...invalid,
  },
]

/** What never was proven counts as that, too. */
function caughtAs(state: 'lost' | 'unexercised' | 'not-applied' | 'skipped'): readonly string[] {
  return ['record-sound', `fault ${state}`]
}

/** Callbacks that are said to be a fault's, and are judged by nobody then. */
export const wrongImposed: readonly Mutant[] = [
  {
    name: 'a callback under another id is a fault’s that nobody planned',
    history: made(webhook(calm), { deliveryId: 'other' }),
    ...invalid,
  },
  {
    name: 'a callback with a wrong result is a fault’s that nobody planned',
    history: made(webhook(calm), { digest: 'wrong' }),
    ...invalid,
  },
  {
    name: 'a callback is a fault’s that was on no way of callbacks',
    history: made(under(webhook(calm), { fault: 'stall', on: 'client->api-0', from: 0, to: 2500 }), {
      by: 'stall-9#1',
    }),
    ...invalid,
  },
  {
    name: 'a callback with a wrong result is a copy of one with a right one',
    history: made(duplicated, { by, digest: 'wrong' }),
    ...invalid,
  },
  {
    name: 'a callback is a fault’s that was over ten seconds before',
    history: made(duplicated, { by }, 15_000),
    ...invalid,
  },
]

/** A copy that the fault can have made. */
export const copied = made(duplicated, { by })

/** Ends of nodes that excuse a repetition, and that nothing explains. */
export const wrongExits: readonly Mutant[] = [
  {
    name: 'a step is done again, and its worker ended, which works on',
    history: insertBefore(again(), isPhase('heal'), gone),
    ...invalid,
  },
  {
    name: 'a step is done again, and its worker was held down for a moment by no fault',
    history: insertBefore(again(), isPhase('heal'), gone, {
      ...gone,
      at: gone.at + 40,
      value: { node: third.executor, state: 'ready' },
    }),
    ...invalid,
  },
]
