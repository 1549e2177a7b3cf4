import { isTerminal, type TaskStatus } from '../../patterns/contract/types/task.ts'
import { drawEnd } from '../targets/speech.ts'
import { type Callback, type CallbackReceiver, type InboxOptions, openInbox } from './inbox.ts'
import type { Recorder } from './recorder.ts'

/** Far more than a service of an earlier run owes it; each is a line. */
const mostForeign = 1000

/**
 * The receiver of one cell's callbacks, which its history has. `end`: of the paths of its callbacks; drawn where the names of its
 * work have none. A service that was there before may still owe callbacks to another cell, whose port this one has got.
 */
export function openCellInbox(host: string, recorder: Recorder, end = drawEnd()): Promise<CallbackReceiver> {
  let foreign = 0
  const onForeign = (path: string): void => {
    if (++foreign > mostForeign) return
    const value = { path: path.slice(0, 200) }
    recorder.record({ f: 'foreign', type: 'observe', process: 'receiver', value })
  }
  const onDropped: NonNullable<InboxOptions['onDropped']> = (value) =>
    void recorder.record({ f: 'dropped', type: 'observe', process: 'receiver', value })
  return openInbox(host, (callback) => recordCallback(recorder, callback), { end, onForeign, onDropped })
}

function recordCallback(recorder: Recorder, callback: Callback): void {
  const { job, deliveryId, body, bytes, by } = callback
  const digest = body.result?.digest ?? null
  const status = body.status as TaskStatus
  const isSaid = !body.isThin || isTerminal(status)
  const about = { taskId: body.task_id, deliveryId, digest, ...(isSaid && { status }) }
  const value = { ...about, httpStatus: 204, bytes, ...(by !== undefined && { by }) }
  recorder.record({ f: 'callback', type: 'observe', process: 'receiver', task: job, value })
}
