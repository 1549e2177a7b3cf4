import type { Dialect } from './client.ts'
import { authorization, jsonOf, taskAddress, taskOf } from './http.ts'

/** What outlast's own services speak. */
export const taskApi: Dialect = {
  submission(job, apiUrl, ports, delivery) {
    const { type = 'agent', input, budget, memory, tools } = job
    const asked = { ...(budget && { budget }), ...(memory && { memory }), ...(tools && { tools }) }
    const request = { type, input, ...(delivery && { delivery }), ...asked }
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
  earlierIn(answer) {
    const said = jsonOf(answer) as { readonly task_id?: unknown } | null | undefined
    return typeof said?.task_id === 'string' ? said.task_id : undefined
  },
  isReadable: true,
  isIdempotent: true,
}
