import { request } from 'undici'
import { HarnessError } from '../../harness/core/errors.ts'
import { sleep } from '../../patterns/contract/types/timer.ts'

export const namespace = 'outlast'
/** Answered when it knows the namespace and its parts have found each other: a task queue is another part's than the frontend. */
export const readyPath = `/api/v1/namespaces/${namespace}/task-queues/tasks`

/** The shortest that the server takes: what has ended is kept for a day. */
const retention = '86400s'
/** HTTP's status for a namespace that is there, and for a server that answers before it can do anything. */
const [alreadyThere, notYet] = [409, 503]
const askEveryMs = 100

/** Register the tasks' namespace once the server is healthy, unless it is there. Throws HarnessError if refused. */
export async function registerNamespace(controlUrl: string, signal: AbortSignal): Promise<void> {
  for (;;) {
    const { status, text } = await ask(controlUrl, signal)
    if (status < 300 || status === alreadyThere) return
    if (status !== notYet) throw new HarnessError(`Temporal registered no namespace: ${status} ${text}`)
    await sleep(askEveryMs, signal)
  }
}

async function ask(controlUrl: string, signal: AbortSignal): Promise<{ status: number; text: string }> {
  const answer = await request(`${controlUrl}/api/v1/namespaces`, {
    signal,
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ namespace, workflowExecutionRetentionPeriod: retention }),
  })
  return { status: answer.statusCode, text: await answer.body.text() }
}
