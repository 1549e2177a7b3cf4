import type { Context } from 'hono'
import { createApi, requireTask, sendTask, type Api, type Submitted } from '../../contract/server/api.ts'
import type { DeliveryServer } from '../../contract/server/delivery-server.ts'
import { holdUntil } from '../../contract/server/follow.ts'
import { ProblemError } from '../../contract/types/problems.ts'
import { isTerminal } from '../../contract/types/task.ts'

const server: DeliveryServer = {
  routes: (backend, settings, drain) => createApi(backend, settings, drain, { answer: hold }),
}
export default server

/** Answers 200 with the finished task, however long that takes; 503 when the node must go first. */
async function hold(c: Context, { task }: Submitted, api: Api): Promise<Response> {
  await holdUntil(c, api, { task_id: task.task_id, version: 0 }, (event) => isTerminal(event.status))
  const now = await requireTask(api, task.task_id)
  if (isTerminal(now.status)) return sendTask(c, now, 200, api.timing)
  throw new ProblemError('temporary-reduced-capacity', 'the node is leaving: repeat with the same key', task.task_id)
}
