import type { Op, OpOf, TaskIntent } from '../../model/history.ts'

/** What a cell left behind, to be changed: one line of the ledger's file is one effect of the history, in the same order. */
export interface Recorded {
  readonly history: readonly Op[]
  readonly ledger: readonly string[]
}

/** An op as it is or changed, or one that is new: indexes are given when all are in order. */
export type Draft = Omit<Op, 'index'> & { readonly index?: number }

export interface Edit {
  readonly name: string
  /** The arm whose record is changed. */
  readonly arm: 'none' | 'pause'
  /** Verdict and what it rests on, as `describeCell` says it; or the beginning of the refusal. */
  readonly expected: string
  change(recorded: Recorded): Recorded
}

/** Put other ops in the place of each op; indexes and references follow. */
export function rewrite(history: readonly Op[], change: (op: Op) => readonly Draft[]): readonly Op[] {
  const drafts = history.flatMap(change)
  const moved = new Map(drafts.flatMap(({ index }, i) => (index === undefined ? [] : [[index, i] as const])))
  return drafts.map((op, index) => {
    const invoke = op.invoke === undefined ? undefined : moved.get(op.invoke)
    return { ...op, index, ...(invoke !== undefined && { invoke }) } as Op
  })
}

/** The history alone is changed, op by op. */
export function ops(change: (op: Op) => readonly Draft[]): Edit['change'] {
  return ({ history, ledger }) => ({ history: rewrite(history, change), ledger })
}

/** Some effects are gone from the history and from the ledger's file, as if they had never been. */
export function withoutEffects(isGone: (op: OpOf<'effect'>) => boolean): Edit['change'] {
  return ({ history, ledger }) => {
    const effects = history.filter((op) => op.f === 'effect')
    return {
      history: rewrite(history, (op) => (op.f === 'effect' && isGone(op) ? [] : [op])),
      ledger: ledger.filter((_, i) => effects[i] === undefined || !isGone(effects[i])),
    }
  }
}

/** The value of ops of one kind is changed. */
export function revalue<F extends Op['f']>(f: F, change: (op: OpOf<F>) => object | undefined): Edit['change'] {
  return ops((op) => {
    const value = op.f === f ? change(op as OpOf<F>) : undefined
    return [value === undefined ? op : ({ ...op, value: { ...op.value, ...value } } as Op)]
  })
}

export function isEnd(op: Op): op is OpOf<'task'> {
  return op.f === 'task' && op.type !== 'invoke'
}

export function intentOf(history: readonly Op[], task: string): TaskIntent {
  return history.find((op) => op.f === 'task' && op.type === 'invoke' && op.task === task)!.value as TaskIntent
}
