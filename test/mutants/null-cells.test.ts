import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { outlast, root, temporaryFolders } from '../support/outlast.ts'
import { readResults, starvationOf } from '../support/undisturbed.ts'

/** A delivery whose server takes every key for a new one: the pattern that must not be measured. */
const wrongServer = `
import { createApi } from '../../contract/server/api.ts'

export default {
  routes: (backend, settings, drain) => {
    const submit = (one) => backend.submit({ ...one, key: crypto.randomUUID() })
    const wrong = new Proxy(backend, {
      get: (target, name) => (name === 'submit' ? submit : (...args) => target[name](...args)),
    })
    return createApi(wrong, settings, drain)
  },
}
`
const wrongDelivery = `
import polling from '../polling/delivery.ts'

export default { ...polling, name: 'forgetful' }
`
const scenario = `name: broken
question: Is a pattern measured that breaks the contract?
seed: 5
timeScale: 60
profile: smoke
patterns: [polling, forgetful+memory]
load: { tasks: 10, arrivals: uniform, rate: 60/min }
grace: 2m
arms: { none: [] }
health: { pacerLagP99: 500ms, eventLoopDelayP99: 500ms }
`

/** A checkout with one folder more: a delivery is found by its folder, as a user's would be. */
let checkout: string
beforeAll(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'test-of-outlast-checkout-'))
  for (const name of ['bin', 'harness', 'patterns', 'reports', 'scenarios', 'servers', 'package.json'])
    await cp(join(root, name), join(checkout, name), { recursive: true })
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'))
  const folder = join(checkout, 'patterns/deliveries/forgetful')
  await mkdir(folder)
  await writeFile(join(folder, 'server.ts'), wrongServer)
  await writeFile(join(folder, 'delivery.ts'), wrongDelivery)
  await writeFile(join(folder, 'client.ts'), "export { default } from '../polling/client.ts'\n")
  await writeFile(join(checkout, 'broken.yaml'), scenario)
})
afterAll(() => rm(checkout, { recursive: true, force: true }))

test(
  'a pattern that breaks the contract has null cells, and the others are measured',
  { timeout: 120_000 },
  async ({ skip }) => {
    await using folders = await temporaryFolders()
    const run = await outlast(['run', 'broken.yaml', '--out', folders.out], folders.tmp, checkout)
    expect(run.stderr).toMatch(/forgetful\+memory: not measured: fails idempotency\/concurrent: /)
    const folder = join(folders.out, (await readdir(folders.out))[0]!)
    const results = await readResults(folder)
    const why = results.cells.map(starvationOf).find((reason) => reason !== undefined)
    skip(why !== undefined, `this machine is too busy: ${why}`)
    expect(run.code).toBe(1)
    expect(results.verdict).toBe('FAIL')
    expect(results.reasons[0]).toMatch(/^forgetful\+memory: not measured: fails idempotency\/concurrent: tasks of ten/)
    expect(results.cells.map(({ cell }) => [cell.pattern, cell.tasks])).toEqual([['polling', 10]])
    expect(await readdir(join(folder, 'cells'))).toEqual(['polling.none.1'])
    for (const report of [run.stdout, await readFile(join(folder, 'report.html'), 'utf8')])
      expect(report).toContain('not measured: fails idempotency/concurrent')

    const again = await outlast(['report', folder, '--format', 'markdown'], folders.tmp, checkout)
    expect(again.code).toBe(0)
    expect(await readFile(join(folder, 'report.md'), 'utf8')).toContain('not measured: fails idempotency/concurrent')
    const checked = await outlast(['check', folder], folders.tmp, checkout)
    expect([checked.code, checked.stdout]).toEqual([1, expect.stringContaining('not measured: fails')])
    expect(await readdir(folders.tmp)).toEqual([])
  },
)

test('conform says what is wrong with it, and exits with 1', { timeout: 120_000 }, async () => {
  await using folders = await temporaryFolders()
  const run = await outlast(['conform', 'forgetful+memory', '--cases', 'idempotency'], folders.tmp, checkout)
  expect(run.stdout).toMatch(
    /^ {2}fail {7}idempotency\/concurrent: tasks of ten submissions of one key: 10, must be 1$/m,
  )
  expect(run.stdout).toMatch(/^forgetful\+memory: 1 pass, \d fail, 0 undecided, 0 n\/a, 0 error$/m)
  expect(run.code).toBe(1)
  expect(await readdir(folders.tmp)).toEqual([])
})

test('--no-verify measures it all the same, and every report says so', { timeout: 120_000 }, async () => {
  await using folders = await temporaryFolders()
  const run = await outlast(['run', 'broken.yaml', '--no-verify', '--out', folders.out], folders.tmp, checkout)
  expect(run.stdout).toContain('The patterns were not held against the task contract before they were measured.')
  const folder = join(folders.out, (await readdir(folders.out))[0]!)
  expect((await readdir(join(folder, 'cells'))).toSorted()).toEqual(['forgetful+memory.none.1', 'polling.none.1'])
})
