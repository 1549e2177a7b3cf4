import { closeSync, writeSync } from 'node:fs'
import { monotonicMs } from '../../../patterns/contract/types/timer.ts'
import { describeError } from '../../core/errors.ts'
import { openForAppending } from '../../core/own-file.ts'
import type { ActiveToxic } from './active-toxic.ts'

export interface EvidenceLine {
  /** Times are on the machine's monotonic clock. */
  readonly at: number
  readonly proxy: string
  readonly toxic: string
  readonly type: string
  /** Ordinal of the connection on its proxy, from 0; null when it is about no single connection. */
  readonly connection: number | null
  readonly stream: string
  readonly bytes: number
  readonly detail?: Readonly<Record<string, unknown>>
}

interface Tally {
  connections: number
  felt: number
  times: number
  bytes: number
}

interface Effect {
  readonly connection: number | null
  readonly bytes: number
  /** On this connection: only then a line is written. */
  readonly isFirst: boolean
  readonly detail?: object | undefined
}

/** Proof that toxics took effect: lines in a file, and counts that outlive the toxics. */
export interface Evidence {
  fired(toxic: ActiveToxic, effect: Effect): void
  /** A peer that was at work felt it, for the first time on this connection. */
  felt(toxic: ActiveToxic): void
  /** Sums up what the toxic did. */
  removed(toxic: ActiveToxic): void
  /** By proxy and toxic: on how many connections it took effect. */
  firings(): Record<string, Record<string, number>>
  /** By proxy and toxic: on how many connections a peer at work felt it. */
  feelings(): Record<string, Record<string, number>>
  close(): void
}

/** Appends to `path` within one turn of the event loop. `onFailure` hears once why it cannot; counts go on. */
export function openEvidence(path: string, onFailure: (why: string) => void = () => {}): Evidence {
  const file = openForAppending(path)
  const tallies = new Map<string, Map<string, Tally>>()
  let lines: string[] = []
  let failed = false

  const flush = (): void => {
    const text = lines.join('')
    lines = []
    if (text === '' || failed) return
    try {
      writeSync(file, text)
    } catch (error) {
      failed = true
      onFailure(`cannot write ${path}: ${describeError(error)}`)
    }
  }
  const write = (toxic: ActiveToxic, rest: Pick<EvidenceLine, 'connection' | 'bytes'> & { detail?: object }): void => {
    if (lines.length === 0) setImmediate(flush)
    const { proxy, name, stream } = toxic
    lines.push(
      JSON.stringify({ at: monotonicMs(), proxy, toxic: name, type: toxic.toxic.name, stream, ...rest }) + '\n',
    )
  }
  const tallyOf = (toxic: ActiveToxic): Tally => {
    const ofProxy = tallies.get(toxic.proxy) ?? new Map<string, Tally>()
    const tally = ofProxy.get(toxic.name) ?? { connections: 0, felt: 0, times: 0, bytes: 0 }
    tallies.set(toxic.proxy, ofProxy.set(toxic.name, tally))
    return tally
  }
  return {
    fired(toxic, { connection, bytes, isFirst, detail }) {
      const tally = tallyOf(toxic)
      tally.times++
      tally.bytes += bytes
      if (!isFirst) return
      tally.connections++
      write(toxic, { connection, bytes, ...(detail && { detail }) })
    },
    felt: (toxic) => void tallyOf(toxic).felt++,
    removed(toxic) {
      const { bytes, felt: _, ...counts } = tallyOf(toxic)
      write(toxic, { connection: null, bytes, detail: { removed: true, ...counts } })
    },
    firings: () => countsOf(tallies, 'connections'),
    feelings: () => countsOf(tallies, 'felt'),
    close() {
      flush()
      closeSync(file)
    },
  }
}

function countsOf(
  tallies: ReadonlyMap<string, ReadonlyMap<string, Tally>>,
  what: 'connections' | 'felt',
): Record<string, Record<string, number>> {
  const counted = [...tallies].map(([proxy, ofProxy]) => {
    return [proxy, Object.fromEntries([...ofProxy].map(([toxic, tally]) => [toxic, tally[what]]))] as const
  })
  return Object.fromEntries(counted)
}
