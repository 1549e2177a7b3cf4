import type { OpOf } from '../model/history.ts'
import type { TaskTrace } from './trace.ts'

export type CallbackSeen = OpOf<'callback'>

/** Callbacks of the task that the system itself posted and the receiver read: what a fault made of them is not its doing. */
export function postsOf({ callbacks }: TaskTrace): readonly CallbackSeen[] {
  return callbacks.filter(({ value }) => value.by === undefined)
}
