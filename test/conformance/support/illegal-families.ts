import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import type { IllegalServer } from './illegal-server.ts'
import { anybody, isCancel, isPage, isRead, problem, withJson } from './wrong-answers.ts'
import type { Answered, Asked, Wrong } from './wrong-proxy.ts'

/** Servers that break one sentence about sub-tasks. The reference server's have a dot in their ids, and no other task has. */

type Data = Readonly<Record<string, unknown>>

const isBelow = ({ path }: Asked): boolean => /\/tasks\/[^/?]*\./.test(path)

/** The log of each task that starts others. */
const named = (change: (spawned: readonly TaskEvent[]) => readonly object[]): (() => Wrong) =>
  pages((events) => {
    const spawned = events.filter(({ type }) => type === 'task.spawned')
    const changed = change(spawned)
    return events.map((event) => changed[spawned.indexOf(event)] ?? event)
  })

function pages(change: (events: readonly TaskEvent[]) => readonly object[]): () => Wrong {
  return () => ({
    answer: (answered, asked) => {
      if (!isPage(asked) || answered.status !== 200) return {}
      return withJson(answered, ({ events }) => ({ events: change(events as TaskEvent[]) }))
    },
  })
}

const withData = (change: (data: Data) => object) =>
  named((events) => events.map((event) => ({ ...event, data: { ...event.data, ...change(event.data) } })))

/** The state of each sub-task. */
function below(change: (task: Data) => object): () => Wrong {
  return () => ({
    answer: (answered, asked) =>
      isBelow(asked) && isRead(asked) && answered.status === 200 ? withJson(answered, change) : {},
  })
}

type Seem = (answered: Answered, asked: Asked) => Partial<Answered>

/** Where the task above has ended, or has not, when it is cancelled, those below it seem to go on otherwise. */
function otherEnds(status: 200 | 202, seeming: () => Seem): () => Wrong {
  return () => {
    const cancelled = new Set<string>()
    const seem = seeming()
    return {
      answer: (answered, asked) => {
        const [, root = '', sub] = /\/tasks\/([^/?:.]+)(\.[^/?:]+)?/.exec(asked.path) ?? []
        if (isCancel(asked) && !sub && answered.status === status) cancelled.add(root)
        return sub && cancelled.has(root) ? seem(answered, asked) : {}
      },
    }
  }
}

function asCompleted(): Seem {
  return ({ body }) => ({
    body: body.replaceAll('"cancelled"', '"completed"').replaceAll('task.cancelled', 'task.completed'),
  })
}

/** Whenever it is asked for it has done another step. */
function asAtWork(): Seem {
  let last: TaskEvent | undefined
  return ({ body }, asked) => {
    if (!isPage(asked)) return {}
    const { events = [] } = JSON.parse(body) as { readonly events?: readonly TaskEvent[] }
    const shown = events.filter(({ type }) => !type.includes('cancel'))
    last = shown.at(-1) ?? last
    const seq = Math.max(last!.seq, Number(/after=(\d+)/.exec(asked.path)![1])) + 1
    const step = { ...last, seq, type: 'task.progress', status: 'running' }
    return { status: 200, body: JSON.stringify({ events: [...shown, step] }) }
  }
}

export const illegalFamilies: readonly IllegalServer[] = [
  {
    name: 'a log that names a sub-task twice',
    wrong: named((spawned) => spawned.map((event) => ({ ...event, data: spawned[0]!.data }))),
    caughtBy: ['sub-tasks/named'],
  },
  {
    name: 'sub-tasks of no step',
    wrong: withData(() => ({ step: undefined })),
    caughtBy: ['sub-tasks/named'],
  },
  {
    name: 'sub-tasks that were asked for nothing',
    wrong: withData(() => ({ input: undefined })),
    caughtBy: ['sub-tasks/named'],
  },
  {
    name: 'a task that waits for its sub-tasks in another state',
    wrong: named((spawned) => spawned.map((event) => ({ ...event, status: 'queued' }))),
    caughtBy: ['sub-tasks/named'],
  },
  { name: 'sub-tasks of nobody', wrong: below(() => ({ parent: undefined })), caughtBy: ['sub-tasks/resource'] },
  {
    name: 'sub-tasks of another task',
    wrong: below(({ parent }) => ({ parent: `${String(parent)}0` })),
    caughtBy: ['sub-tasks/resource'],
  },
  {
    name: 'sub-tasks whose logs begin when they run',
    wrong: () => ({
      answer: (answered, asked) => {
        if (!isBelow(asked) || !isPage(asked) || answered.status !== 200) return {}
        return withJson(answered, ({ events }) => ({
          events: (events as TaskEvent[]).filter(({ type }) => type !== 'task.created'),
        }))
      },
    }),
    caughtBy: ['sub-tasks/resource'],
  },
  { name: 'sub-tasks that anybody may read', wrong: anybody(isBelow), caughtBy: ['sub-tasks/resource'] },
  {
    name: 'sub-tasks that nobody can read',
    wrong: () => ({ ask: (asked) => (isBelow(asked) ? problem(404, 'not-found') : {}) }),
    caughtBy: ['sub-tasks/resource'],
  },
  {
    name: 'a cancellation that those below do not hear of',
    wrong: otherEnds(202, asAtWork),
    caughtBy: ['sub-tasks/cancelled'],
  },
  {
    name: 'a cancellation that completes those below',
    wrong: otherEnds(202, asCompleted),
    caughtBy: ['sub-tasks/cancelled'],
  },
  {
    name: 'a cancellation after the end that nobody below hears of',
    wrong: otherEnds(200, asAtWork),
    caughtBy: ['sub-tasks/cancelled-later'],
  },
  {
    name: 'a cancellation after the end that changes it',
    wrong: () => ({
      answer: (answered, asked) => {
        if (!isCancel(asked) || isBelow(asked) || answered.status !== 200) return {}
        return answered.body.includes('recursive') ? withJson(answered, () => ({ status: 'cancelled' })) : {}
      },
    }),
    caughtBy: ['sub-tasks/cancelled-later'],
  },
  {
    name: 'too many that are a failure without a reason',
    wrong: () => ({ answer: ({ body }) => ({ body: body.replaceAll('spawn-width-exceeded', 'the executor failed') }) }),
    caughtBy: ['sub-tasks/too-many'],
  },
  {
    name: 'too many of which some are started',
    wrong: pages((events) =>
      events.flatMap((event) => {
        if (!JSON.stringify(event).includes('spawn-width')) return [event]
        const data = { sub_task: `${event.task_id}.2-1`, step: 2, input: {} }
        return [
          { ...event, type: 'task.spawned', status: 'running', data },
          { ...event, seq: event.seq + 1 },
        ]
      }),
    ),
    caughtBy: ['sub-tasks/too-many'],
  },
]
