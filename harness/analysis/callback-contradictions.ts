import { isTerminal } from '../../patterns/contract/types/task.ts'
import { resolutionMs } from '../core/numbers.ts'
import type { OpOf } from '../model/history.ts'
import { linksAmong } from '../model/place.ts'
import type { Impossible } from './contradictions.ts'
import { roleOf } from './places.ts'
import type { CellTrace, FaultTrace, TaskTrace } from './trace.ts'

type Callback = OpOf<'callback'>

/** A post of a fault may be on its way when the fault is healed: so long, in real milliseconds. */
const onItsWayMs = 5_000

/**
 * A callback is nobody's of the system only where a fault stood in the way of callbacks, and made it: a copy of one that came
 * before, or news of a task that still ran. No fault can post anything else.
 */
export function contradictingCallbacks({ tasks, faults, endAt }: CellTrace): readonly Impossible[] {
  const byId = new Map(faults.map((fault) => [fault.id, fault]))
  return tasks.flatMap((task) =>
    task.imposed.flatMap((op) => {
      const isMade = isInWay(byId.get(op.value.by!), op.at, endAt) && (isNews(op) || isCopy(op, task))
      if (isMade) return []
      return [{ text: `${task.task}: no fault ${op.value.by} can have made a callback of its`, ops: [op.index] }]
    }),
  )
}

function isInWay(fault: FaultTrace | undefined, at: number, endAt: number): boolean {
  if (fault?.armedAt === undefined) return false
  const isThere = linksAmong(fault.target).some((link) => roleOf(link) === 'sender->receiver')
  return isThere && at >= fault.armedAt - resolutionMs && at <= (fault.healedAt ?? endAt) + onItsWayMs
}

function isNews({ value: { status, digest } }: Callback): boolean {
  return digest === null && (status === undefined || !isTerminal(status))
}

function isCopy({ index, value }: Callback, { callbacks }: TaskTrace): boolean {
  return callbacks.some(({ index: first, value: { deliveryId, status, digest, bytes } }) => {
    const isSame = deliveryId === value.deliveryId && status === value.status && digest === value.digest
    return first < index && isSame && bytes === value.bytes
  })
}
