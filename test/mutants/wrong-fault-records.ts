import type { Op } from '../../harness/model/history.ts'
import { rewrite } from './mutations.ts'
import { calm, type Mutant, webhook } from './worlds.ts'
import { under } from './wrong-excuses.ts'

const task = 't-00040'

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

const invalid = { verdict: 'INVALID', caughtBy: ['record-sound'] } as const

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
