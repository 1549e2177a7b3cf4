import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { RunResults } from '../../harness/model/results.ts'
import { exitCodeOf } from '../../harness/verdict/run.ts'
import { type Collector, openCollector, valuesOf } from '../support/collector.ts'
import { outlast, startOutlast, temporaryFolders } from '../support/outlast.ts'

const scenario = `
name: watched
question: do traces and metrics see what happens?
timeScale: 20
profile: smoke
patterns: [webhook, sse-polling]
load: { tasks: 24, rate: 300/min }
replicas: { api: 2, executor: 2 }
arms:
  none: []
  kill:
    - { fault: kill, target: executor-0, at: 10s, for: 10s }
`

/** Loaded into the process of the harness: writes down what its client sends, as undici itself tells it. */
const recorder = `
import { subscribe } from 'node:diagnostics_channel'
import { appendFileSync } from 'node:fs'
subscribe('undici:request:create', ({ request }) => {
  const headers = [request.headers].flat(2).map(String).join('|')
  const found = /traceparent[|: ]+(\\S+?)(?:[|\\r\\n]|$)/.exec(headers)
  appendFileSync(process.env.SEEN, \`\${request.method} \${request.path} \${found?.[1] ?? 'none'}\\n\`)
})
`

interface Watched {
  readonly results: RunResults
  readonly stdout: string
  readonly stderr: string
  readonly folder: string
  /** Requests of the harness's process: method, path, traceparent. */
  readonly sent: readonly string[]
}

async function watch(
  folders: { readonly out: string; readonly tmp: string },
  args: readonly string[],
  whileRunning?: (said: () => string) => Promise<void>,
): Promise<Watched> {
  const [file, module, seen] = ['watched.yaml', 'recorder.mjs', 'seen'].map((name) => join(folders.out, '..', name))
  await Promise.all([writeFile(file!, scenario), writeFile(module!, recorder), writeFile(seen!, '')])
  process.env['NODE_OPTIONS'] = `--import=${module}`
  process.env['SEEN'] = seen!
  const child = startOutlast(['run', file!, '--no-verify', '--out', folders.out, ...args], folders.tmp)
  delete process.env['NODE_OPTIONS']
  delete process.env['SEEN']
  let [stdout, stderr] = ['', '']
  child.stdout!.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr!.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const closed = once(child, 'close') as Promise<[number | null]>
  await Promise.race([whileRunning?.(() => stderr), closed])
  const [code] = await closed
  const folder = /^History +(\S+)\/cells$/m.exec(stdout)?.[1]
  if (folder === undefined) throw new Error(`it left no history: ${stdout}${stderr}`)
  const sent = (await readFile(seen!, 'utf8')).trimEnd().split('\n')
  const results = JSON.parse(await readFile(join(folder, 'results.json'), 'utf8')) as RunResults
  // A busy machine may decide the verdict, and nothing else the exit code.
  expect(code).toBe(exitCodeOf(results))
  return { results, stdout, stderr, folder, sent }
}

/** Of the tasks in the results of a run, all in one trace each, with the ids that its requests carried. */
async function expectWhole(run: Watched, collector: Collector): Promise<void> {
  const { results } = run
  const roots = collector.spans().filter(({ parentSpanId }) => parentSpanId === undefined)
  expect(collector.problems).toEqual([])
  const seen = roots.map(({ attributes }) => valuesOf(attributes))
  const name = (of: Readonly<Record<string, unknown>>): string =>
    ['outlast.cell', 'outlast.task', 'outlast.outcome'].map((key) => String(of[key])).join(' ')
  const wanted = results.cells.flatMap(({ cell, tasks }) =>
    tasks.map(({ task, outcome }) => `${cell.id} ${task} ${outcome}`),
  )
  expect(seen.map(name).toSorted()).toEqual(wanted.toSorted())
  const ids = new Set(roots.map(({ traceId, spanId }) => `00-${traceId}-${spanId}-01`))
  // The warm-up submits what no server takes, and reads of what became of tasks are the harness's own: both are of no trace.
  const submitted = run.sent.filter((line) => line.startsWith('POST /v1/tasks ')).map(traceparentIn)
  expect(new Set(submitted.filter((sent) => sent !== 'none'))).toEqual(ids)
  const others = run.sent.map(traceparentIn).filter((sent) => sent !== 'none' && !ids.has(sent))
  expect(others).toEqual([])
}

