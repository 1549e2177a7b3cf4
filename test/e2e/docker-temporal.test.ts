import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { engines, runtimes } from '../support/deployment.ts'
import { standing } from '../support/docker-things.ts'
import { temporaryFolders } from '../support/outlast.ts'
import { runUndisturbed } from '../support/undisturbed.ts'
import { isWhole } from '../support/whole.ts'

const docker = runtimes.get('docker')!
/** Both at once, with their servers, keep two processors busy: then the run says nothing of them. */
const names = isWhole ? ['temporal', 'temporal-dev'] : ['temporal']
const reasons = await Promise.all(names.map(async (name) => docker.whyNot(engines.get(name)!.services)))
const reason = (await docker.probe()) ?? reasons.find((one) => one !== undefined)
if (reason) console.log(`Temporal on docker skipped: ${reason}`)

const tasks = 16
const scenario = `
name: temporal-in-containers
question: Does a task outlast every node of a Temporal server that lives in containers?
seed: 5
timeScale: 20
profile: smoke
patterns: [${names.map((name) => `sse-polling+${name}@tuned`).join(', ')}]
load: { tasks: ${tasks}, arrivals: uniform, rate: 4/min }
grace: 15m
sideBySide: 1
replicas: { api: 1, executor: 2 }
restartDelay: 30s
arms:
  nodes:
    - { fault: kill, target: worker-0, on: { task: 2, step: 1, after: 5s }, for: 30s }
    - { fault: kill, target: engine-0, at: 120s, for: 30s }
    - { fault: kill, target: store-0, at: 200s, for: 30s }
  links:
    - { fault: drop, target: worker->engine-0, at: 30s, for: 60s }
    - { fault: partition, target: engine-0, at: 150s, for: 40s }
health: { pacerLagP99: 2s, eventLoopDelayP99: 2s }
`

describe.skipIf(reason !== undefined)(`${names.join(' and ')} on docker`, () => {
  it('lose nothing when worker, server and database are killed or cut off, and leave nothing', async (test) => {
    await using folders = await temporaryFolders()
    const before = await standing()
    const file = join(folders.out, '..', 'temporal.yaml')
    await writeFile(file, scenario)
    const { results, ...run } = await runUndisturbed([file, '--runtime', 'docker'], folders, test)
    expect([results.reasons, results.plan.notApplicable]).toEqual([[], []])
    expect(run.code, run.stdout + run.stderr).toBe(0)

    expect(results.cells).toHaveLength(2 * names.length)
    for (const { cell, faults, serverSuccess } of results.cells) {
      // The dev server is its own database: nothing to kill beside it.
      const planned = cell.arm === 'links' ? 2 : cell.engine === 'temporal' ? 3 : 2
      expect([cell.id, faults.map(({ proven }) => proven)]).toEqual([cell.id, Array(planned).fill(true)])
      expect([cell.id, serverSuccess.successes]).toEqual([cell.id, tasks])
    }
    expect(await readdir(folders.tmp)).toEqual([])
    expect((await standing()).filter((one) => !before.includes(one))).toEqual([])
  })
})
