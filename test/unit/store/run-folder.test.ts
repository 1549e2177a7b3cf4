import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { UsageError } from '../../../harness/core/errors.ts'
import { cellBegan, cellFolder, createCell } from '../../../harness/store/run-folder.ts'
import * as Folder from '../../../harness/store/run-folder.ts'
import { study } from '../reports/study.ts'

let out: string
beforeAll(async () => {
  out = await mkdtemp(join(tmpdir(), 'outlast-runs-'))
})
afterAll(() => rm(out, { recursive: true }))

const results = study(5)
const start = { ...results, schedule: '{ "kept": "to the byte" }', scenarioText: 'name: fiction\n' }

test('a run is read back as it was written', async () => {
  const made = await Folder.createRun(out, start)
  expect(made.name).toBe('20260413T140500Z-fiction-42')
  await Folder.writeResults(made, results)
  const run = await Folder.openRun(made.path)
  expect(await Folder.readPlan(run)).toEqual(results.plan)
  expect(await Folder.readEnvironment(run)).toEqual(results.environment)
  expect(await Folder.readResults(run)).toEqual(results)
  expect(await readFile(join(run.path, 'scenario.yaml'), 'utf8')).toBe(start.scenarioText)
  expect(await readFile(join(run.path, 'schedule.json'), 'utf8')).toBe(start.schedule)
})

test('a plan with one cell twice, whose tasks would count twice, is refused', async () => {
  const run = await Folder.createRun(join(out, 'twice'), start)
  const { cells, ...rest } = results.plan
  await writeFile(join(run.path, 'plan.json'), JSON.stringify({ ...rest, cells: [...cells, cells[0]] }))
  await expect(Folder.readPlan(run)).rejects.toThrow(/plan\.json: at cells: two cells have the same id/)
})

test('a run never writes into the folder of another, and runs are listed', async () => {
  const again = join(out, 'again')
  const runs = await Promise.all([1, 2, 3].map(() => Folder.createRun(again, start)))
  expect(new Set(runs.map(({ path }) => path)).size).toBe(3)
  await mkdir(join(again, 'something-else'))
  expect(await Folder.listRuns(again)).toEqual(runs.toSorted((a, b) => (a.name < b.name ? -1 : 1)))
  expect(await Folder.listRuns(join(out, 'nowhere'))).toEqual([])
})

test('a scenario name cannot lead out of the folder', async () => {
  const plan = { ...start.plan, scenario: '../../elsewhere' }
  const run = await Folder.createRun(out, { ...start, plan })
  expect(run.path.startsWith(join(out, '20260413T140500Z-'))).toBe(true)
})

test('a cell has begun once it has a history', async () => {
  const run = await Folder.createRun(join(out, 'cells'), start)
  const cell = await createCell(run, 'webhook.kill.1')
  expect(await cellBegan(run, 'webhook.kill.1')).toBe(false)
  await writeFile(cell.history, '')
  expect(await cellBegan(run, 'webhook.kill.1')).toBe(true)
  expect(cellFolder(run, 'webhook.kill.1')).toEqual(cell)
})

async function refusal(path: string): Promise<string> {
  const error = await Folder.openRun(path).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(UsageError)
  return (error as UsageError).message
}

test('what is not a run folder is refused with the reason', async () => {
  const file = join(out, 'file')
  await writeFile(file, '')
  expect(await refusal(join(out, 'none'))).toMatch(/there is no run at .*none/)
  expect(await refusal(file)).toMatch(/not a run folder: it is a regular file/)
  expect(await refusal(out)).toMatch(/not a run folder: it has no plan.json/)
})

test.each([
  [
    'another version',
    '{"version":5}',
    /another version of outlast: it is of version 5, this one reads version 1 and 2 and 3 and 4/,
  ],
  ['a plan that is none', 'null', /plan.json: it has no version/],
  ['a plan whose version is damaged', '{"version":"1"}', /plan.json: it has no version/],
  ['a torn plan', '{"version":1,', /plan.json is not JSON/],
  ['a plan that lacks its fields', '{"version":1}', /plan.json: at scenario: /],
])('%s is refused with the reason', async (name, text, message) => {
  const path = join(out, name)
  await mkdir(path)
  await writeFile(join(path, 'plan.json'), text)
  await expect(Folder.readPlan(await Folder.openRun(path))).rejects.toThrow(message)
})

test('results of another version are refused', async () => {
  const run = await Folder.createRun(join(out, 'other'), start)
  await writeFile(join(run.path, 'results.json'), JSON.stringify({ ...results, version: 0 }))
  await expect(Folder.readResults(run)).rejects.toThrow(/of version 0/)
})
