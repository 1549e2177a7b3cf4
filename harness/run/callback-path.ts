import { randomBytes } from 'node:crypto'
import { openNotify } from '../../patterns/contract/server/plugins.ts'
import type { Notify } from '../../patterns/contract/types/callback.ts'
import type { Task } from '../../patterns/contract/types/task.ts'
import type { Arrival, CallbackPath, Intercept } from '../model/callback-path.ts'
import type { SystemSpec } from './system.ts'

/** A callback as it came. */
export interface Came {
  readonly job: string
  /** Hand it to the receiver; `by`: the fault whose it is. */
  take(by?: string): number
  /** The task in it, by the receiver's clock so many seconds ahead; throws for one that is not to be believed. */
  open(aheadS: number): object
}

export interface OwnPath extends CallbackPath {
  /** The status that the sender gets. */
  pass(came: Came): Promise<number>
  /** The fault that announced a post with this mark; undefined: it is the system's. */
  byMark(mark: string | undefined): string | undefined
  /** Where the receiver takes the callbacks of a job, and who posts there: only then can a fault post anything. */
  connect(urlFor: (job: string) => string, notify: Notify): void
}

/** The way into the receiver. Callbacks pass as they came, but where a fault is in it. */
export function openPath(): OwnPath {
  const numbers = new Map<string, number>()
  const marks = new Map<string, string>()
  let post: ((task: Task, job: string, mark: string) => Promise<boolean>) | undefined
  let present: { readonly fault: string; readonly intercept: Intercept } | undefined

  function arrivalOf(came: Came, fault: string): Arrival {
    const number = (numbers.get(came.job) ?? 0) + 1
    numbers.set(came.job, number)
    let taken = false
    return {
      job: came.job,
      number,
      deliver: () => {
        const status = came.take(taken ? fault : undefined)
        taken = true
        return status
      },
      judge: (aheadS) => statusOf(() => came.open(aheadS)),
      postProgress: async () => {
        const mark = randomBytes(9).toString('base64url')
        marks.set(mark, fault)
        return (await post?.(asItRan(came.open(0) as Task), came.job, mark)) ?? false
      },
    }
  }

  return {
    pass: async (came) => (present ? present.intercept(arrivalOf(came, present.fault)) : came.take()),
    byMark: (mark) => (mark === undefined ? undefined : marks.get(mark)),
    connect: (urlFor, notify) => {
      post = async (task, job, mark) => {
        const url = `${urlFor(job)}?by=${mark}`
        const { status = 500 } = await notify({ task, url, earlier: [], manual: true })
        return status < 300
      }
    },
    intercept: (fault, intercept) => {
      if (present) throw new Error(`${present.fault} is in the way of callbacks already`)
      const own = { fault, intercept }
      present = own
      const remove = (): void => {
        if (present === own) present = undefined
      }
      return { listed: () => present === own, remove }
    },
  }
}

/** 204 for a task that is to be believed, 400 for any other. */
export function statusOf(open: () => unknown): number {
  try {
    open()
    return 204
  } catch {
    return 400
  }
}

/** The task of a callback while it still ran. */
function asItRan(ended: Task): Task {
  const { result: _, finished_at: __, ...task } = ended
  return { ...task, status: 'running', progress_pct: 50, version: Math.max(1, task.version - 1) }
}

/** Posts as the sender of this delivery does, from the harness. */
export function openFaultSender(
  address: string,
  {
    delivery,
    engine,
    token,
    timeScale,
    tuning,
  }: Pick<SystemSpec<unknown>, 'delivery' | 'engine' | 'token' | 'timeScale' | 'tuning'>,
): Promise<Notify> {
  const host = new URL(`http://${address}`).hostname.replaceAll(/[[\]]/g, '')
  const listen = { host, port: 1 }
  const webhookAllow = [`${host}/${host.includes(':') ? 128 : 32}`]
  return openNotify({ node: 'fault', listen, delivery, engine: engine.name, timeScale, tuning, token, webhookAllow })
}
