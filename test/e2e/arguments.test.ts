import { once } from 'node:events'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { spawn } from '../support/programs.ts'

const bin = fileURLToPath(new URL('../../bin/outlast.js', import.meta.url))
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'outlast-cli-'))
})
afterAll(() => rm(folder, { recursive: true }))

interface Answer {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

async function outlast(...args: readonly string[]): Promise<Answer> {
  const child = spawn(process.execPath, [bin, ...args], { cwd: folder, env: { ...process.env, NO_COLOR: '1' } })
  const [out, err]: [string[], string[]] = [[], []]
  child.stdout.on('data', (chunk) => out.push(String(chunk)))
  child.stderr.on('data', (chunk) => err.push(String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out: out.join(''), err: err.join('') }
}

describe.concurrent('what is asked wrongly', () => {
  test.for([
    [['rum'], /unknown command 'rum'\n\(Did you mean run\?\)/],
    [['run', 'x.yaml', '--sed', '3'], /unknown option '--sed'\n\(Did you mean --seed\?\)/],
    [['run', 'x.yaml', '--seed', '1.5'], /A seed is a whole number/],
    [['run', 'x.yaml'], /^x.yaml: there is no such file\n$/],
    [['conform'], /^name patterns, one address, or --all\n$/],
    [['conform', 'poling'], /^there is no pattern "poling" \(did you mean "polling"\?\); patterns: /],
    [['conform', 'polling', '--cases', 'tsk'], /^there are no cases "tsk" \(did you mean "task"\?\); /],
    [['conform', 'polling', '--time-scale', '0'], /A time scale is a number from 0.1 to 1000/],
    [['conform', 'http://127.0.0.1:9', 'polling'], /^an address stands alone/],
    [['conform', 'http://127.0.0.1:9'], /^http:\/\/127.0.0.1:9 cannot be held against the contract: .*ECONNREFUSED/],
    [['check', '.'], /^\. is not a run folder: it has no plan.json\n$/],
    [
      ['report', 'nowhere', '--format', 'pdf'],
      /^there is no format "pdf"; formats: csv, html, json, junit, markdown, parquet, terminal\n$/,
    ],
  ] as const)('outlast %j exits with 3 and says so, without a stack', async ([args, message]) => {
    const { code, out, err } = await outlast(...args)
    expect(err).toMatch(message)
    expect(err).not.toMatch(/^ +at /m)
    expect(out).toBe('')
    expect(code).toBe(3)
  })

  test('every problem of a scenario is told at once, and nothing is started', async () => {
    await writeFile(join(folder, 'broken.yaml'), 'name: broken\nsed: 3\npatterns: [webhok]\n')
    const { code, err } = await outlast('run', 'broken.yaml')
    expect(code).toBe(3)
    expect(err).toMatch(/^broken.yaml:2:1: /m)
    expect(err).toMatch(/webhok/)
    expect(await readdir(folder)).not.toContain('runs')
  })
})

test('whoever stops reading is no error', async () => {
  const child = spawn(process.execPath, [bin, 'list'], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  const err: string[] = []
  child.stderr.on('data', (chunk) => err.push(String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  expect(err.join('')).toBe('')
  expect(code).toBe(0)
})

describe.concurrent('what is asked for help', () => {
  test.for([[['--help']], [['run', '--help']], [['explain', '--help']], [['conform', '--help']]] as const)(
    'outlast %j exits with 0 and gives examples',
    async ([args]) => {
      const { code, out } = await outlast(...args)
      expect(out).toMatch(/Examples:\n {2}outlast /)
      expect(code).toBe(0)
    },
  )
})
