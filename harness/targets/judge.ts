import { HarnessError } from '../core/errors.ts'
import { digestFor, isRight, lacksResult } from '../model/right.ts'
import type { Target } from '../model/target.ts'
import type { Adapter, AdapterJob } from './adapter.ts'
import type { OnMistake } from './guard.ts'

/** What a target says of the results of its work. */
export interface Judge {
  /** What stands in a history for the result of a task, by its last document. */
  digestOf(document: unknown, job: AdapterJob): string
  /**
   * Whether the document of a callback is all that there is to judge. `canRead`: a read may show more. Throws HarnessError where neither has
   * anything of a result: nothing can be known then.
   */
  isWhole(document: unknown, job: AdapterJob, canRead: boolean): boolean
}

/** Who calls back without a result, but had one before, has lost it: that is the service's doing, and judged as it is. */
export function judgeOf(target: Target, adapter: Adapter | undefined, onMistake: OnMistake): Judge {
  const { right } = target.work
  const lacks = (document: unknown, { key }: AdapterJob): boolean => {
    if (adapter?.isRight) return document === undefined
    return right !== undefined && lacksResult(right, document, { key })
  }
  let hadResults = false
  return {
    digestOf: (document, job) => {
      const own = adapter?.isRight?.(document, job)
      return digestFor(own ?? (right === undefined || isRight(right, document, { key: job.key })), document)
    },
    isWhole(document, job, canRead) {
      if (!lacks(document, job)) return (hadResults = true)
      if (canRead) return false
      if (hadResults) return true
      const error = new HarnessError(`callbacks of ${target.name} ${unknowable}`)
      onMistake(error)
      throw error
    },
  }
}

const unknowable =
  'hold nothing of what work.right asks for, and it has no status that could be read: whether its results are right cannot be known'

/** The task with the digest that stands for its result. */
export function judged<T extends { readonly status: string }>(task: T, job: AdapterJob, { digestOf }: Judge): T {
  if (task.status !== 'completed') return task
  return { ...task, result: { digest: digestOf(task, job), steps: 0 } }
}
