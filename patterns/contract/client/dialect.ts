import type { Task, TaskRequest } from '../types/task.ts'
import type { CallbackRequest, ClientPorts, Job } from './client.ts'
import { authorization, taskAddress, taskOf, type Answer, type Call } from './http.ts'

/**
 * How an API is written to and read: the requests about a job, and the task in what comes back. Clients decide when to ask, how
 * often, and what an answer means that holds no task; that is the same for every API.
 */
export interface Dialect {
  submission(job: Job, apiUrl: string, ports: Access, delivery: TaskRequest['delivery']): Call
  read(task: Task, apiUrl: string, ports: Access, condition: Condition): Call
  /** Undefined: there is none in it. `job`: whose answer it is; `known`: the task that was asked for. */
  taskOf(answer: Answer, job: Job, known?: Task): Task | undefined
  /** The task in a callback, where it is not the body. Throws for one that is not to be believed. */
  openCallback?(request: CallbackRequest, job: Job): Task
  /** A submission that is sent again under its key begins no second task. */
  readonly isIdempotent: boolean
}

type Access = Pick<ClientPorts, 'token'>

/** What a read may ask of a server that offers it. */
export interface Condition {
  /** The validator of what the client has. */
  readonly etag: string | undefined
  /** Hold the answer until there is news, this long at most. */
  readonly waitMs: number | undefined
}

/** What outlast's own services speak. */
export const taskApi: Dialect = {
  submission(job, apiUrl, ports, delivery) {
    const request = { type: job.type ?? 'agent', input: job.input, ...(delivery && { delivery }) }
    const own = { 'content-type': 'application/json', 'idempotency-key': `"${job.key}"` }
    return {
      method: 'POST',
      url: `${apiUrl}/v1/tasks`,
      headers: { ...authorization(ports), ...own },
      body: JSON.stringify(request),
    }
  },
  read({ task_id: taskId, version }, apiUrl, ports, { etag, waitMs }) {
    const query = waitMs === undefined ? '' : `?wait=${waitMs / 1000}&after=${version}`
    const headers = { ...authorization(ports), ...(etag !== undefined && { 'if-none-match': etag }) }
    return { method: 'GET', url: `${taskAddress(apiUrl, taskId)}${query}`, headers }
  },
  taskOf,
  isIdempotent: true,
}
