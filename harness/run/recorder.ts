import { monotonicMs } from '../../patterns/contract/types/timer.ts'
import type { Op, Vocabulary } from '../model/history.ts'
import type { Mask } from '../core/masking.ts'
import { roundMs } from '../core/numbers.ts'

/** Where ops go, in order: the run folder's history writer, or an array in a test. */
export interface OpSink {
  append(op: Op): void
}

type Draft<F extends keyof Vocabulary> = {
  readonly f: F
  readonly type: Vocabulary[F]['type']
  readonly process: string
  readonly value: Vocabulary[F]['value']
  readonly task?: string
  readonly invoke?: number
  readonly error?: string
  /** Absolute monotonic time when the thing was measured elsewhere; now, if absent. */
  readonly atMonotonicMs?: number
}

export interface Recorder {
  /** Append one op; its index is returned, so that a completion can name its invoke. */
  record<F extends keyof Vocabulary>(draft: Draft<F>): number
  /** The monotonic time that is 0 in this history: set once, when the load begins. Ops before it have negative times. */
  startAt(epochMs: number): void
  readonly epochMs: number
}

/** What the ledger's file has too, and the plan, which both are compared with. */
const kept: ReadonlySet<Op['f']> = new Set(['cell', 'effect', 'refusal'])

/**
 * Gives every op of a cell its index and time. Ops recorded before the epoch is known wait for it. `mask` takes secrets out of what
 * systems said.
 */
export function createRecorder(sink: OpSink, mask: Mask = (value) => value): Recorder {
  let index = 0
  let epochMs: number | undefined
  let early: { op: Op; atMonotonicMs: number }[] = []
  return {
    record(draft) {
      const { atMonotonicMs = monotonicMs(), ...rest } = draft
      const shown = kept.has(rest.f) ? rest : mask(rest)
      const op = { index: index++, at: 0, ...shown } as unknown as Op
      if (epochMs === undefined) early.push({ op, atMonotonicMs })
      else sink.append({ ...op, at: roundMs(atMonotonicMs - epochMs) })
      return op.index
    },
    startAt(epoch) {
      epochMs = epoch
      for (const { op, atMonotonicMs } of early) sink.append({ ...op, at: roundMs(atMonotonicMs - epoch) })
      early = []
    },
    get epochMs() {
      return epochMs ?? monotonicMs()
    },
  }
}
