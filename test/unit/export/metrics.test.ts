import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { request } from 'undici'
import { expect, onTestFinished, test } from 'vitest'
import { createMetrics } from '../../../harness/export/metrics/metrics.ts'
import { serveMetrics } from '../../../harness/export/metrics/server.ts'
import type { FaultState } from '../../../harness/model/history.ts'
import { cellPlan } from '../stats/cells.ts'
import { study } from '../reports/study.ts'

const cells = [
  cellPlan({ id: 'a.kill.1', pattern: 'a', arm: 'kill', tasks: 3 }),
  cellPlan({ id: 'a.kill.2', pattern: 'a', arm: 'kill', tasks: 3, repetition: 2 }),
  cellPlan({ id: 'b.none.1', pattern: 'b', arm: 'none', tasks: 3 }),
]
const plan = { ...study(1).plan, scenario: 'odd "name"\\\n', seed: 7, runtime: 'process', cells }
const open = () => createMetrics(plan, '1.2.3')

/** A sample of the text format 0.0.4: its name, its labels as they are written, its value. */
const sample = /^([a-z_]+)(?:\{((?:[a-z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (-?[\d.]+(?:e[+-]?\d+)?|\+Inf|NaN)$/

function read(text: string): ReadonlyMap<string, number> {
  const samples = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || /^# (?:HELP [a-z_]+ .+|TYPE [a-z_]+ (?:counter|gauge|histogram))$/.test(line)) continue
    const [, name, labels = '', value] = sample.exec(line) ?? []
    expect([line, name]).toEqual([line, expect.any(String)])
    samples.set(`${name}{${labels}}`, Number(value))
  }
  return samples
}

const progress = (cell: string, started: number, finished: number) =>
  ({ kind: 'cell-progress', cell, elapsedMs: 1, started, finished, ok: finished, failed: 0, right: 0 }) as const
const change = (cell: string, id: string, state: FaultState) =>
  ({ kind: 'fault', cell, change: { id, fault: 'kill', target: [], state } }) as const

test('before anything happens there is the run, and its cells', async () => {
  const { text } = await open()
  const samples = read(await text())
  expect(samples.get('outlast_cells{state="planned"}')).toBe(3)
  expect(
    samples.get('outlast_run_info{version="1.2.3",scenario="odd \\"name\\"\\\\\\n",seed="7",runtime="process"}'),
  ).toBe(1)
})

test('tasks are counted by pattern, arm and outcome; repetitions together', async () => {
  const { onProgress, onTaskEnd, text } = await open()
  for (const cell of ['a.kill.1', 'a.kill.2']) {
    onProgress({ kind: 'cell-start', cell, pattern: 'a', arm: 'kill', tasks: 3, plannedMs: 1 })
    onProgress(progress(cell, 2, 0))
  }
  onTaskEnd({ cell: 'a.kill.1', ending: 'ok', overheadMs: 30 })
  onTaskEnd({ cell: 'a.kill.2', ending: 'late', overheadMs: 70_000 })
  onTaskEnd({ cell: 'a.kill.2', ending: 'unknown' })
  onProgress(progress('a.kill.1', 3, 1))
  onProgress(progress('a.kill.2', 3, 2))
  const samples = read(await text())
  expect(samples.get('outlast_tasks_started_total{pattern="a",arm="kill"}')).toBe(6)
  expect(samples.get('outlast_tasks_in_flight{pattern="a",arm="kill"}')).toBe(3)
  for (const outcome of ['ok', 'late', 'unknown'])
    expect(samples.get(`outlast_tasks_finished_total{pattern="a",arm="kill",outcome="${outcome}"}`)).toBe(1)
  const bucket = (le: string): number | undefined =>
    samples.get(`outlast_task_overhead_seconds_bucket{le="${le}",pattern="a",arm="kill"}`)
  expect([bucket('0.025'), bucket('0.05'), bucket('60'), bucket('120'), bucket('+Inf')]).toEqual([0, 1, 1, 2, 2])
  expect(samples.get('outlast_task_overhead_seconds_count{pattern="a",arm="kill"}')).toBe(2)
  expect(samples.get('outlast_task_overhead_seconds_sum{pattern="a",arm="kill"}')).toBeCloseTo(70.03)
  expect(samples.get('outlast_cells{state="running"}')).toBe(2)
})

test('the end of a cell leaves nothing in flight and no fault active', async () => {
  const { onProgress, text } = await open()
  onProgress({ kind: 'cell-start', cell: 'b.none.1', pattern: 'b', arm: 'none', tasks: 3, plannedMs: 1 })
  onProgress(progress('b.none.1', 3, 1))
  onProgress(change('b.none.1', 'kill-1#1', 'armed'))
  onProgress({ kind: 'cell-end', cell: 'b.none.1', elapsedMs: 1, ok: 3, tasks: 3 })
  const samples = read(await text())
  expect(samples.get('outlast_tasks_in_flight{pattern="b",arm="none"}')).toBe(0)
  expect(samples.get('outlast_faults_active{pattern="b",arm="none",fault="kill"}')).toBe(0)
  expect(samples.get('outlast_cells{state="running"}')).toBe(0)
  expect(samples.get('outlast_cells{state="ended"}')).toBe(1)
})

test.each<[readonly FaultState[], number]>([
  [['armed'], 1],
  [['armed', 'proven'], 1],
  [['armed', 'lost'], 1],
  [['armed', 'proven', 'healed'], 0],
  [['armed', 'lost', 'healed'], 0],
  [['not-applied'], 0],
  [['skipped'], 0],
])('a fault that went through %j: %i active', async (states, active) => {
  const { onProgress, text } = await open()
  for (const state of states) onProgress(change('a.kill.1', 'kill-1#1', state))
  const samples = read(await text())
  expect(samples.get('outlast_faults_active{pattern="a",arm="kill",fault="kill"}') ?? 0).toBe(active)
  for (const state of states)
    expect(samples.get(`outlast_fault_changes_total{pattern="a",arm="kill",fault="kill",state="${state}"}`)).toBe(1)
})

test('what cannot be counted disturbs nobody', async () => {
  const { onTaskEnd, text } = await open()
  const odd = { cell: 'a.kill.1', ending: 'ok', overheadMs: 'much' } as unknown as Parameters<typeof onTaskEnd>[0]
  expect(() => onTaskEnd(odd)).not.toThrow()
  expect(() => onTaskEnd({ cell: 'of nobody', ending: 'ok' })).not.toThrow()
  read(await text())
})

test('they are served on loopback, at one path, to who only reads', async () => {
  const metrics = await open()
  await using server = await serveMetrics(metrics, 0)
  const ask = async (path: string, method = 'GET') => {
    const answer = await fetch(new URL(path, server.url), { method })
    return [answer.status, answer.headers.get('content-type'), await answer.text()] as const
  }
  expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/)
  expect(await ask('/metrics')).toEqual([
    200,
    expect.stringMatching(/^text\/plain; version=0\.0\.4/),
    await metrics.text(),
  ])
  expect((await ask('/metrics?x=1'))[0]).toBe(200)
  expect(await ask('/metrics', 'HEAD')).toEqual([200, expect.any(String), ''])
  expect((await ask('/'))[0]).toBe(404)
  expect((await ask('/metrics', 'POST'))[0]).toBe(405)
})

test('a page of somebody else’s, whose name means this machine, reads nothing', async () => {
  const metrics = await open()
  await using server = await serveMetrics(metrics, 0)
  const { port } = new URL(server.url)
  const ask = async (host: string): Promise<readonly [number, string]> => {
    const answer = await request(server.url, { headers: { host }, reset: true })
    return [answer.statusCode, await answer.body.text()]
  }
  for (const host of [
    `evil.example:${port}`,
    `localhost.evil.example:${port}`,
    `127.0.0.1:${Number(port) + 1}`,
    'localhost',
  ])
    expect([host, ...(await ask(host))]).toEqual([host, 421, 'no host of that name is here\n'])
  // Docker's own name for the machine that it runs on.
  for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `host.docker.internal:${port}`])
    expect([host, (await ask(host))[0]]).toEqual([host, 200])
})

test('who opens connections and says nothing takes no descriptor that the run needs', async () => {
  await using server = await serveMetrics(await open(), 0)
  const port = Number(new URL(server.url).port)
  const sockets = Array.from({ length: 200 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  onTestFinished(() => sockets.forEach((socket) => socket.destroy()))
  const isOpen = ({ closed, connecting }: Socket): boolean => !closed && !connecting
  await Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), once(socket, 'close')])))
  await expect.poll(() => sockets.filter(isOpen).length).toBeLessThanOrEqual(64)
})

test('a port that is taken is said', async () => {
  const other = createServer()
  await once(other.listen(0, '127.0.0.1'), 'listening')
  const { port } = other.address() as { port: number }
  await expect(serveMetrics(await open(), port)).rejects.toThrow(`--metrics ${port}: nobody can listen there: `)
  other.close()
})
