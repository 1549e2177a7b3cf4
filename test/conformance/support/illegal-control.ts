import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import type { IllegalServer } from './illegal-server.ts'
import {
  anybody,
  isCancel,
  isCommand,
  isContext,
  isPage,
  isSubmission,
  problem,
  withHeader,
  withJson,
} from './wrong-answers.ts'
import type { Answered, Asked, Wrong } from './wrong-proxy.ts'

/** Servers that break one sentence about commands, memories or budgets. */

type Data = Readonly<Record<string, unknown>>

const acknowledge = (body: string, replayed: boolean, place: string): Answered => {
  const { id, type } = JSON.parse(body) as Data
  const ack = { id, type, task_id: /tasks\/([^/]+)/.exec(place)?.[1], replayed }
  const headers = { 'content-type': 'application/json', 'cache-control': 'no-store' }
  return {
    status: 202,
    headers: { ...headers, ...(replayed && { 'command-replayed': 'true' }) },
    body: JSON.stringify(ack),
  }
}

/** A command that is refused so is acknowledged, and nothing comes of it. */
function taken(status: number, of: (answered: Answered) => boolean = () => true): () => Wrong {
  return () => ({
    answer: (answered, asked) => {
      const isTaken = isCommand(asked) && answered.status === status && of(answered)
      return isTaken && asked.body.startsWith('{"id"') ? acknowledge(asked.body, status === 422, asked.path) : {}
    },
  })
}

/** What a log says of a task, in pages. */
function pages(change: (events: readonly TaskEvent[]) => readonly object[]): () => Wrong {
  return () => ({
    answer: (answered, asked) => {
      if (!isPage(asked) || answered.status !== 200) return {}
      return withJson(answered, ({ events }) => ({ events: change(events as TaskEvent[]) }))
    },
  })
}

const withData = (of: (event: TaskEvent) => boolean, change: (data: Data) => object): (() => Wrong) =>
  pages((events) =>
    events.map((event) => (of(event) ? { ...event, data: { ...event.data, ...change(event.data) } } : event)),
  )

/** The records of the first two commands of a page, each in the place of the other, where the first is an interruption. */
function swapped(events: readonly TaskEvent[]): readonly TaskEvent[] {
  const [first, second] = events.filter(({ type }) => type === 'task.commanded')
  if (!first || !second || (first.data['command'] as Data)['type'] !== 'interrupt') return events
  return events.map((event) => {
    if (event === first) return { ...event, data: second.data }
    return event === second ? { ...event, data: first.data } : event
  })
}

function asksFor(pattern: RegExp, other: string): () => Wrong {
  return () => ({ ask: ({ body }) => ({ body: body.replace(pattern, other) }) })
}

/** The first memory that was shown of a task is shown again and again. */
function staleMemory(): Wrong {
  const first = new Map<string, Answered>()
  return {
    answer: (answered, asked) => {
      if (!isContext(asked) || asked.path.includes('?') || answered.status !== 200) return {}
      const known = first.get(asked.path) ?? answered
      first.set(asked.path, known)
      return known
    },
  }
}

/** Of cases that wait for the answer to a command that is whole. */
const everyAnswer = [
  'commands/acknowledged',
  'commands/answered',
  'commands/cancelled',
  'commands/once',
  'commands/order',
]

