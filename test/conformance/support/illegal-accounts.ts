import { operator } from '../../../patterns/contract/types/principal.ts'
import type { IllegalServer } from './illegal-server.ts'
import { anybody, isAccount, isTopUp, withHeader, withJson } from './wrong-answers.ts'
import type { Answered, Asked, Wrong } from './wrong-proxy.ts'

/** Servers that break one sentence about accounts. */

type Data = Readonly<Record<string, number>>

/** What the other cases use, and so much more that a few dozen tasks use it up. */
export const enough = { [operator]: 300 }
const plenty = { [operator]: 1_000_000 }

const isBalance = (answered: Answered, asked: Asked): boolean =>
  (isAccount(asked) || isTopUp(asked)) && answered.status === 200

/** Each balance is shown as another one. */
function shown(change: (balance: Data) => object): () => Wrong {
  return () => ({
    answer: (answered, asked) => (isBalance(answered, asked) ? withJson(answered, change as never) : {}),
  })
}

function topUps(change: (asked: Asked) => Partial<Asked>): () => Wrong {
  return () => ({ ask: (asked) => (isTopUp(asked) ? change(asked) : {}) })
}

/** A top-up that is refused so is answered with the last balance that was shown. */
function taken(status: number): Wrong {
  let last: Answered | undefined
  return {
    answer: (answered, asked) => {
      if (isBalance(answered, asked)) last = answered
      return isTopUp(asked) && answered.status === status && last ? last : {}
    },
  }
}

/** Those that are to wake who waits add a credit, whatever they say; also those of the second try that a starved case has. */
function losesThose(): Wrong {
  return {
    ask: (asked) => {
      const isOne = isTopUp(asked) && /waits/.test(asked.body) && /"credits":\d\d/.test(asked.body)
      return isOne ? { body: asked.body.replace(/"credits":\d+/, '"credits":1') } : {}
    },
  }
}

const servers: readonly IllegalServer[] = [
  { name: 'an account that anybody may see', wrong: anybody(isAccount), caughtBy: ['accounts/unknown'] },
  { name: 'an account that anybody may top up', wrong: anybody(isTopUp), caughtBy: ['accounts/unknown'] },
  {
    name: 'an empty account of nobody',
    wrong: () => ({
      answer: ({ status }, asked) => {
        if (!isAccount(asked) || status !== 404) return {}
        const body = JSON.stringify({ principal: 'nobody', credits: 0, held: 0, spent: 0 })
        return { status: 200, headers: { 'content-type': 'application/json', 'cache-control': 'no-store' }, body }
      },
    }),
    caughtBy: ['accounts/unknown'],
  },
  {
    name: 'a balance that caches may keep',
    wrong: () => ({
      answer: (answered, asked) => (isAccount(asked) ? withHeader(answered, 'cache-control', 'max-age=60') : {}),
    }),
    caughtBy: ['accounts/shown'],
  },
  {
    name: 'an account of somebody else',
    wrong: shown(() => ({ principal: 'somebody' })),
    caughtBy: ['accounts/shown'],
  },
  {
    name: 'what is spent, counted by halves',
    wrong: shown(({ credits, spent }) => ({
      credits: credits! + Math.ceil(spent! / 2),
      spent: Math.floor(spent! / 2),
    })),
    caughtBy: ['accounts/paid'],
  },
  {
    name: 'credits that come back when they are spent',
    wrong: shown(({ credits, spent }) => ({ credits: credits! + spent! })),
    caughtBy: ['accounts/paid', 'accounts/waits'],
  },
  {
    name: 'a top-up that adds as often as it comes',
    wrong: () => {
      let times = 0
      return topUps(({ body }) => ({ body: body.replace(/"id":"([\w-]+)"/, `"id":"$1-${++times}"`) }))()
    },
    caughtBy: ['accounts/adds', 'accounts/once'],
  },
  {
    name: 'a repetition of a top-up that is none',
    wrong: () => ({
      answer: (answered, asked) => (isTopUp(asked) ? withHeader(answered, 'command-replayed', undefined) : {}),
    }),
    caughtBy: ['accounts/adds'],
  },
  { name: 'the id of a top-up that covers any amount', wrong: () => taken(422), caughtBy: ['accounts/adds'] },
  {
    name: 'a top-up of any media type',
    wrong: topUps(({ headers }) => ({ headers: { ...headers, 'content-type': 'application/json' } })),
    caughtBy: ['accounts/refused'],
  },
  { name: 'a top-up of whatever it may be', wrong: () => taken(400), caughtBy: ['accounts/refused'] },
  {
    name: 'a few credits that are not worth to be added',
    wrong: topUps(({ body }) => ({ body: body.replace(/"credits":[2-4]\}/, '"credits":1}') })),
    caughtBy: ['accounts/adds', 'accounts/once'],
  },
  { name: 'a top-up that is acknowledged and lost', wrong: losesThose, caughtBy: ['accounts/waits'] },
  {
    name: 'an account that stops nobody',
    balances: plenty,
    wrong: shown(({ credits }) => ({ credits: Math.max(0, credits! - plenty[operator]! + enough[operator]!) })),
    caughtBy: ['accounts/waits'],
  },
  {
    name: 'a task that does not say which credits it wants',
    wrong: () => ({
      answer: ({ body }) =>
        body.includes('balance-exhausted') ? { body: body.replaceAll('balance-', 'budget-') } : {},
    }),
    caughtBy: ['accounts/waits'],
  },
]

export const illegalAccounts = servers.map((one) => ({ balances: enough, ...one }))
