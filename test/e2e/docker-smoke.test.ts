import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runtimes } from '../support/deployment.ts'
import { standing } from '../support/docker-things.ts'
import { root, temporaryFolders } from '../support/outlast.ts'
import { runUndisturbed } from '../support/undisturbed.ts'

const reason = await runtimes.get('docker')!.probe()
if (reason) console.log(`the smoke run on docker skipped: ${reason}`)

describe.skipIf(reason !== undefined)('outlast run scenarios/smoke.yaml --runtime docker', () => {
  it('passes, says what it ran on, keeps the logs of every container, and leaves nothing', async (test) => {
    await using folders = await temporaryFolders()
    const before = await standing()
    const file = join(folders.tmp, 'smoke.yaml')
    await writeFile(file, await patientSmoke())
    const { folder, results, ...run } = await runUndisturbed([file, '--runtime', 'docker'], folders, test)
    expect(run.code, run.stdout + run.stderr).toBe(0)
    await rm(file)
    expect(await readdir(folders.tmp)).toEqual([])
    expect((await standing()).filter((one) => !before.includes(one))).toEqual([])

    expect(results.cells.flatMap(({ faults }) => faults).every(({ proven }) => proven)).toBe(true)

    const { runtime } = JSON.parse(await readFile(join(folder, 'environment.json'), 'utf8')) as {
      runtime: Record<string, string>
    }
    expect(runtime['engine']).toMatch(/Docker Engine .*API/)
    for (const image of ['node', 'router', 'postgres', 'toxiproxy', 'restate', 'nginx'])
      expect(runtime[`image ${image}`]).toMatch(/sha256:[0-9a-f]{64} \((registry|offline)\)$/)

    const logs = await readdir(join(folder, 'cells', 'durable-postgres.kill.1', 'logs'))
    expect(logs).toEqual(expect.arrayContaining(['links.log', 'store-0.log']))
  })
})

/** What is asked here is whether all of it works, also on a machine that does other things meanwhile. */
async function patientSmoke(): Promise<string> {
  const text = await readFile(join(root, 'scenarios/smoke.yaml'), 'utf8')
  return `${text}health: { pacerLagP99: 500ms, eventLoopDelayP99: 500ms }\n`
}