export const illegalControl: readonly IllegalServer[] = [
  { name: 'commands that anybody may give', wrong: anybody(isCommand), caughtBy: ['problems/callers'] },
  { name: 'a memory that anybody may read', wrong: anybody(isContext), caughtBy: ['problems/callers'] },
  {
    name: 'commands that are acknowledged and forgotten',
    wrong: () => ({
      ask: (asked: Asked) => {
        const isWhole = isCommand(asked) && /^\{"id":"[\w-]{1,64}","type":"(?:interrupt|resume|steer)"/.test(asked.body)
        const isKnown = asked.headers.authorization !== undefined && !asked.body.includes('"more"')
        return isWhole && isKnown ? acknowledge(asked.body, false, asked.path) : {}
      },
    }),
    caughtBy: [
      ...everyAnswer,
      'budget/waits',
      'commands/ended',
      'commands/malformed',
      'commands/steer',
      'sub-tasks/cancelled-later',
    ],
  },
  {
    name: 'a repetition of a command that is none',
    wrong: () => ({
      answer: (answered, asked) => {
        if (!isCommand(asked) || answered.status !== 202) return {}
        return {
          ...withHeader(answered, 'command-replayed', undefined),
          ...withJson(answered, () => ({ replayed: false })),
        }
      },
    }),
    caughtBy: ['commands/once'],
  },
  {
    name: 'an id that covers any command',
    wrong: taken(422),
    caughtBy: ['commands/once'],
  },
  { name: 'commands whose records have changed places', wrong: pages(swapped), caughtBy: ['commands/order'] },
  {
    name: 'answers that do not say to what',
    wrong: withData(
      ({ type }) => type === 'task.command_void',
      () => ({ command: undefined }),
    ),
    caughtBy: ['budget/waits', 'commands/answered', 'commands/steer'],
  },
  {
    name: 'commands that are taken after the end',
    wrong: taken(409, ({ body }) => body.includes('completed')),
    caughtBy: ['commands/answered', 'commands/ended'],
  },
  {
    name: 'commands that are taken after a cancellation',
    wrong: taken(409, ({ body }) => body.includes('cancel')),
    caughtBy: ['commands/cancelled'],
  },
  {
    name: 'a cancellation that waits for the agent to go on',
    wrong: () => {
      const stopped = new Set<string>()
      const taskIn = ({ path }: Asked): string => /tasks\/([^/:?]+)/.exec(path)?.[1] ?? ''
      return {
        ask: (asked) => {
          if (isCommand(asked) && asked.body.includes('"interrupt"')) stopped.add(taskIn(asked))
          if (isCommand(asked) && asked.body.includes('"resume"')) stopped.delete(taskIn(asked))
          const isLost = isCancel(asked) && stopped.has(taskIn(asked))
          return isLost ? { status: 202, headers: { 'content-type': 'application/json' }, body: '{}' } : {}
        },
      }
    },
    caughtBy: ['commands/cancelled'],
  },
  {
    name: 'a top-up where there is no budget',
    wrong: taken(400, ({ body }) => body.includes('no budget')),
    caughtBy: ['budget/none'],
  },
  {
    name: 'commands that may have any field',
    wrong: () => ({ ask: (asked) => (isCommand(asked) ? { body: asked.body.replace(',"more":1', '') } : {}) }),
    caughtBy: ['commands/malformed'],
  },
  { name: 'a memory that is shown as it was', wrong: staleMemory, caughtBy: ['commands/steer', 'context/fold'] },
  {
    name: 'patches with the digest of another document',
    wrong: withData(
      ({ type, data }) => type === 'context.patch' && data['version'] === 2,
      () => ({ digest: '0'.repeat(64) }),
    ),
    caughtBy: ['context/fold'],
  },
  {
    name: 'patches on the wrong base',
    wrong: withData(
      ({ type }) => type === 'context.patch',
      ({ base }) => ({ base: Number(base) - 1 }),
    ),
    caughtBy: ['context/fold'],
  },
  {
    name: 'versions from the future that have no patches',
    wrong: () => ({
      answer: ({ status }, asked) => {
        const headers = { 'content-type': 'application/json' }
        const isFuture = isContext(asked) && status === 400 && asked.path.includes('after=999999')
        return isFuture ? { status: 200, headers, body: '{"base":999999,"patches":[]}' } : {}
      },
    }),
    caughtBy: ['context/versions'],
  },
  {
    name: 'an empty memory where there is none',
    wrong: () => ({
      answer: ({ status, body }, asked) => {
        const isNone = isContext(asked) && status === 404 && body.includes('no memory')
        const headers = { 'content-type': 'application/json' }
        return isNone ? { status: 200, headers, body: '{"version":1,"document":{}}' } : {}
      },
    }),
    caughtBy: ['context/versions'],
  },
  {
    name: 'a memory that is cut off where it is too large',
    wrong: asksFor(/"memory":\{"text":"x+"\}/, '"memory":{}'),
    caughtBy: ['context/refused'],
  },
  {
    name: 'a budget of any size',
    wrong: asksFor(/"credits":1000000001\b/, '"credits":1000000000'),
    caughtBy: ['budget/refused'],
  },
  {
    name: 'a budget that is shown as another one',
    wrong: () => ({
      answer: (answered) => ({
        body: answered.body.replace(
          /"credits_granted":(\d+)/,
          (_, credits) => `"credits_granted":${Number(credits) + 7}`,
        ),
      }),
    }),
    caughtBy: ['budget/covers', 'budget/waits'],
  },
  {
    name: 'commands whose ids may begin with a dot',
    wrong: asksFor(/"id":"\.x"/, '"id":"x"'),
    caughtBy: ['commands/malformed'],
  },
  {
    name: 'a budget that is only counted',
    wrong: asksFor(/"budget":\{"credits":(\d+),/, '"budget":{"credits":1000000,'),
    caughtBy: ['budget/covers', 'budget/fails', 'budget/waits'],
  },
  {
    name: 'a budget that is rounded down',
    wrong: () => ({
      ask: (asked) => {
        if (!isSubmission(asked)) return {}
        const body = asked.body.replace(/"credits":(\d+),"on/, (_, credits) => `"credits":${Number(credits) - 1},"on`)
        return { body: body.replace('"credits":0', '"credits":1') }
      },
    }),
    caughtBy: ['budget/covers', 'budget/refused', 'budget/waits'],
  },
  {
    name: 'a task that waits where it is to fail',
    wrong: asksFor(/"on_exhausted":"fail"/, '"on_exhausted":"wait"'),
    caughtBy: ['budget/fails'],
  },
  {
    name: 'a top-up that adds nothing to speak of',
    wrong: () => ({
      ask: (asked) => {
        const isMore = isCommand(asked) && asked.body.includes('"top_up","credits":1}')
        return isMore ? problem(400, 'validation') : {}
      },
    }),
    caughtBy: ['budget/waits'],
  },
  {
    name: 'sockets that acknowledge no command',
    delivery: 'websocket',
    wrong: () => ({ socket: { hear: (said) => (said.includes('"command.ack"') ? undefined : said) } }),
    caughtBy: ['sockets/commands'],
  },
  {
    name: 'sockets that take another command for a repetition',
    delivery: 'websocket',
    wrong: () => ({
      socket: {
        hear: (said) => {
          const isOther = said.includes('command-id-reused')
          return isOther ? JSON.stringify({ type: 'command.ack', id: 'stop', replayed: true }) : said
        },
      },
    }),
    caughtBy: ['sockets/commands'],
  },
]
