import { expect, test } from 'vitest'
import { diskSentence } from '../../../reports/disk.ts'
import type { CellResult, RunResults } from '../../../harness/model/results.ts'

const withDisks = (...disks: readonly CellResult['disk'][]): RunResults =>
  ({ cells: disks.map((disk) => ({ disk })) }) as unknown as RunResults
const on = { fsync: 'on', synchronousCommit: 'on' }

test('what durability cost is told as a range over cells', () => {
  expect(diskSentence(withDisks({ ...on, fsyncs: 1000, fsyncMeanMs: 0.117 }, undefined))).toBe(
    'PostgreSQL (fsync on, synchronous_commit on): 0.12 ms per flush of the log, mean of a cell; 1,000 flushes',
  )
  const two = withDisks({ ...on, fsyncs: 1000, fsyncMeanMs: 1.5 }, { ...on, fsyncs: 500, fsyncMeanMs: 0.2 })
  expect(diskSentence(two)).toContain('0.20 to 1.50 ms per flush of the log, mean of a cell; 1,500 flushes')
})

test('a database that is not durable is not passed off as one', () => {
  const mixed = withDisks({ ...on, fsyncs: 1, fsyncMeanMs: 1 }, { ...on, fsync: 'off', fsyncs: 1, fsyncMeanMs: 0 })
  expect(diskSentence(mixed)).toContain('fsync on, synchronous_commit on; fsync off, synchronous_commit on')
})

test('where no database told anything there is no sentence', () => {
  expect(diskSentence(withDisks(undefined, { ...on, fsyncs: 0, fsyncMeanMs: 0 }))).toBeUndefined()
})
