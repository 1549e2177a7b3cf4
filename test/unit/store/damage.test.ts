import { createHash } from 'node:crypto'
import { appendFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { HarnessError } from '../../../harness/core/errors.ts'
import type { Op } from '../../../harness/model/history.ts'
import { createRng } from '../../../harness/core/rng.ts'
import { judgeFolder } from '../../../harness/run/judge.ts'
import { differenceOf } from '../../../harness/store/run-record.ts'
import { parseHistory } from '../../../harness/store/history-file.ts'
import { openRun, readResults, writeResults } from '../../../harness/store/run-folder.ts'
import { judgeCell } from '../../../harness/verdict/cell.ts'
import { openRegistry } from '../../../harness/registry.ts'
import { insertBefore, isPhase } from '../../mutants/mutations.ts'
import { simulate } from '../../mutants/simulate.ts'
import { linesOf, recordRun, sealRun } from '../../support/recorded-run.ts'

const small = simulate({
  delivery: 'sse-polling',
  engine: 'durable',
  tasks: 6,
  kills: [{ ordinal: 0, atMs: 300 }],
  seed: 4,
})
const checkers = await openRegistry().checkers()

let out: string
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'outlast-damage-'))
})
afterAll(() => rm(out, { recursive: true }))

test('a run as it was recorded is judged, and nothing is said of its files', async () => {
  const { run } = await sealRun(out, small)
  const again = await judgeFolder(run, checkers)
  expect(again.record).toBeUndefined()
  expect(again).toEqual(await readResults(run))
  expect(Object.keys(again.files!)).toEqual(
    expect.arrayContaining(['plan.json', 'environment.json', 'schedule.json', 'scenario.yaml']),
  )
  expect(Object.keys(again.files!)).toHaveLength(7)
})

/** What was done to the folder of a sealed run, and the sentence about it. */
type Damage = readonly [string, (folder: string, cell: string) => Promise<void>, RegExp]

const edit = async (path: string, change: (text: string) => string): Promise<void> =>
  writeFile(path, change(await readFile(path, 'utf8')))
const cutLine = (text: string): string => text.split('\n').toSpliced(3, 1).join('\n')

const damages: readonly Damage[] = [
  [
    'a limit in plan.json',
    (dir) => edit(join(dir, 'plan.json'), (text) => text.replace('20', '21')),
    /plan\.json was changed/,
  ],
  ['plan.json torn', (dir) => edit(join(dir, 'plan.json'), (text) => text.slice(0, 40)), /plan\.json was changed/],
  ['plan.json gone', (dir) => rm(join(dir, 'plan.json')), /plan\.json is missing/],
  ['a byte of the scenario', (dir) => appendFile(join(dir, 'scenario.yaml'), ' '), /scenario\.yaml was changed/],
  ['no environment', (dir) => rm(join(dir, 'environment.json')), /environment\.json is missing/],
  ['a verification', (dir) => writeFile(join(dir, 'verification.json'), '{"version":1,"patterns":[]}'), /was added/],
  [
    'a time of an op',
    (_, cell) => edit(join(cell, 'history.ndjson'), (text) => text.replace('"at":0', '"at":1')),
    /history\.ndjson was changed/,
  ],
  [
    'a line less',
    (_, cell) => edit(join(cell, 'history.ndjson'), cutLine),
    /history\.ndjson:4 has index 4 instead of 3/,
  ],
  ['an empty history', (_, cell) => writeFile(join(cell, 'history.ndjson'), ''), /history\.ndjson was changed/],
  ['no history', (_, cell) => rm(join(cell, 'history.ndjson')), /history\.ndjson is missing/],
  ['no ledger', (_, cell) => rm(join(cell, 'ledger.ndjson')), /ledger\.ndjson is missing/],
  [
    'a line less of the ledger',
    (_, cell) => edit(join(cell, 'ledger.ndjson'), cutLine),
    /ledger\.ndjson:4 has another/,
  ],
  [
    'a line more of the ledger',
    (_, cell) =>
      edit(join(cell, 'ledger.ndjson'), (text) => text + text.slice(text.lastIndexOf('\n', text.length - 2) + 1)),
    /ledger\.ndjson:\d+ is an effect/,
  ],
  [
    'results.json torn',
    (dir) => edit(join(dir, 'results.json'), (text) => text.slice(0, 99)),
    /results\.json is not JSON/,
  ],
]

