import { JobFailed } from './client.ts'
import { exchange, type Answer, type Call } from './http.ts'
import type { Operation } from './meaning.ts'
import type { Talk } from './talk.ts'

/** What can be asked again and again, and is done once. */
interface Question<T> {
  readonly operation: Operation
  /** At this replica. */
  call(apiUrl: string): Call
  /** Undefined: the answer is not what was asked for. */
  take(answer: Answer): T | undefined
  /** What a final answer says of the task's result; by default only `gone` is certain. */
  readonly isCertain?: boolean
}

/**
 * Ask one replica after another until there is what was asked for. Rejects with JobFailed once a final answer is proved, which
 * says nothing of the task's result unless the task is gone; with the abort reason when the signal aborts.
 */
export async function askUntilAnswered<T>(talk: Talk, question: Question<T>): Promise<T> {
  const { job, ports } = talk
  for (let replica = job.ordinal; ; replica++) {
    const { url } = ports.apis[replica % ports.apis.length]!
    const taken = await askOnce(talk, question, url)
    if (taken !== undefined) return taken
  }
}

async function askOnce<T>(talk: Talk, question: Question<T>, url: string): Promise<T | undefined> {
  const { ports, signal, timing } = talk
  const { operation, call, take, ...own } = question
  await talk.pace.turn(operation, signal)
  try {
    const answer = await exchange(ports.dispatcher, call(url), timing.requestTimeoutMs, signal)
    const taken = take(answer)
    if (taken !== undefined) return taken
    talk.refused(operation, answer, own)
  } catch (error) {
    if (error instanceof JobFailed) throw error
    signal.throwIfAborted()
    talk.failed(operation, error)
  }
  return undefined
}
