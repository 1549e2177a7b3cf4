import type { CallbackRequest, Dialect, Job, Notice } from '../../patterns/contract/client/client.ts'
import type { Answer, Call } from '../../patterns/contract/client/http.ts'
import type { Task } from '../../patterns/contract/types/task.ts'
import { HarnessError } from '../core/errors.ts'
import { parseExactly } from '../core/exact-json.ts'
import type { TargetState } from '../model/target.ts'
import type { Judge } from './judge.ts'
import type { Adapter, AdapterAnswer, AdapterJob, AdapterRequest, AdapterTask } from './adapter.ts'

/** An adapter as the clients of deliveries speak. `nameOf`: how the work of a job is called there. */
export function dialectOf(adapter: Adapter, judge: Judge, nameOf: (key: string) => string): Dialect {
  const jobOf = ({ key, input }: Job, token: string, callbackUrl?: string): AdapterJob => {
    return { key: nameOf(key), input: { ...input }, token, ...(callbackUrl !== undefined && { callbackUrl }) }
  }
  const inputs = new WeakMap<Job, AdapterJob>()
  const about = (job: Job): AdapterJob => inputs.get(job) ?? jobOf(job, '')
  return {
    submission(job, apiUrl, { token }, delivery) {
      const told = jobOf(job, token, delivery?.webhook_url)
      inputs.set(job, told)
      return callOf(adapter.submit(told), apiUrl, 'POST')
    },
    read({ task_id: id }, apiUrl, { token }) {
      if (!adapter.status) throw new HarnessError('the service cannot be asked for the state of a task')
      return callOf(adapter.status(id, { token }), apiUrl, 'GET')
    },
    taskOf(answer, job, known) {
      const found = readAnswer(adapter, answer, about(job), known?.task_id)
      return found && taskFrom(found, about(job), judge)
    },
    earlierIn(answer, job) {
      return adapter.read(answerFor(answer), about(job))?.id || undefined
    },
    isReadable: adapter.status !== undefined,
    ...(adapter.callback && {
      openCallback: (request: CallbackRequest, job: Job) => noticeIn(adapter, request, about(job), judge),
    }),
    isIdempotent: adapter.isIdempotent,
  }
}

/**
 * What an adapter reads in an answer of 2xx, or 303 (See Other), which names the task. Any other redirect says where to ask again,
 * and has accepted nothing. `known`: the id of the task that was asked for, which need not be in it.
 */
export function readAnswer(adapter: Adapter, answer: Answer, job: AdapterJob, known = ''): AdapterTask | undefined {
  if ((answer.status < 200 || answer.status >= 300) && answer.status !== 303) return undefined
  const found = adapter.read(answerFor(answer), job)
  const id = found?.id || known
  return found && id !== '' ? { ...found, id } : undefined
}

function answerFor({ status, header, text }: Answer): AdapterAnswer {
  return { status, header, body: bodyOf(text) }
}

function bodyOf(text: string): unknown {
  try {
    return parseExactly(text)
  } catch {
    return text
  }
}

export function callOf({ method, path, headers, body }: AdapterRequest, apiUrl: string, usual: Call['method']): Call {
  const isText = typeof body === 'string'
  const type = { 'content-type': isText ? 'text/plain; charset=utf-8' : 'application/json' }
  return {
    method: (method ?? usual) as Call['method'],
    url: addressOf(path, apiUrl),
    headers: { ...(body !== undefined && type), ...headers },
    ...(body !== undefined && { body: isText ? body : JSON.stringify(body) }),
  }
}

/** Every request goes over the link: of an address that a service gives only path and query are used. */
function addressOf(path: string, apiUrl: string): string {
  const { pathname, search } = new URL(path, apiUrl)
  return `${apiUrl.replace(/\/$/, '')}${pathname}${search}`
}

const versions: Readonly<Record<TargetState, number>> = { queued: 1, running: 2, completed: 3, failed: 3, cancelled: 3 }
const longAgo = new Date(0).toISOString()

/**
 * As the contract has it. A foreign API numbers no versions: the states count in their place, so that a replica that lags
 * behind takes nothing back.
 */
function stateFrom({ id, state, reason }: Omit<AdapterTask, 'document'>): Task {
  return {
    ...namedTask(id),
    status: state,
    ...(reason !== undefined && { status_reason: reason }),
    version: versions[state],
  }
}

function taskFrom({ document, ...told }: AdapterTask, job: AdapterJob, { digestOf }: Judge): Task {
  const task = stateFrom(told)
  return told.state === 'completed' ? { ...task, result: { digest: digestOf(document, job), steps: 0 } } : task
}

/** What a callback leaves out is missing in the notice, too. */
function noticeIn(adapter: Adapter, { headers, body }: CallbackRequest, job: AdapterJob, judge: Judge): Notice {
  const { state, document, ...told } = adapter.callback!({ headers, body }, job)
  if (state === undefined) return { ...stateFrom({ ...told, state: 'running' }), isThin: true }
  const isWhole = state !== 'completed' || judge.isWhole(document, job, adapter.status !== undefined)
  return isWhole
    ? taskFrom({ ...told, state, document }, job, judge)
    : { ...stateFrom({ ...told, state }), isThin: true }
}

/** A task of which no more is known than its id. */
export function namedTask(id: string): Task {
  return {
    task_id: id,
    type: 'agent',
    status: 'queued',
    current_action: null,
    progress_pct: null,
    estimated_completion: null,
    version: versions.queued,
    attempt: 0,
    created_at: longAgo,
    updated_at: longAgo,
    credits_used: 0,
    input: { seed: 0, profile: '', job: '' },
    links: { self: '', events: '', cancel: '' },
  }
}
