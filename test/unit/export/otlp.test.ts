import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { traceIdsOf, traceparentOf } from '../../../harness/analysis/trace-ids.ts'
import { type EndedRun, exportRun, exportSentence } from '../../../harness/export/otlp/export-run.ts'
import type { Patience } from '../../../harness/export/otlp/send.ts'
import { otlpTarget } from '../../../harness/export/otlp/target.ts'
import type { Op } from '../../../harness/model/history.ts'
import { openRegistry } from '../../../harness/registry.ts'
import { judgeFolder } from '../../../harness/run/judge.ts'
import { type Answer, openCollector, takeAll, valuesOf } from '../../support/collector.ts'
import { recordRun } from '../../support/recorded-run.ts'
import { callback, effect, end, event, intend, poll, story, submit } from '../checkers/story.ts'
import { plannedFault } from '../stats/cells.ts'

const zeroAt = '2026-11-29T12:00:00.000Z'
const zeroMs = Date.parse(zeroAt)
/** Long limits: a busy machine must not be taken for a slow collector. */
const patience: Patience = { wholeMs: 60_000, requestMs: 60_000, pausesMs: [5, 5] }
const checkers = await openRegistry().checkers()
const never = new AbortController().signal

let out: string
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'outlast-otlp-'))
  await chmod(out, 0o700)
})
afterAll(() => rm(out, { recursive: true, force: true }))

type Line = Parameters<typeof story>[0][number]
const load = (value: object = { zeroAt }): Line =>
  ({ f: 'phase', type: 'observe', at: 0, process: 'harness', value: { phase: 'load', ...value } }) as unknown as Line
const fault = (at: number, state: string): Line =>
  ({
    f: 'fault',
    type: 'observe',
    at,
    process: 'nemesis',
    value: { id: 'kill-1#1', fault: 'kill', target: [{ node: 'api-0' }], state },
  }) as unknown as Line
const ready = {
  f: 'node',
  type: 'observe',
  at: 0,
  process: 'node:api-0',
  value: { node: 'api-0', state: 'ready' },
} as unknown as Line
const stream = (task: string, at: number, state: string, more: object = {}): Line =>
  ({
    f: 'stream',
    type: 'observe',
    at,
    process: 'client',
    task,
    value: { taskId: `id-${task}`, state, ...more },
  }) as unknown as Line

async function runOf(history: readonly Op[]): Promise<EndedRun> {
  const { run } = await recordRun(out, history)
  return { folder: run, results: await judgeFolder(run, checkers, 'edited') }
}

/** Completions name the line that they complete, and say whose end it is. */
function linked(lines: readonly Line[], over: Parameters<typeof story>[1] = {}): Op[] {
  const open = new Map<string, number>()
  return story(lines, { profile: 'work/2/100', ...over }).map((op) => {
    if ((op.f !== 'task' && op.f !== 'submit') || op.task === undefined) return op
    const key = `${op.f} ${op.task}`
    if (op.type !== 'invoke') return { ...op, invoke: open.get(key)! }
    open.set(key, op.index)
    return op
  })
}
const ended = (task: string, at: number): Line => end(task, at, 'ok', { taskId: `id-${task}`, via: 'callback' })
const invoked = (task: string, at: number, attempt: number): Line =>
  ({ ...submit(task, at, 'fail', { attempt }), type: 'invoke' }) as Line

/** One task that met a kill: two submissions, a read, a stream, two steps, a callback. */
const oneTask = linked(
  [
    load(),
    ready,
    intend('t-1', 100),
    invoked('t-1', 105, 1),
    { ...submit('t-1', 115, 'info', { status: 503 }), error: 'HTTP 503' },
    fault(120, 'armed'),
    invoked('t-1', 125, 2),
    submit('t-1', 130, 'ok', { attempt: 2, status: 202 }),
    fault(140, 'proven'),
    fault(141, 'healed'),
    poll('t-1', 150, 'running', 2),
    stream('t-1', 155, 'open', { after: 2 }),
    event('t-1', 160, 3),
    stream('t-1', 170, 'closed', { reason: 'reset' }),
    callback('t-1', 200),
    ended('t-1', 205),
    effect('t-1', 1, 110, { executor: 'api-0' }),
    effect('t-1', 2, 142, { executor: 'api-0' }),
  ],
  { pattern: 'webhook', faults: [plannedFault({})] },
)

