import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runtimes } from '../support/deployment.ts'
import { temporaryFolders } from '../support/outlast.ts'
import { runUndisturbed } from '../support/undisturbed.ts'

const scenario = `
name: replaced
question: Who runs tasks after a node was killed?
seed: 7
timeScale: 60
profile: smoke
patterns: [polling]
load: { tasks: 60, arrivals: uniform, rate: 15/min }
grace: 2m
replicas: { api: 2, executor: 2 }
restartDelay: 30s
arms:
  same:
    - { fault: kill, target: executor-0, at: 30s, for: 15s }
  new:
    - { fault: kill, target: executor-0, at: 30s, for: 15s, identity: new }
health: { pacerLagP99: 500ms, eventLoopDelayP99: 500ms }
`

for (const runtime of runtimes.values()) {
  const reason = await runtime.probe()
  if (reason) console.log(`identities on runtime ${runtime.name} skipped: ${reason}`)
  describe.skipIf(reason !== undefined)(`on runtime ${runtime.name}, a killed node`, () => {
    it('comes back as the same node or as a new one, and takes up work', async (test) => {
      await using folders = await temporaryFolders()
      const file = join(folders.tmp, 'replaced.yaml')
      await writeFile(file, scenario)
      const { folder, ...run } = await runUndisturbed([file, '--no-verify', '--runtime', runtime.name], folders, test)
      expect(run.code, run.stdout + run.stderr).toBe(0)
      expect(await executorsUnder(folder, 'same')).toEqual(['api-0', 'api-1'])
      expect(await executorsUnder(folder, 'new')).toEqual(['api-0', 'api-0.1', 'api-1'])
    })
  })
}

/** Who executed steps, as the ledger heard it. */
async function executorsUnder(folder: string, arm: string): Promise<readonly string[]> {
  const text = await readFile(join(folder, 'cells', `polling.${arm}.1`, 'ledger.ndjson'), 'utf8')
  const names = Array.from(text.matchAll(/"executor":"([^"]+)"/g), ([, name]) => name!)
  return [...new Set(names)].toSorted()
}