describe.each(damages)('%s', (_, damage, sentence) => {
  test('is one sentence that names the file, and no verdict', async () => {
    const { run, cell } = await sealRun(out, small)
    await damage(run.path, cell.path)
    const error = await openRun(run.path)
      .then((opened) => judgeFolder(opened, checkers))
      .catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(HarnessError)
    expect((error as HarnessError).message).toMatch(sentence)
    expect((error as HarnessError).message).toContain(run.path)
  })
})

describe('files that were edited on purpose', () => {
  const slower = small.map((op) => (op.f === 'task' && op.type === 'ok' ? { ...op, at: op.at + 100 } : op))

  test('are judged when that is asked for, and it is said', async () => {
    const { run, cell } = await sealRun(out, small)
    const before = await judgeFolder(run, checkers)
    await writeFile(cell.history, linesOf(slower))
    const edited = await judgeFolder(run, checkers, 'edited')
    expect(edited.cells[0]!.overhead.p50! - before.cells[0]!.overhead.p50!).toBeCloseTo(100, 6)
    expect(edited.record).toEqual([expect.stringMatching(/history\.ndjson was changed after the run.*--edited/)])
  })

  test('do not become the files of the run', async () => {
    const { run, cell } = await sealRun(out, small)
    await writeFile(cell.history, linesOf(slower))
    await writeResults(run, await judgeFolder(run, checkers, 'edited'))
    await expect(judgeFolder(run, checkers)).rejects.toThrow(/history\.ndjson was changed/)
  })

  test.each<[string, (op: Op) => Op | Omit<Op, 'value'>, RegExp]>([
    [
      'an unknown operation',
      (op) => (op.f === 'effect' ? ({ ...op, f: 'effecx' } as never) : op),
      /:\d+ has an unknown operation: "effecx"/,
    ],
    [
      'health without measurements',
      (op) => (op.f === 'health' ? { ...op, value: {} as never } : op),
      /:\d+ has a wrong value: value has no pacerLagP99Ms/,
    ],
    [
      'an op without a value',
      ({ value, ...op }) => (op.index === 9 ? op : ({ ...op, value } as Op)),
      /:10 has a wrong value/,
    ],
    [
      'other promises',
      (op) => (op.f === 'cell' ? { ...op, value: { ...op.value, promises: [] } } : op),
      /:1 is not the planned cell .*another promises$/,
    ],
    [
      'another arm and other limits',
      (op) =>
        op.f === 'cell'
          ? { ...op, value: { ...op.value, arm: 'none', health: { pacerLagP99Ms: 1e9, eventLoopDelayP99Ms: 1e9 } } }
          : op,
      /another arm, health$/,
    ],
    [
      'a completion of another task',
      (op) => (op.f === 'task' && op.type === 'ok' ? { ...op, task: 't-00002' } : op),
      /completes line \d+, which does not invoke task/,
    ],
    [
      'a completion of nothing',
      (op) => (op.f === 'submit' && op.type === 'ok' ? { ...op, invoke: 1e9 } : op),
      /does not invoke submit/,
    ],
    [
      'an effect that the ledger does not have',
      (op) => (op.f === 'effect' ? { ...op, value: { ...op.value, step: 9 } } : op),
      /ledger\.ndjson:1 has another step/,
    ],
    [
      'an effect of another tool than the ledger has',
      (op) => (op.f === 'effect' ? { ...op, value: { ...op.value, tool: 'search' } } : op),
      /ledger\.ndjson:1 has another tool/,
    ],
    [
      'another work in every task',
      (op) => (op.f === 'task' && op.type === 'invoke' ? { ...op, value: { ...op.value, idealMs: 900 } as never } : op),
      /:\d+ is another work than the planned one: t-00001 lasts 900 ms, and research-write lasts 1000 ms$/,
    ],
    [
      'a fault of a node that never was',
      (op) => (op.f === 'node' ? { ...op, process: 'node:worker-9', value: { ...op.value, node: 'worker-9' } } : op),
      /is about kill-1#1, which is proven of worker-0, a node that never was ready$/,
    ],
  ])('%s is refused all the same', async (_, change, sentence) => {
    const { run, cell } = await sealRun(out, small)
    await writeFile(cell.history, linesOf(small.map(change)))
    await expect(judgeFolder(run, checkers, 'edited')).rejects.toThrow(HarnessError)
    await expect(judgeFolder(run, checkers, 'edited')).rejects.toThrow(sentence)
  })
})

