import { hash } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { HarnessError } from '../../../harness/core/errors.ts'
import type { Op } from '../../../harness/model/history.ts'
import { openHistory, parseHistory, readHistory } from '../../../harness/store/history-file.ts'
import { cellPlan } from '../stats/cells.ts'
import { openLines, parseLines, readLines } from '../../../harness/store/line-file.ts'
import { run } from '../../support/programs.ts'

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

test('a full disk is told once, by its file, and never by a throw out of a callback', async () => {
  const told: Error[] = []
  const file = await openLines<number>('/dev/full', (error) => told.push(error))
  file.append(1)
  await expect(file.flush()).rejects.toThrow(/cannot write \/dev\/full: ENOSPC/)
  file.append(2)
  await expect(file.sync()).rejects.toThrow(HarnessError)
  await expect(file.close()).rejects.toThrow(/ENOSPC/)
  expect(told.map(({ message }) => message)).toEqual([expect.stringMatching(/cannot write \/dev\/full: ENOSPC/)])
})

test('what is full in the middle of a line keeps the whole ones', async () => {
  const path = join(folder, 'limited.ndjson')
  const module = fileURLToPath(new URL('../../../harness/store/line-file.ts', import.meta.url))
  const program = `
    const { openLines } = await import(${JSON.stringify(module)})
    const file = await openLines(${JSON.stringify(path)}, (error) => console.log(error.message))
    for (let i = 0; i < 500; i++) { file.append({ i, text: 'x'.repeat(150) }); if (i % 40 === 0) await file.flush().catch(() => {}) }
    await file.close().catch(() => {})`
  // A limit of 20 blocks, of 512 or 1024 bytes: the write that crosses it is cut there.
  const limited = `trap '' XFSZ; ulimit -f 20; exec "$0" --input-type=module -e "$1"`
  const { stdout } = await run('sh', ['-c', limited, process.execPath, program])
  expect(stdout).toMatch(/^cannot write .*limited\.ndjson: EFBIG.*\n$/)
  const text = await readFile(path, 'utf8')
  const seen: number[] = []
  parseLines(text, path, (value) => seen.push((value as { i: number }).i))
  expect(text.endsWith('\n')).toBe(true)
  expect(seen).toEqual(seen.map((_, i) => i))
  expect(seen.length).toBeGreaterThan(50)
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

test.each(['{"a":1},{"b":[1\n2]}\n', '{"a":1},{"b":"}\n{"}\n', '1],[2\n[[3\n4]]\n'])(
  'lines that are values only together are broken, also where a file is read by pieces: %j',
  async (text) => {
    const path = join(folder, 'torn.ndjson')
    await writeFile(path, text)
    await expect(readLines(path, () => {})).rejects.toThrow(`${path}:1 is broken`)
  },
)

/** A piece has 64 KiB: where one ends there may be a line's end, or the middle of a character. */
test.each([65_533, 65_534, 65_535, 65_536, 65_537, 65_538, 200_000])(
  'a file whose first line has %i bytes is read by pieces as its text is',
  async (bytes) => {
    const path = join(folder, 'pieces.ndjson')
    const first = JSON.stringify({ i: 0, long: 'x'.repeat(bytes - 17) })
    const many = Array.from({ length: 9_000 }, (_, i) => JSON.stringify({ i, of: 'é€😀'.repeat(1 + (i % 7)) }))
    const text = [first, ...many].join('\n')
    await writeFile(path, text)
    const [read, parsed]: unknown[][] = [[], []]
    const sha256 = await readLines(path, (value) => read!.push(value))
    parseLines(text, path, (value) => parsed!.push(value))
    expect(Buffer.byteLength(first)).toBe(bytes)
    expect(read).toEqual(parsed)
    expect(read).toHaveLength(9_001)
    expect(sha256).toBe(hash('sha256', text))
  },
)

test('who refuses a line hears no more, and its error is the one that is told', async () => {
  const path = join(folder, 'refused.ndjson')
  await writeFile(path, '{"text":"0123456789"}\n'.repeat(20_000))
  let heard = 0
  const reading = readLines(path, () => {
    if (++heard === 3) throw new HarnessError('the third is wrong')
  })
  await expect(reading).rejects.toThrow('the third is wrong')
  expect(heard).toBe(3)
})
