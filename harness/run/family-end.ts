import { problemOf } from '../../patterns/contract/client/meaning.ts'
import { commonHeaders, exchange, jsonOf, taskAddress } from '../../patterns/contract/client/http.ts'
import type { Talk } from '../../patterns/contract/client/talk.ts'
import { isTerminal, type TaskStatus } from '../../patterns/contract/types/task.ts'
import { sleep } from '../../patterns/contract/types/timer.ts'

/** An event as an API showed it: what it holds is the system's own word. */
type Shown = { readonly type?: unknown; readonly status?: unknown; readonly data?: { readonly sub_task?: unknown } }

/** Ids of the sub-tasks that a log says were started. */
export function subTasksIn(log: readonly Readonly<Record<string, unknown>>[]): readonly string[] {
  return (log as readonly Shown[]).flatMap(({ type, data }) =>
    type === 'task.spawned' && typeof data?.sub_task === 'string' ? data.sub_task : [],
  )
}

/** Real milliseconds: what a probe sees is no finer, and it must not be a load. */
const pauseMs = 300

/**
 * Until a task and all below it have ended. One that no node knows was named by its parent, and never started. Rejects where
 * that was not seen in time.
 */
export async function untilFamilyEnded(talk: Talk, taskId: string): Promise<void> {
  const log = await untilEnded(talk, taskId)
  await Promise.all(subTasksIn(log).map((below) => untilFamilyEnded(talk, below)))
}

async function untilEnded(talk: Talk, taskId: string): Promise<readonly Readonly<Record<string, unknown>>[]> {
  for (;;) {
    const answers = await Promise.all(talk.ports.apis.map(({ url }) => readLog(talk, url, taskId)))
    const ended = answers.find((log) => log && log !== 'unknown' && isTerminal(log.at(-1)?.['status'] as TaskStatus))
    if (ended) return ended as readonly Readonly<Record<string, unknown>>[]
    if (answers.every((log) => log === 'unknown')) return []
    await sleep(pauseMs, talk.signal)
  }
}

/** Undefined: no answer that says anything. */
async function readLog(talk: Talk, api: string, taskId: string) {
  const { ports, signal, timing } = talk
  const headers = { ...commonHeaders(talk), accept: 'application/json' }
  const call = { method: 'GET', url: `${taskAddress(api, taskId)}/events?after=0`, headers } as const
  const answer = await exchange(ports.dispatcher, call, timing.requestTimeoutMs, signal).catch(() => undefined)
  signal.throwIfAborted()
  if (answer?.status === 404 && problemOf(answer)) return 'unknown' as const
  if (answer?.status !== 200) return undefined
  return (jsonOf(answer) as { readonly events?: readonly Readonly<Record<string, unknown>>[] }).events
}
