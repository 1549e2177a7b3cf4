import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, it, type TestContext } from 'vitest'
import type { CellResult } from '../../harness/model/results.ts'
import { runtimes } from '../support/deployment.ts'
import { refuseCapabilities } from '../support/docker-socket.ts'
import { type Finished, outlast, temporaryFolders } from '../support/outlast.ts'
import { readResults, requireQuiet, starvation } from '../support/undisturbed.ts'

const reason = await runtimes.get('docker')!.probe()
if (reason) console.log(`faults that are impossible on docker skipped: ${reason}`)

/** Long enough for a fault to be tried, and for its cell to end. */
const scenario = (faults: readonly string[]): string => `
name: impossible
question: Does a fault that cannot be say so?
seed: 7
timeScale: 60
profile: smoke
patterns: [polling]
load: { tasks: 40, arrivals: uniform, rate: 10/min }
grace: 2m
replicas: { api: 2, executor: 2 }
restartDelay: 30s
arms:
  tried:
${faults.map((fault) => `    - { ${fault} }`).join('\n')}
health: { pacerLagP99: 500ms, eventLoopDelayP99: 500ms }
`

describe.skipIf(reason !== undefined)('on docker, a fault that is impossible', () => {
  const { DOCKER_HOST } = process.env
  afterEach(() => {
    if (DOCKER_HOST === undefined) delete process.env['DOCKER_HOST']
    else process.env['DOCKER_HOST'] = DOCKER_HOST
  })

  it('for want of NET_ADMIN is not applied, and its cell is inconclusive', async (test) => {
    await using folders = await temporaryFolders()
    await using socket = await refuseCapabilities(folders.tmp)
    process.env['DOCKER_HOST'] = socket.url
    const { run, cell } = await tryFaults(folders, ['fault: drop, target: client->api-0, at: 1m, for: 30s'], test)
    expect(socket.changed()).toBeGreaterThan(0)
    expect(run.code).toBe(2)
    expect(cell?.verdict).toBe('INCONCLUSIVE')
    expect(cell?.faults).toMatchObject([{ state: 'not-applied', proven: false }])
    expect(cell?.faults[0]?.reason).toMatch(/NET_ADMIN is missing/)
    // Nothing was broken, and everything went through the links all the same.
    expect(cell?.tasks.every(({ outcome }) => outcome === 'ok')).toBe(true)
    expect(run.stdout).toMatch(/NET_ADMIN/)
  })

  it('because its target is dead already is not applied, and its cell is inconclusive', async (test) => {
    await using folders = await temporaryFolders()
    const kill = (after: string) =>
      `fault: kill, target: executor-0, on: { task: 2, step: 1, after: ${after} }, for: 60s`
    const { run, cell } = await tryFaults(folders, [kill('0s'), kill('30s')], test)
    expect(run.code).toBe(2)
    expect(cell?.verdict).toBe('INCONCLUSIVE')
    expect(cell?.faults).toMatchObject([{ proven: true }, { state: 'not-applied' }])
    expect(cell?.faults[1]?.reason).toMatch(/not running/)
  })

  it('because there is no such link is refused before anything starts', async () => {
    await using folders = await temporaryFolders()
    const { run } = await tryFaults(folders, ['fault: drop, target: client->apo-0, at: 1m, for: 30s'])
    expect(run.code).toBe(3)
    expect(run.stderr).toMatch(/scenario\.yaml:\d+.*client->apo-0/)
    expect(run.stderr).toMatch(/client->api/)
    expect(await readdir(folders.out)).toEqual([])
  })
})

async function tryFaults(
  { out, tmp }: { readonly out: string; readonly tmp: string },
  faults: readonly string[],
  test?: TestContext,
): Promise<{ readonly run: Finished; readonly cell: CellResult | undefined }> {
  const file = join(tmp, 'scenario.yaml')
  await writeFile(file, scenario(faults))
  const run = await outlast(['run', file, '--runtime', 'docker', '--out', out], tmp)
  const [folder] = await readdir(out)
  if (folder === undefined) return { run, cell: undefined }
  const results = await readResults(join(out, folder))
  if (test) requireQuiet(test, starvation(results))
  return { run, cell: results.cells[0] }
}
