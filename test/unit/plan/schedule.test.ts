import { expect, test } from 'vitest'
import { compilePlan } from '../../../harness/plan/compile.ts'
import { previewPlan } from '../../../harness/plan/preview.ts'
import { extractSchedule, formatSchedule, parseSchedule } from '../../../harness/plan/schedule.ts'
import { catalog, scenario } from './catalog.ts'

const made = scenario({
  arms: 'none: []\nkill: [{ fault: kill, target: executor, every: 4m }]\nslow: [{ fault: latency, target: client->api, at: 1m, for: 1m, delay: 2s }]',
  tail: 'timeScale: 20\nrepetitions: 2',
})
const plan = compilePlan(made, catalog, { runtime: 'process', seed: 5 })
const text = formatSchedule(plan)
const replay = (edited: string) => parseSchedule(edited, 's.json', made, catalog)

test('is JSON, one firing a line', () => {
  expect(JSON.parse(text)).toEqual(extractSchedule(plan))
  expect(text.split('\n').filter((line) => line.includes('"kill-1#1"'))).toHaveLength(2)
})
test('replayed gives the same plan, seed included', () => {
  expect(compilePlan(made, catalog, { runtime: 'process', schedule: replay(text) })).toEqual(plan)
})
test('with a firing moved gives that firing', () => {
  const moved = compilePlan(made, catalog, {
    runtime: 'process',
    schedule: replay(text.replace('"atMs":3000', '"atMs":1234')),
  })
  const slow = moved.cells.filter(({ arm, repetition }) => arm === 'slow' && repetition === 1)
  expect(slow.flatMap(({ faults }) => faults.map(({ trigger }) => trigger))).toEqual([
    { kind: 'time', atMs: 1234 },
    { kind: 'time', atMs: 1234 },
  ])
})
test('lacks only what was not asked for', () => {
  const alone = text.replaceAll(/\n +\{"arm": "kill"[^]*?\]\},/g, '')
  const arms = made.arms.map(({ name }) => name).filter((name) => name !== 'kill')
  const schedule = replay(alone)
  expect(alone).not.toBe(text)
  expect(() => compilePlan(made, catalog, { runtime: 'process', schedule })).toThrow(/kill-1 .*never fires/)
  const { cells } = compilePlan(made, catalog, { runtime: 'process', schedule, selection: { arms } })
  expect(cells).toEqual(plan.cells.filter(({ arm }) => arm !== 'kill'))
})
test('contradicted by --seed is refused', () => {
  expect(() => compilePlan(made, catalog, { runtime: 'process', schedule: replay(text), seed: 6 })).toThrow(
    '--seed 6 contradicts the schedule, which was drawn with seed 5; leave --seed out',
  )
})
test('with a parameter that its fault does not read is refused, also one without a text of its own', () => {
  const more = text.replace('"params":{"delayMs"', '"params":{"params":{"a":[]},"delayMs"')
  expect(more).not.toBe(text)
  expect(() => replay(more)).toThrow(
    /^s\.json:\d+:\d+: arms\[2\]\.faults\[0\]\.params: unknown key "params".*; this fault reads delayMs/,
  )
})
test('with every firing of a fault removed is refused', () => {
  const none = text.replaceAll(/\n +\{"id":"latency.*/g, '')
  expect(() => compilePlan(made, catalog, { runtime: 'process', schedule: replay(none) })).toThrow(
    /latency-1 never fires in .*\.slow\.1/,
  )
})

test('of nodes that are hit together can be replayed', () => {
  const together = scenario({ arms: 'cut: [{ fault: partition, target: executor, at: 1m }]' })
  const full = compilePlan(together, catalog, { runtime: 'full' })
  const schedule = parseSchedule(formatSchedule(full), 's.json', together, catalog)
  expect(compilePlan(together, catalog, { runtime: 'full', schedule })).toEqual(full)
  expect(previewPlan(full)).toContain('partition-1#1  executor-*  for 30s  from=all')
})

test('after a moment can be replayed, and only so', () => {
  const raced = scenario({ arms: 'a: [{ fault: kill, target: api-of-task, on: { accepted: 3 } }]' })
  const full = compilePlan(raced, catalog, { runtime: 'process' })
  const written = formatSchedule(full)
  const parse = (edited: string) => parseSchedule(edited, 's.json', raced, catalog)
  expect(compilePlan(raced, catalog, { runtime: 'process', schedule: parse(written) })).toEqual(full)
  expect(previewPlan(full)).toMatch(/ms after the acceptance of task 3 +kill-1#1 +api-of-task +for 30s/)
  expect(() => parse(written.replace('"task":3', '"task":301'))).toThrow(/there is no task 301; write 1 to 300$/)
  const timed = written.replace(/"trigger":\{.*?\}/, '"trigger":{"kind":"time","atMs":1}')
  expect(() => parse(timed)).toThrow(/of-task goes with the trigger of an acceptance; write a number$/)
})

test.each([
  ['no JSON', '{', /^s\.json:1:2: not valid YAML/],
  [
    'another version',
    text.replace('"version": 1', '"version": 2'),
    /^s\.json:2:14: version: 2 is not allowed; write 1$/,
  ],
  [
    'another scenario',
    text.replace('"it"', '"that"'),
    /^s\.json:3:15: scenario: "that" is not what the scenario says; it says "it"$/,
  ],
  [
    'another timeScale',
    text.replace('"timeScale": 20', '"timeScale": 2'),
    /^s\.json:5:16: timeScale: 2 is not what the scenario says; it says 20$/,
  ],
  [
    'an unknown arm',
    text.replace('"arm": "slow"', '"arm": "fast"'),
    /: arms\[2\]\.arm: there is no arm "fast"; arms: none, kill, slow$/,
  ],
  [
    'an unknown firing',
    text.replace('latency-1#1', 'latency-2#1'),
    /faults\[0\]\.id: arm slow has no fault latency-2; faults: latency-1$/,
  ],
  [
    'an id without its number',
    text.replace('latency-1#1', 'latency-1'),
    /write the id of a fault and a number, as in kill-1#3$/,
  ],
  [
    'another fault',
    text.replace('"fault":"latency"', '"fault":"stall"'),
    /faults\[0\]\.fault: "stall" is not what the scenario says; it says "latency"$/,
  ],
  [
    'another link',
    text.replace('client->api', 'api->store'),
    /faults\[0\]\.target is not the scenario’s; write the same role or link$/,
  ],
  [
    'all nodes for a fault that has one',
    text.replace(/"ordinal":\d/, '"ordinal":"all"'),
    /faults\[0\]\.target\.ordinal: a firing of kill has one node; write its number$/,
  ],
  [
    'an ordinal that is none',
    text.replace(/"ordinal":\d/, '"ordinal":"any"'),
    /faults\[0\]\.target\.ordinal: write all, of-step, of-task or a whole number$/,
  ],
  [
    'who did a step, at a time',
    text.replace(/"ordinal":\d/, '"ordinal":"of-step"'),
    /faults\[0\]\.target\.ordinal: of-step goes with the trigger of a step; write a number$/,
  ],
  [
    'a negative time',
    text.replace('"atMs":3000', '"atMs":-1'),
    /faults\[0\]\.trigger\.atMs: -1 is too small; write at least 0$/,
  ],
  [
    'a time after the load',
    text.replace('"atMs":3000', '"atMs":99000000'),
    /faults\[0\]\.trigger\.atMs: 27h30m is after the load, which ends at .* of real time; write less$/,
  ],
  [
    'a time that is none',
    text.replace('"atMs":3000', '"atMs":1e308'),
    /faults\[0\]\.trigger\.atMs: 1e\+308 is too large; write at most 31536000000$/,
  ],
  [
    'a window without end',
    text.replace('"durationMs":3000', '"durationMs":1e12'),
    /faults\[0\]\.durationMs: 1000000000000 is too large; write at most 31536000000$/,
  ],
  [
    'a step that nobody may wait for',
    text.replace('{"kind":"time","atMs":3000}', '{"kind":"step","task":1,"step":1,"delayMs":0,"withinMs":0}'),
    /trigger\.withinMs: 0 is too small; write more than 0$/,
  ],
  [
    'a task beyond the load',
    text.replace('{"kind":"time","atMs":3000}', '{"kind":"step","task":99999,"step":99,"delayMs":0,"withinMs":1}'),
    /trigger\.task: there is no task 99999; write 1 to \d+\n.*trigger\.step: there is no step 99; write 1 to \d+$/,
  ],
  [
    'longer after a step than the load lasts',
    text.replace('{"kind":"time","atMs":3000}', '{"kind":"step","task":1,"step":1,"delayMs":1e9,"withinMs":1}'),
    /trigger\.delayMs: .* is longer than the load, which lasts .* of real time; write less$/,
  ],
  [
    'no time to wait for a step',
    text.replace('{"kind":"time","atMs":3000}', '{"kind":"step","task":1,"step":1,"delayMs":0,"withinMs":0}'),
    /trigger\.withinMs: /,
  ],
  [
    'more time to wait for a step than the load lasts',
    text.replace('{"kind":"time","atMs":3000}', '{"kind":"step","task":1,"step":1,"delayMs":0,"withinMs":80000000}'),
    /trigger\.withinMs: 22h13m is no time to wait for it; write at most .*, which is how long the load lasts$/,
  ],
  [
    'a wrong parameter',
    text.replace('"delayMs":100', '"delayMs":0'),
    /faults\[0\]\.params\.delayMs: 0 is too small; write more than 0$/,
  ],
  [
    'one firing twice',
    text.replace('kill-1#2', 'kill-1#1'),
    /faults\[1\]\.id: kill-1#1 is there twice; write it once$/,
  ],
  [
    'one arm twice',
    text.replace('"repetition": 2', '"repetition": 1'),
    /arms\[3\]: arm none\.1 is there twice; write it once$/,
  ],
])('a schedule with %s is refused with its place', (_, edited, message) => {
  expect(edited).not.toBe(text)
  expect(() => replay(edited)).toThrow(message)
})
test('with no firing of a fault at all is refused by its own name, with advice for a schedule', () => {
  const schedule = replay(text.replaceAll(/"faults": \[[^]*?\n {4}\]/g, '"faults": []'))
  expect(() => compilePlan(made, catalog, { runtime: 'process', schedule, scheduleFile: 's.json' })).toThrow(
    /s\.json: kill-1 never fires in .*\.kill\.1; write a firing of it under arm kill, repetition 1, or leave --schedule out/,
  )
})
