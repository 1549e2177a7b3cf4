import type { RunResults } from '../harness/model/results.ts'
import { count } from './numbers.ts'

/** What the databases' disk cost, in one sentence; undefined where no cell had a database that could say it. */
export function diskSentence({ cells }: RunResults): string | undefined {
  const disks = cells.flatMap(({ disk }) => (disk && disk.fsyncs > 0 ? [disk] : []))
  if (disks.length === 0) return undefined
  const means = disks.map(({ fsyncMeanMs }) => fsyncMeanMs).toSorted((a, b) => a - b)
  const [least, most] = [means[0]!, means.at(-1)!]
  // A fast disk takes a fraction of a millisecond: whole ones would say nothing.
  const [from, to] = [least.toFixed(2), most.toFixed(2)]
  const cost = from === to ? from : `${from} to ${to}`
  const total = disks.reduce((sum, { fsyncs }) => sum + fsyncs, 0)
  const settings = new Set(
    disks.map(({ fsync, synchronousCommit }) => `fsync ${fsync}, synchronous_commit ${synchronousCommit}`),
  )
  return `PostgreSQL (${[...settings].join('; ')}): ${cost} ms per flush of the log, mean of a cell; ${count(total)} flushes`
}
