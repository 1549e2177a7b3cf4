import { expect, test } from 'vitest'
import { partsOf } from '../../../harness/live/parts.ts'
import { drawSystem } from '../../../harness/live/picture.ts'
import { nothingYet, watch } from '../../../harness/live/run-view.ts'
import { shapeOf } from '../../../harness/model/topology.ts'
import { planLinks, planNodes } from '../../../harness/model/topology.ts'
import memory from '../../../patterns/engines/memory/engine.ts'
import postgres from '../../../patterns/engines/postgres/engine.ts'
import temporal from '../../../patterns/engines/temporal/engine.ts'
import type { Progress } from '../../../harness/run/progress.ts'
import type { Service } from '../../../patterns/contract/types/engine.ts'

function shape(services: readonly Service[], replicas = { api: 2, executor: 3 }) {
  const nodes = planNodes({ services, replicas })
  return shapeOf({ nodes, links: planLinks(nodes, { tools: 'x:1', receiver: 'x:2' }) }, services)
}

test('a shape says who dials what, and what is outside', () => {
  const { nodes, links } = shape(postgres.services)
  expect(nodes.map(({ name }) => name)).toEqual(['store-0', 'worker-0', 'worker-1', 'worker-2', 'api-0', 'api-1'])
  const workers = ['worker-0', 'worker-1', 'worker-2']
  expect(Object.fromEntries(links.map(({ name, from, to }) => [name, [from, to]]))).toEqual({
    'client->api-0': [['client'], 'api-0'],
    'client->api-1': [['client'], 'api-1'],
    'api->store-0': [['api-0', 'api-1'], 'store-0'],
    'worker->store-0': [workers, 'store-0'],
    'worker->tools-0': [workers, 'tools'],
    'sender->receiver-0': [workers, 'receiver'],
  })
})

test('where API nodes do the work, it is they who dial the tools', () => {
  const links = shape(memory.services).links
  expect(links.find(({ name }) => name === 'worker->tools-0')).toMatchObject({ from: ['api-0', 'api-1', 'api-2'] })
})

const nothing = { cell: 'c', nodes: new Map<string, string>(), faults: new Map() }

test.each([
  ['memory', memory.services],
  ['postgres', postgres.services],
  ['temporal', temporal.services],
])('the picture of %s has every node and every link, within its frame', (_, services) => {
  const one = shape(services)
  const { markup } = drawSystem(one, nothing)
  for (const { name } of one.nodes) expect(markup).toContain(`>${name}</text>`)
  for (const { name } of one.links) expect(markup).toContain(`<title>${name.replace('>', '&gt;')}</title>`)
  const [, width, height] = /viewBox="0 0 ([\d.]+) ([\d.]+)"/.exec(markup)!.map(Number)
  const boxes = [...markup.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="(\d+)" height="(\d+)"/g)].map((box) =>
    box.slice(1).map(Number),
  )
  expect(boxes.length).toBe(
    one.nodes.length + new Set(one.links.flatMap(({ from, to }) => [...from, to])).size - countNodes(one),
  )
  for (const [x, y, w, h] of boxes as [number, number, number, number][]) {
    expect(x + w).toBeLessThanOrEqual(width!)
    expect(y + h).toBeLessThanOrEqual(height!)
  }
  const places = boxes.map(([x, y]) => `${x} ${y}`)
  expect(new Set(places).size).toBe(places.length)
})

function countNodes({ nodes, links }: ReturnType<typeof shape>): number {
  const ends = new Set(links.flatMap(({ from, to }) => [...from, to]))
  return nodes.filter(({ name }) => ends.has(name)).length
}

test('a picture of many replicas is no wider than four of them', () => {
  const width = (executor: number): number =>
    Number(/width="([\d.]+)"/.exec(drawSystem(shape(postgres.services, { api: 2, executor }), nothing).markup)![1])
  expect(width(12)).toBe(width(4))
})

test('faults are where they are, in words too', () => {
  const faults = new Map([
    ['kill-1#1', { fault: 'kill', target: [{ node: 'worker-1' }] }],
    ['latency-1#1', { fault: 'latency', target: [{ link: 'client->api-0' }] }],
  ])
  const { markup } = drawSystem(shape(postgres.services), {
    ...nothing,
    nodes: new Map([['worker-1', 'exited']]),
    faults,
  })
  expect(markup).toContain(
    'aria-label="the system of c: worker-1 exited; kill on worker-1; latency on client-&gt;api-0"',
  )
  expect(markup).toMatch(/<g class="node down harmed">(?:(?!<\/g>).)*worker-1(?:(?!<\/g>).)*kill, exited/)
  expect(markup).toMatch(/<g class="link harmed"><title>client-&gt;api-0 latency<\/title>/)
  expect(markup.match(/harmed/g)).toHaveLength(2)
})

const cell = 'webhook.kill.1'
const start: Progress = { kind: 'cell-start', cell, pattern: 'webhook', arm: 'kill', tasks: 300, plannedMs: 1 }

test('parts that did not change are the same text, and a cell that has ended leaves for the table', () => {
  const one = [start].reduce(watch, nothingYet)
  const ids = (view: typeof one): readonly string[] => partsOf(view, 0).map(({ id }) => id)
  expect(ids(one)).toEqual(['status', 'verification', `cell-${cell}`, 'log'])
  expect(partsOf(one, 0).at(-1)!.html).toBe(partsOf(one, 9_000).at(-1)!.html)
  const two = watch(one, { kind: 'cell-end', cell, elapsedMs: 1, ok: 3, tasks: 300, error: 'no <port>' }, 7)
  expect(ids(two)).toEqual(['status', 'verification', `ended-${cell}`, 'log'])
  expect(partsOf(two, 0).at(-1)!.html).toContain('could not be carried out: no &lt;port&gt;')
})

test('every part is one element with its id', () => {
  const view = [start, { kind: 'verify-start', patterns: ['webhook'] } as Progress].reduce(watch, nothingYet)
  for (const { id, html } of partsOf(view, 0))
    expect(html).toMatch(new RegExp(`^<\\w+ id="${id.replaceAll('.', '\\.')}"`))
})

test('what the check before the run found is said as it is: undecided is no pass', () => {
  const ends: readonly Progress[] = [
    { kind: 'verify-start', patterns: ['a', 'b', 'c'] },
    { kind: 'verify-end', pattern: 'a', outcome: 'pass' },
    { kind: 'verify-end', pattern: 'b', outcome: 'undecided' },
    { kind: 'verify-end', pattern: 'c', outcome: 'fail' },
    start,
  ]
  const [, told] = partsOf(ends.reduce(watch, nothingYet), 0)
  expect(told!.html).toContain(
    '1 pattern keeps the contract; whether it is kept is undecided: b; not measured, because it is broken: c',
  )
})