describe('what an engine sent as an effect and is none', () => {
  const refused = { reason: 'its step is no whole number from 1', said: '{"step":"two"}' }
  const history = insertBefore(small, isPhase('end'), {
    f: 'refusal',
    type: 'observe',
    at: 1200,
    process: 'ledger',
    value: refused,
  })

  test('is in the record, and damages nothing', async () => {
    const { run } = await sealRun(out, history)
    const [cell] = (await judgeFolder(run, checkers)).cells
    expect(cell!.checks.find(({ checker }) => checker === 'effect-at-least-once')).toMatchObject({
      status: 'pass',
      counts: { refused: 1 },
    })
  })

  test.each([
    ['another one', (text: string) => text.replace('"two', '"three'), /ledger\.ndjson:\d+ is another refusal than/],
    ['none', (text: string) => text.replace(/.*refused.*\n/, ''), /: 1 are missing$/],
  ])('is missed where the ledger has %s', async (_, change, sentence) => {
    const { run, cell } = await recordRun(out, history)
    await edit(cell.ledger, change)
    await expect(judgeFolder(run, checkers, 'edited')).rejects.toThrow(sentence)
  })
})

describe('a run that nothing vouches for', () => {
  test('is judged, and it is said', async () => {
    const { run } = await recordRun(out, small)
    const results = await judgeFolder(run, checkers)
    expect(results.record).toEqual([expect.stringMatching(/left no results\.json.*Nothing vouches/)])
    expect([results.verdict, results.reasons.at(-1)]).toEqual([
      'INCONCLUSIVE',
      expect.stringContaining('Nothing vouches'),
    ])
    expect((await judgeFolder(run, checkers, 'edited')).verdict).toBe('PASS')
    await writeResults(run, results)
    expect((await judgeFolder(run, checkers)).record).toEqual([expect.stringContaining('Nothing vouches')])
  })

  test('of an older version is judged, and it is said', async () => {
    const { run } = await recordRun(out, small)
    await writeFile(join(run.path, 'results.json'), '{"version":1}')
    expect((await judgeFolder(run, checkers)).record).toEqual([
      expect.stringMatching(/version 1, which kept no checksums/),
    ])
  })

  test('may lack what an effect after its end has added to the ledger', async () => {
    const { run, cell } = await recordRun(out, small)
    const last = JSON.parse((await readFile(cell.ledger, 'utf8')).trim().split('\n').at(-1)!) as { receivedAt: number }
    await appendFile(cell.ledger, linesOf([{ ...last, receivedAt: last.receivedAt + 1e6 }]))
    expect((await judgeFolder(run, checkers)).cells).toHaveLength(1)
  })
})

describe('3,000 flips of a single bit', () => {
  const bytes = Buffer.from(linesOf(small))
  const rng = createRng(3, 'flips')
  const flips = Array.from({ length: 3_000 }, () => ({
    byte: Math.floor(rng.next() * bytes.length),
    bit: Math.floor(rng.next() * 8),
  }))
  const flipped = ({ byte, bit }: (typeof flips)[number]): Buffer => {
    const copy = Buffer.from(bytes)
    copy[byte]! ^= 1 << bit
    return copy
  }
  const sealed = sha256(bytes)

  test('each is refused by its checksum', () => {
    for (const flip of flips) expect(differenceOf('h', sealed, sha256(flipped(flip)))).toMatch(/^h was changed/)
  })

  test(
    'judged on purpose, each is a sentence or a verdict, and what is judged has the shape of what was recorded',
    { timeout: 60_000 },
    () => {
      const shape = skeletons(small)
      let judged = 0
      for (const flip of flips) {
        const history = attempt(flipped(flip).toString('utf8'))
        if (!history) continue
        judged++
        expect(skeletons(history)).toEqual(shape)
        expect(judgeCell(history, checkers).verdict).toMatch(/^(?:PASS|FAIL|INCONCLUSIVE|INVALID)$/)
      }
      expect(judged).toBeGreaterThan(300)
    },
  )
})

/** Undefined for what is refused in a sentence; anything else that is thrown fails the test. */
function attempt(text: string): readonly Op[] | undefined {
  try {
    return parseHistory(text, 'h')
  } catch (error) {
    expect(error).toBeInstanceOf(HarnessError)
    expect((error as HarnessError).message).toMatch(/^h:\d+ \S/)
    return undefined
  }
}

const words: ReadonlySet<string> = new Set(['process', 'status', 'state', 'phase'])

/** Names and types of all fields, and the words of those that have a vocabulary; the plan and evidence are free. */
function skeletons(history: readonly Op[]): unknown {
  const bare = (value: unknown, name: string): unknown => {
    if (typeof value === 'object' && value !== null && name !== 'evidence')
      return Object.entries(value).map(([key, one]) => [key, bare(one, key)])
    return words.has(name) && typeof value === 'string' ? value : typeof value
  }
  return history.slice(1).map((op) => [op.f, op.type, bare(op, '')])
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