function traceparentIn(line: string): string {
  return line.split(' ').at(-1)!
}

async function read(url: string): Promise<string> {
  return (await fetch(url)).text()
}

function valueIn(text: string, sample: string): number {
  const lines = text.split('\n').filter((line) => line.startsWith(sample))
  return lines.reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0)
}

test('a run is seen while it runs, and traced when it is over; its requests carry the ids of its traces', async () => {
  await using folders = await temporaryFolders()
  await using collector = await openCollector()
  let [url, last] = ['', '']
  const run = await watch(
    folders,
    ['--arms', 'kill', '--otlp', collector.url, '--metrics', '0', '--format', 'parquet'],
    async (said) => {
      for (;;) {
        url ||= /^Metrics {2}(\S+)$/m.exec(said())?.[1] ?? ''
        const text = url === '' ? '' : await read(url).catch(() => undefined)
        if (text === undefined) return
        last = text || last
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
  )
  await expectWhole(run, collector)
  expect(run.stdout).toMatch(new RegExp(`^Traces +\\d+ spans of 48 tasks went to ${collector.url}/v1/traces$`, 'm'))
  // Their clients saw as many ends as there were tasks, by the last reading before the port was closed.
  expect(valueIn(last, 'outlast_tasks_finished_total{')).toBe(48)
  expect(valueIn(last, 'outlast_tasks_started_total{')).toBe(48)
  expect(valueIn(last, 'outlast_tasks_in_flight{')).toBe(0)
  expect(valueIn(last, 'outlast_fault_changes_total{pattern="webhook",arm="kill",fault="kill",state="armed"}')).toBe(1)
  const seen = run.results.cells.flatMap(({ tasks }) => tasks).filter(({ outcome }) => outcome === 'ok')
  expect(valueIn(last, 'outlast_task_overhead_seconds_count{')).toBeGreaterThanOrEqual(seen.length)
  const events = collector
    .spans()
    .flatMap((span) => span.events.map((event) => ({ name: event.name, ...valuesOf(event.attributes) })))
  expect(events).toContainEqual(expect.objectContaining({ name: 'fault kill', 'outlast.fault.id': 'kill-1#1' }))
})

test('a collector that ends in the middle of the run changes neither verdict nor exit code, and gets all of it later', async () => {
  await using folders = await temporaryFolders()
  const gone = await openCollector()
  const secret = 's3cr3t-of-the-collector'
  process.env['OTEL_EXPORTER_OTLP_HEADERS'] = `x-key=${secret}`
  const run = await watch(folders, ['--arms', 'none', '--patterns', 'webhook', '--otlp', gone.url], async (said) => {
    while (!said().includes(': load')) await new Promise((resolve) => setTimeout(resolve, 20))
    await gone[Symbol.asyncDispose]()
  }).finally(() => delete process.env['OTEL_EXPORTER_OTLP_HEADERS'])
  expect(run.stdout).toMatch(
    /^Traces +none went to \S+: connect ECONNREFUSED .*; outlast traces \S+ sends them later$/m,
  )
  expect(run.stdout + run.stderr).not.toContain(secret)
  await using back = await openCollector()
  const again = await outlast(['traces', run.folder, '--otlp', back.url], folders.tmp)
  expect([again.code, again.stdout]).toEqual([0, expect.stringMatching(/^\d+ spans of 24 tasks went to /)])
  await expectWhole(run, back)
})

test('a run that nobody wants to trace sends no traceparent', async () => {
  await using folders = await temporaryFolders()
  const run = await watch(folders, ['--arms', 'none', '--patterns', 'webhook'])
  const asked = run.sent.filter((line) => line.includes(' /v1/tasks'))
  expect(asked.length).toBeGreaterThanOrEqual(24)
  expect(asked.filter((line) => !line.endsWith(' none'))).toEqual([])
  expect(run.stdout).not.toContain('Traces')
})

test.each([
  [['run', 'scenarios/smoke.yaml', '--otlp', 'nonsense'], /^--otlp: is no address of http or https/],
  [['run', 'scenarios/smoke.yaml', '--metrics', 'many'], /A port is a whole number from 0 to 65535/],
  [['traces', 'latest', '--otlp', 'nonsense'], /^--otlp: is no address/],
])('outlast %j is refused before anything starts', async (args, message) => {
  const { code, stderr } = await outlast(args)
  expect([code, stderr]).toEqual([3, expect.stringMatching(message)])
})
