import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { temporaryFolders } from '../support/outlast.ts'
import { runUndisturbed } from '../support/undisturbed.ts'

const scenario = `name: pairs
question: Does any delivery run on any engine?
seed: 3
timeScale: 30
profile: smoke
patterns: [webhook+restate, sync+postgres, durable-restate]
load: { tasks: 24, arrivals: uniform, rate: 6/min }
grace: 4m
replicas: { api: 1, executor: 2 }
restartDelay: 30s
arms:
  kill:
    - { fault: kill, target: executor-*, on: { task: 6, step: 1, after: 10s }, for: 30s }
health: { pacerLagP99: 500ms, eventLoopDelayP99: 500ms }
`

it('any delivery runs on any engine, through a kill of all executors that a step of a task sets off, and nothing durable is lost', async (test) => {
  await using folders = await temporaryFolders()
  const file = join(folders.out, '..', 'pairs.yaml')
  await writeFile(file, scenario)
  const { results, code } = await runUndisturbed([file], folders, test)
  expect(results.reasons).toEqual([])
  expect(code).toBe(0)
  for (const { cell, faults, serverSuccess } of results.cells) {
    expect([cell.id, faults.length > 0, faults.filter(({ proven }) => !proven)]).toEqual([cell.id, true, []])
    expect([cell.id, serverSuccess.successes]).toEqual([cell.id, 24])
  }
  expect(await readdir(folders.tmp)).toEqual([])
})
