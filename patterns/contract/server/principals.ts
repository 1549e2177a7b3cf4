import { hash } from 'node:crypto'
import type { Context } from 'hono'
import type { Backend, Deliveries, ShownAccounts } from '../engine/backend.ts'
import { withoutGrant } from '../types/granted.ts'
import { operator, ownerOf } from '../types/principal.ts'
import type { TaskEvent } from '../types/events.ts'
import type { NodeSettings } from '../types/settings.ts'

/** The engine as the sender of a request sees it. */
export type SeenBy = (c: Context) => Backend

/**
 * What callers see of an engine: no grants, and where there are several principals, of each only its own tasks. It is the only
 * way from the API to the engine, so that no handler can forget to ask whose a task is.
 */
export function openViews(backend: Backend, { jwt }: NodeSettings): SeenBy {
  const shown = withoutGrants(backend)
  const known = new Owners()
  return jwt ? (c) => ownTasks(shown, c.get('caller')!.principal, known) : () => shown
}

/** What an executor may spend is for no client's eyes. */
function withoutGrants(backend: Backend): Backend {
  return {
    ...backend,
    events: async (taskId, after) => (await backend.events(taskId, after))?.map(withoutGrant),
    follow: (taskId, after, signal) => mapEvents(backend.follow(taskId, after, signal)),
  }
}

async function* mapEvents(events: AsyncIterable<TaskEvent>): AsyncGenerator<TaskEvent> {
  for await (const event of events) yield withoutGrant(event)
}

/** Whose tasks are: that never changes, so it is asked once. */
class Owners {
  readonly #owners = new Map<string, string>()
  readonly #most = 10_000

  knows(taskId: string, principal: string): boolean {
    return this.#owners.get(taskId) === principal
  }

  learn(taskId: string, principal: string): void {
    this.#owners.set(taskId, principal)
    if (this.#owners.size > this.#most) this.#owners.delete(this.#owners.keys().next().value!)
  }
}

/**
 * A task of another principal is unknown, and found to be so by the same read as one that does not exist. Every operation
 * is named: a new one of the port is none here until somebody has thought of whose it is.
 */
function ownTasks(backend: Backend, principal: string, owners: Owners): Backend {
  const read: Backend['read'] = async (taskId) => {
    const task = await backend.read(taskId)
    if (!task || ownerOf(task) !== principal) return undefined
    owners.learn(taskId, principal)
    return task
  }
  const isOwn = async (taskId: string): Promise<boolean> =>
    owners.knows(taskId, principal) || (await read(taskId)) !== undefined
  return {
    submit: (submission) => backend.submit({ ...submission, key: keyOf(principal, submission.key) }),
    read,
    events: async (taskId, after) => ((await isOwn(taskId)) ? backend.events(taskId, after) : undefined),
    follow: async function* (taskId, after, signal) {
      if (await isOwn(taskId)) yield* backend.follow(taskId, after, signal)
    },
    cancel: async (taskId) => ((await isOwn(taskId)) ? backend.cancel(taskId) : undefined),
    ...(backend.command && {
      command: async (taskId, command) => ((await isOwn(taskId)) ? backend.command!(taskId, command) : undefined),
    }),
    ...(backend.accounts && { accounts: ownAccounts(backend.accounts, principal) }),
    ...(backend.deliveries && { deliveries: ownDeliveries(backend.deliveries, principal, isOwn) }),
    [Symbol.asyncDispose]: () => backend[Symbol.asyncDispose](),
  }
}

function ownDeliveries(
  deliveries: Deliveries,
  principal: string,
  isOwn: (taskId: string) => Promise<boolean>,
): Deliveries {
  return {
    ofTask: async (taskId) => ((await isOwn(taskId)) ? deliveries.ofTask(taskId) : undefined),
    list: (filter) => deliveries.list({ ...filter, principal }),
    replay: async (taskId) => (await isOwn(taskId)) && deliveries.replay(taskId),
  }
}

/** Another one's account is unknown, as one that does not exist. */
function ownAccounts(accounts: ShownAccounts, caller: string): ShownAccounts {
  if (caller === operator) return accounts
  return {
    read: async (principal) => (principal === caller ? accounts.read(principal) : undefined),
    topUp: async () => 'unknown',
  }
}

/** Two principals may choose one key. No client's key has a space, so none is that of another one; the operator's stay as they are. */
function keyOf(principal: string, key: string): string {
  return principal === operator ? key : `${hash('sha256', principal, 'hex')} ${key}`
}
