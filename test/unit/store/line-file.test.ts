import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HarnessError } from '../../../harness/core/errors.ts'
import type { Op } from '../../../harness/core/history.ts'
import { openHistory, parseHistory, readHistory } from '../../../harness/store/history-file.ts'
import { cellPlan } from '../stats/cells.ts'
import { openLines, parseLines } from '../../../harness/store/line-file.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outlast-store-'))
})
afterAll(() => rm(folder, { recursive: true }))

const cell: Op = { index: 0, at: 0, f: 'cell', type: 'observe', process: 'harness', value: cellPlan() }
const later = (index: number): Op => ({
  index,
  at: index * 10,
  f: 'phase',
  type: 'observe',
  process: 'harness',
  value: { phase: 'load' },
})
const phase = (index: number): Op => (index === 0 ? cell : later(index))
const lines = (...ops: readonly Op[]): string => ops.map((op) => `${JSON.stringify(op)}\n`).join('')

test('what is appended is read back in order', async () => {
  const path = join(folder, 'order.ndjson')
  await using file = await openHistory(path)
  const ops = Array.from({ length: 3_000 }, (_, i) => phase(i))
  for (const op of ops) file.append(op)
  await file.close()
  expect((await readHistory(path)).history).toEqual(ops)
})

test('flush hands over what was appended, without closing', async () => {
  const path = join(folder, 'flush.ndjson')
  await using file = await openLines<number>(path)
  file.append(1)
  await file.sync()
  expect(await readFile(path, 'utf8')).toBe('1\n')
  file.append(2)
  await file.flush()
  expect(await readFile(path, 'utf8')).toBe('1\n2\n')
})

test('closing twice is safe, appending afterwards is not', async () => {
  const file = await openLines<number>(join(folder, 'closed.ndjson'))
  await file.close()
  await file.close()
  expect(() => file.append(1)).toThrow(/closed/)
})

test('a folder that does not exist is named', async () => {
  await expect(openLines(join(folder, 'nowhere', 'x.ndjson'))).rejects.toThrow(/cannot write .*nowhere/)
})

test('an op out of turn is refused by the writer', async () => {
  await using file = await openHistory(join(folder, 'turn.ndjson'))
  file.append(phase(0))
  expect(() => file.append(phase(2))).toThrow(/op 2 recorded as line 1/)
})

test.each([
  ['{"index":2,"at', 2],
  ['', 2],
  ['12', 2],
  [JSON.stringify(phase(2)), 3],
])('after a crash, the last line %s gives %i ops', (torn, expected) => {
  expect(parseHistory(lines(phase(0), phase(1)) + torn, 'h')).toHaveLength(expected)
})

test.each([
  ['a line that is not JSON', `${lines(phase(0))}{"index":1\n${lines(phase(1))}`, /^h:2 is broken: /],
  ['an empty line', `${lines(phase(0))}\n`, /^h:2 is broken: /],
  ['a missing line', lines(phase(0), phase(2)), /^h:2 has index 2 instead of 1/],
  ['a value that is no op', `${lines(phase(0))}null\n`, /^h:2 is not an operation/],
  ['an op without a time', '{"index":0,"f":"phase","type":"observe"}\n', /^h:1 has no time/],
  ['an op of an unknown type', '{"index":0,"at":1,"f":"phase","type":"maybe"}\n', /^h:1 has an unknown type of phase/],
  [
    'an op that is not known',
    '{"index":0,"at":1,"f":"effecx","type":"observe"}\n',
    /^h:1 has an unknown operation: "effecx"/,
  ],
  [
    'a name that every object has',
    '{"index":0,"at":1,"f":"toString","type":"observe"}\n',
    /^h:1 has an unknown operation/,
  ],
])('%s is an error that names file and line', (_, text, message) => {
  expect(() => parseHistory(text, 'h')).toThrow(HarnessError)
  expect(() => parseHistory(text, 'h')).toThrow(message)
})

test('an empty file is an empty history', () => {
  const values: unknown[] = []
  parseLines('', 'h', (value) => values.push(value))
  expect(values).toEqual([])
})

test('a history that is not there is an error', async () => {
  await expect(readHistory(join(folder, 'none.ndjson'))).rejects.toThrow(/cannot read .*none.ndjson/)
})
