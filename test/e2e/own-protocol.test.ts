import { cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { run } from '../support/programs.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const parts = ['bin', 'harness', 'patterns', 'reports', 'scenarios', 'servers', 'package.json']

let checkout: string

/** A checkout with one folder more: a delivery whose server knows nothing of the task API. */
beforeAll(async () => {
  checkout = await mkdtemp(join(tmpdir(), 'outlast-protocol-'))
  for (const part of parts) await cp(join(root, part), join(checkout, part), { recursive: true })
  await symlink(join(root, 'node_modules'), join(checkout, 'node_modules'))
  const [from, to] = [join(root, 'test/support/rpc'), join(checkout, 'patterns/deliveries/rpc')]
  await mkdir(to)
  await writeFile(join(checkout, 'scenarios/rpc.yaml'), scenario)
  for (const file of await readdir(from)) {
    const text = await readFile(join(from, file), 'utf8')
    await writeFile(join(to, file), text.replaceAll('../../../patterns/', '../../'))
  }
})

const scenario = `name: rpc
question: Is another protocol measured as any other?
seed: 7
timeScale: 60
profile: smoke
patterns: [rpc+memory]
load: { tasks: 20, arrivals: uniform, rate: 6/min }
grace: 1m
restartDelay: 30s
arms:
  kill:
    - { fault: kill, target: executor, at: 100s }
`

afterAll(() => rm(checkout, { recursive: true, force: true }))

function outlast(args: readonly string[]) {
  return run(process.execPath, ['bin/outlast.js', ...args], { cwd: checkout }).then(
    ({ stdout, stderr }) => ({ code: 0, out: stdout, err: stderr }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      out: stdout,
      err: stderr,
    }),
  )
}

test('a delivery of another protocol is checked by its own cases', { timeout: 120_000 }, async () => {
  const { code, out } = await outlast(['conform', 'rpc+memory'])
  expect(out).toMatch(/pass +rpc\/result\n/)
  expect(out).toMatch(/pass +rpc\/repeated\n/)
  expect(out).toContain('rpc+memory: 2 pass, 0 fail, 0 undecided, 0 n/a, 0 error')
  expect(code).toBe(0)
})

test('a run measures it, and learns from it what became of its tasks', { timeout: 180_000 }, async () => {
  const { code, out, err } = await outlast(['run', 'scenarios/rpc.yaml', '--out', 'runs'])
  expect(out + err).not.toContain('not measured')
  // Whether the machine was too busy to measure says nothing of the protocol.
  expect([0, 1, 2, 4], out + err).toContain(code)
  const [run] = await readdir(join(checkout, 'runs'))
  const cells = await readdir(join(checkout, 'runs', run!), { recursive: true })
  const histories = cells.filter((file) => file.endsWith('history.ndjson'))
  const texts = await Promise.all(histories.map((file) => readFile(join(checkout, 'runs', run!, file), 'utf8')))
  expect(texts.join('')).toContain('"via":"call"')
  const finals = texts
    .join('')
    .split('\n')
    .filter((line) => line.includes('"f":"final"'))
  for (const line of finals) expect(line).not.toContain('"error"')
})