describe('the trace of a task', async () => {
  const exported = async () => {
    const run = await runOf(oneTask)
    await using collector = await openCollector()
    const target = otlpTarget(collector.url, { OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20secret' })!
    const told = await exportRun(run, target, never)
    return { run, told, target, asked: collector.asked, problems: collector.problems, spans: collector.spans() }
  }

  test('is one trace, read by the shapes of OTLP: the task, and below it its requests and its work', async () => {
    const { problems, spans, asked, told, target } = await exported()
    expect(problems).toEqual([])
    expect(asked.map(({ path, headers }) => [path, headers['content-type'], headers['authorization']])).toEqual([
      ['/v1/traces', 'application/json', 'Bearer secret'],
    ])
    const [root, ...children] = spans
    expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
    expect(new Set(spans.map(({ spanId }) => spanId)).size).toBe(spans.length)
    expect(new Set(children.map(({ parentSpanId }) => parentSpanId))).toEqual(new Set([root!.spanId]))
    const atMs = (text: string): number => Number(BigInt(text) / 1_000_000n) - zeroMs
    const times = spans.map(({ name, startTimeUnixNano, endTimeUnixNano }) => [
      name,
      atMs(startTimeUnixNano),
      atMs(endTimeUnixNano),
    ])
    expect(times).toEqual([
      ['task webhook', 100, 205],
      ['submit', 105, 115],
      ['submit', 125, 130],
      ['poll', 149, 150],
      ['stream', 155, 170],
      ['step 1', expect.any(Number), expect.any(Number)],
      ['step 2', expect.any(Number), expect.any(Number)],
    ])
    expect(exportSentence(told, target)).toBe(`7 spans of 1 tasks went to ${target.url}`)
  })

  test('says what became of the task, and who was asked what', async () => {
    const { run, spans, asked } = await exported()
    const [root, lost, taken, , open] = spans
    const [row] = run.results.cells[0]!.tasks
    expect(valuesOf(root!.attributes)).toMatchObject({
      'outlast.cell': 'a.none.1',
      'outlast.cell_verdict': run.results.cells[0]!.verdict,
      'outlast.pattern': 'webhook',
      'outlast.arm': 'none',
      'outlast.task': 't-1',
      'outlast.task.id': 'id-t-1',
      'outlast.outcome': 'ok',
      'outlast.via': 'callback',
      'outlast.exposed': row!.exposed,
      'outlast.overhead_ms': 5,
    })
    expect(root!.status).toEqual({ code: 1 })
    expect(valuesOf(lost!.attributes)).toMatchObject({ 'http.response.status_code': 503, 'outlast.answer': 'info' })
    expect(lost!.status).toEqual({ code: 2, message: 'HTTP 503' })
    expect(valuesOf(taken!.attributes)).toMatchObject({ 'outlast.attempt': 2, 'outlast.api': 'client->api-0' })
    expect(taken!.status).toBeUndefined()
    expect(valuesOf(open!.attributes)).toMatchObject({ 'outlast.after': 2, 'outlast.closed': 'reset' })
    expect(open!.events.map(({ name }) => name)).toEqual(['x'])
    expect(asked[0]!.resource).toMatchObject({ 'service.name': 'outlast', 'outlast.run': run.results.run })
  })

  test('has the faults of its time as events, and the callback', async () => {
    const { spans } = await exported()
    const events = spans[0]!.events.map(({ name, timeUnixNano, attributes }) => [
      name,
      Number(BigInt(timeUnixNano) / 1_000_000n) - zeroMs,
      valuesOf(attributes),
    ])
    expect(events).toEqual([
      ['fault kill', 120, expect.objectContaining({ 'outlast.fault.id': 'kill-1#1', 'outlast.fault.touched': true })],
      ['healed kill', 141, expect.objectContaining({ 'outlast.fault.healed_at': '2026-11-29T12:00:00.141Z' })],
      ['callback', 200, expect.objectContaining({ 'http.response.status_code': 204 })],
    ])
  })

  test('has the ids that its requests carried', async () => {
    const { run, spans } = await exported()
    const ids = traceIdsOf(run.results.plan, run.results.environment)('a.none.1', 't-1')
    expect(spans[0]).toMatchObject(ids)
    expect(traceparentOf(ids)).toBe(`00-${spans[0]!.traceId}-${spans[0]!.spanId}-01`)
  })

  test('a task that failed is an error that says how', async () => {
    const run = await runOf(linked([load(), intend('t-1', 0), end('t-1', 300, 'info')]))
    await using collector = await openCollector()
    await exportRun(run, otlpTarget(collector.url, {})!, never)
    const [root] = collector.spans()
    expect(root!.status).toMatchObject({ code: 2, message: expect.stringMatching(/^lost_everywhere: neither/) })
  })
})

test('ids tell runs, cells and tasks apart, and are the same at every asking', () => {
  const idsOf = (startedAt: string, seed = 1) => traceIdsOf({ scenario: 's', seed }, { startedAt })
  const first = idsOf(zeroAt)('a.none.1', 't-1')
  expect(idsOf(zeroAt)('a.none.1', 't-1')).toEqual(first)
  const others = [
    idsOf('2026-11-29T12:00:00.001Z')('a.none.1', 't-1'),
    idsOf(zeroAt, 2)('a.none.1', 't-1'),
    idsOf(zeroAt)('a.none.2', 't-1'),
    idsOf(zeroAt)('a.none.1', 't-2'),
  ]
  expect(new Set([first, ...others].map(({ traceId }) => traceId)).size).toBe(5)
  expect(traceparentOf(first)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
})

const all = Array.from({ length: 400 }, (_, i) => `t-${i + 1}`)
const many = linked([
  load(),
  ...all.flatMap((task, i) => [intend(task, i), ended(task, i + 100)]),
  ...all.flatMap((task) => [effect(task, 1, 500), effect(task, 2, 560)]),
])

describe('a collector', () => {
  async function meet(answer: Answer, patienceOf: Patience = patience, env: Readonly<Record<string, string>> = {}) {
    const run = await runOf(many)
    const before = await readFile(join(run.folder.path, 'plan.json'))
    const results = structuredClone(run.results)
    await using collector = await openCollector(answer)
    const target = otlpTarget(collector.url, env)!
    const told = await exportRun(run, target, never, patienceOf)
    expect(run.results).toEqual(results)
    expect(await readFile(join(run.folder.path, 'plan.json'))).toEqual(before)
    return { told, asked: collector.asked, sentence: exportSentence(told, target).replace(target.shown, 'URL') }
  }

  test('that takes all gets it in requests of a size that it can take, one after the other', async () => {
    const { asked, sentence } = await meet(takeAll)
    expect(asked.map(({ spans }) => spans.length)).toEqual([512, 512, 176])
    expect(Math.max(...asked.map(({ bytes }) => bytes))).toBeLessThan(1_100_000)
    expect(sentence).toBe('1200 spans of 400 tasks went to URL')
  })

  test.each<[string, Answer, string]>([
    ['refuses', (response) => void response.writeHead(400).end('no'), 'none went to URL: it answered HTTP 400'],
    [
      'redirects',
      (response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      'none went to URL: it answered HTTP 302',
    ],
    [
      'answers nonsense',
      (response) => void response.end('<html>hello</html>'),
      'none went to URL: it answered HTTP 200, and what came with it is no answer of OTLP',
    ],
    [
      'answers without end',
      (response) => void response.write('x'.repeat(100_000)),
      expect.stringMatching(/^none went to URL: .*(?:maxResponseSize|MAX_SIZE|too large)/i),
    ],
    [
      'hangs up',
      (response) => void response.destroy(),
      expect.stringMatching(/^none went to URL: (?:UND_ERR_SOCKET|ECONNRESET)/),
    ],
    [
      'is overloaded to the end',
      (response) => void response.writeHead(503).end(),
      'none went to URL: it answered HTTP 503',
    ],
    [
      'takes a part',
      (response, nth) => (nth === 2 ? response.writeHead(500).end() : takeAll(response, nth)),
      '512 spans went to URL, and no more: it answered HTTP 500',
    ],
    [
      'rejects some',
      (response) => void response.end('{"partialSuccess":{"rejectedSpans":"12","errorMessage":"too old"}}'),
      '1164 spans went to URL, and no more: it rejected 36: too old',
    ],
    ['says nothing with its 200', (response) => void response.end(), '1200 spans of 400 tasks went to URL'],
  ])('that %s is one sentence', async (_, answer, sentence) => {
    expect((await meet(answer)).sentence).toEqual(sentence)
  })

  test('that is busy for a moment is asked again', async () => {
    const { asked, sentence } = await meet((response, nth) =>
      nth < 3 ? void response.writeHead(429).end() : takeAll(response, nth),
    )
    expect(asked.length).toBe(5)
    expect(sentence).toBe('1200 spans of 400 tasks went to URL')
  })

  test('that never answers is left after a while, and not asked twice', async () => {
    const { asked, sentence } = await meet(() => {}, { ...patience, requestMs: 300 })
    expect(sentence).toBe('none went to URL: it did not answer within 0.3 s')
    expect(asked.length).toBeLessThan(2)
  })

  test('that gets slower and slower is left when all of the time is over', async () => {
    const stuck: Answer = (response, nth) => void (nth === 1 && takeAll(response, nth))
    const { sentence } = await meet(stuck, { ...patience, wholeMs: 2_000 })
    expect(sentence).toBe('512 spans went to URL, and no more: it was not done within 2 s')
  })

  test('that is not there is one sentence', async () => {
    const { url } = await (async () => {
      await using gone = await openCollector()
      return gone
    })()
    const told = await exportRun(await runOf(many), otlpTarget(url, {})!, never, patience)
    expect(told).toMatchObject({ sent: 0, problem: expect.stringMatching(/ECONNREFUSED/) })
  })

  test('never makes us say what is secret, also where it repeats it', async () => {
    const echo: Answer = (response) =>
      void response.end('{"partialSuccess":{"rejectedSpans":1,"errorMessage":"bad key s3cr3t-k3y\\u001b[2J"}}')
    const { sentence } = await meet(echo, patience, { OTEL_EXPORTER_OTLP_HEADERS: 'x-api-key=s3cr3t-k3y' })
    expect(sentence).toMatch(/bad key \*\*\*\\x1b\[2J/)
  })

  test('that is waited for when the user leaves is left', async () => {
    await using collector = await openCollector(() => {})
    const told = await exportRun(await runOf(many), otlpTarget(collector.url, {})!, AbortSignal.timeout(50), patience)
    expect(told.problem).toBe('it was interrupted')
  })
})

test('a run of an older version has no time of day, and so no traces: that is said', async () => {
  const run = await runOf(linked([load({}), intend('t-1', 0), ended('t-1', 100)]))
  await using collector = await openCollector()
  const target = otlpTarget(collector.url, {})!
  expect(exportSentence(await exportRun(run, target, never), target)).toMatch(
    /^0 spans of 0 tasks .*; 1 cells have none/,
  )
  expect(collector.asked).toEqual([])
})

test('a history that is gone is one sentence too', async () => {
  const run = await runOf(many)
  await using collector = await openCollector()
  await writeFile(join(run.folder.path, 'cells', 'a.none.1', 'history.ndjson'), 'damaged\nlines\n')
  expect((await exportRun(run, otlpTarget(collector.url, {})!, never)).problem).toMatch(/history.ndjson:1/)
})

describe('where traces go', () => {
  const endpoint = 'http://127.0.0.1:4318'
  const own = 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'
  const common = 'OTEL_EXPORTER_OTLP_ENDPOINT'
  test.each<[string | undefined, Readonly<Record<string, string>>, string | undefined]>([
    [endpoint, {}, `${endpoint}/v1/traces`],
    [`${endpoint}/`, {}, `${endpoint}/v1/traces`],
    [`${endpoint}/v1/traces`, {}, `${endpoint}/v1/traces`],
    ['https://otlp.example.com/otlp?key=k', {}, 'https://otlp.example.com/otlp/v1/traces?key=k'],
    [undefined, {}, undefined],
    [undefined, { [common]: '' }, undefined],
    [undefined, { [common]: endpoint }, `${endpoint}/v1/traces`],
    [undefined, { [common]: endpoint, [own]: `${endpoint}/here` }, `${endpoint}/here`],
    [undefined, { [common]: endpoint, OTEL_SDK_DISABLED: 'true' }, undefined],
    [undefined, { [common]: endpoint, OTEL_TRACES_EXPORTER: 'none' }, undefined],
    [endpoint, { OTEL_SDK_DISABLED: 'true' }, `${endpoint}/v1/traces`],
  ])('--otlp %s with %j: %s', (option, env, url) => {
    expect(otlpTarget(option, env)?.url).toBe(url)
  })

  test('a key in the address is sent and not shown', () => {
    expect(otlpTarget('https://otlp.example.com/?key=k', {})!.shown).toBe('https://otlp.example.com/v1/traces')
  })

  test('headers are those of traces, else the common ones, with their escapes undone', () => {
    const env = { OTEL_EXPORTER_OTLP_HEADERS: 'a=1, B = two%2C%20three ,' }
    expect(otlpTarget(endpoint, env)!.headers).toEqual({ a: '1', b: 'two, three' })
    const both = { ...env, OTEL_EXPORTER_OTLP_TRACES_HEADERS: 'c=3' }
    expect(otlpTarget(endpoint, both)!.headers).toEqual({ c: '3' })
  })

  test.each<[string, Readonly<Record<string, string>>, readonly string[]]>([
    ['localhost:4318', {}, ['--otlp: is no address of http or https; write for example http://127.0.0.1:4318']],
    ['nonsense', {}, ['--otlp: is no address of http or https; write for example http://127.0.0.1:4318']],
    ['http://u:s3cr3t@h', {}, ['--otlp: has a user name or password in it; put them into OTEL_EXPORTER_OTLP_HEADERS']],
    [
      'nonsense',
      { OTEL_EXPORTER_OTLP_HEADERS: 's3cr3t,x=%s3cr3t,y=s3cr3t%0A,host=s3cr3t' },
      [
        '--otlp: is no address of http or https; write for example http://127.0.0.1:4318',
        'OTEL_EXPORTER_OTLP_HEADERS: header 1 is no name=value',
        'OTEL_EXPORTER_OTLP_HEADERS: header 2 (x) has a value that no header can carry',
        'OTEL_EXPORTER_OTLP_HEADERS: header 3 (y) has a value that no header can carry',
        'OTEL_EXPORTER_OTLP_HEADERS: header 4 is host, which outlast sets itself',
      ],
    ],
  ])('%s with %j is refused with all that is wrong, and with no secret', (option, env, problems) => {
    let said: readonly string[] = []
    try {
      otlpTarget(option, env)
    } catch (error) {
      said = (error as { readonly problems: readonly string[] }).problems
    }
    expect(said).toEqual(problems)
    expect(said.join()).not.toContain('s3cr3t')
  })
})
