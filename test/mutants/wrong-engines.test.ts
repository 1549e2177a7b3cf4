import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RunResults } from '../../harness/model/results.ts'
import { outlast, root, temporaryFolders } from '../support/outlast.ts'

/**
 * The memory engine with a tool server of its own. That one acknowledges some effects with a nonce that it made up,
 * and the real one never hears of them. `garbled` sends what is no effect in their place. `honest` passes all on:
 * the
 * control, so that only the cheating can fail.
 */
const cheating = ({ isMadeUp, sends = [] }: Cheat): string => `
import { createServer } from 'node:http'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { openBackend as openMemory } from '../memory/backend.ts'

export async function openBackend(settings, notify) {
  const server = createServer(async (request, response) => {
    const body = await text(request)
    const { step } = JSON.parse(body)
    if (${isMadeUp}) {
      for (const said of ${JSON.stringify(sends)})
        await fetch(settings.toolsUrl + request.url, { method: 'POST', headers: { 'idempotency-key': 'k' }, body: said })
      return void response.end(JSON.stringify({ recorded: true, nonce: '0123456789abcdef01234567' }))
    }
    const headers = { 'content-type': 'application/json', 'idempotency-key': request.headers['idempotency-key'] }
    const answer = await fetch(settings.toolsUrl + request.url, { method: 'POST', headers, body })
    response.writeHead(answer.status).end(await answer.text())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return openMemory({ ...settings, toolsUrl: 'http://127.0.0.1:' + server.address().port }, notify)
}
`
interface Cheat {
  readonly isMadeUp: string
  readonly sends?: readonly string[]
}

const engines: Readonly<Record<string, Cheat>> = {
  honest: { isMadeUp: 'false' },
  inventive: { isMadeUp: 'true' },
  hasty: { isMadeUp: 'step === 3' },
  garbled: { isMadeUp: 'step === 2', sends: ['null', '{"step":"two"}'] },
}
const scenario = `name: cheating
question: Is a result right whose work nobody did?
seed: 5
timeScale: 60
profile: smoke
patterns: [polling+honest, polling+inventive, polling+hasty, polling+garbled]
load: { tasks: 10, arrivals: uniform, rate: 60/min }
grace: 20m
arms: { none: [] }
health: { pacerLagP99: 500ms, eventLoopDelayP99: 500ms }
`

/** A checkout with three folders more: an engine is found by its folder, as a user's would be. */
let checkout: string
beforeAll(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'test-of-outlast-checkout-'))
  for (const name of ['bin', 'harness', 'patterns', 'reports', 'scenarios', 'servers', 'package.json'])
    await cp(join(root, name), join(checkout, name), { recursive: true })
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'))
  for (const [name, cheat] of Object.entries(engines)) {
    const folder = join(checkout, 'patterns/engines', name)
    await mkdir(folder)
    await writeFile(join(folder, 'backend.ts'), cheating(cheat))
    await writeFile(
      join(folder, 'engine.ts'),
      `import memory from '../memory/engine.ts'\nexport default { ...memory, name: '${name}' }\n`,
    )
  }
  await writeFile(join(checkout, 'cheating.yaml'), scenario)
})
afterAll(() => rm(checkout, { recursive: true, force: true }))

test('an engine that makes its effects up has no right result, and FAIL', { timeout: 120_000 }, async () => {
  await using folders = await temporaryFolders()
  const run = await outlast(['run', 'cheating.yaml', '--no-verify', '--out', folders.out], folders.tmp, checkout)
  const folder = join(folders.out, (await readdir(folders.out))[0]!)
  const { cells } = JSON.parse(await readFile(join(folder, 'results.json'), 'utf8')) as RunResults
  // On a starved machine all cells are INVALID, which wins over FAIL: the checks say what was found nevertheless.
  const sick = cells.some(({ verdict }) => verdict === 'INVALID')
  expect(run.code, run.stderr).toBe(sick ? 4 : 1)
  const found = cells.map(({ cell, outcomes, checks }) => {
    const failed = checks.filter(({ status, promised }) => status === 'fail' && promised).map(({ checker }) => checker)
    return [cell.engine, outcomes.ok, outcomes.wrong, failed.toSorted()]
  })
  const broken = ['effect-at-least-once', 'result-integrity']
  const garbled = cells.find(({ cell }) => cell.engine === 'garbled')!
  const { counts } = garbled.checks.find(({ checker }) => checker === 'effect-at-least-once')!
  // A call that takes long is made again.
  expect(counts['refused']).toBeGreaterThanOrEqual(20)
  expect(found.toSorted(([a], [b]) => String(a).localeCompare(String(b)))).toEqual([
    ['garbled', 0, 10, broken],
    ['hasty', 0, 10, broken],
    ['honest', 10, 0, []],
    ['inventive', 0, 10, broken],
  ])
})

test('the contract finds it before it is measured', { timeout: 120_000 }, async () => {
  await using folders = await temporaryFolders()
  const run = await outlast(['conform', 'polling+hasty', '--cases', 'task'], folders.tmp, checkout)
  expect(run.stdout).toMatch(/^ {2}fail {7}task\/.*digest of the result/m)
  expect(run.code).toBe(1)
})
