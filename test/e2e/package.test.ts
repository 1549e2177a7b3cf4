// A project of somebody else's: an empty folder, and our tarball as npm installs it there.
import { readFileSync, readdirSync } from 'node:fs'
import { chmod, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApiNode, timeScale, token } from '../conformance/support/api-node.ts'
import { root } from '../support/outlast.ts'
import { run } from '../support/programs.ts'
import { rightAnswer } from '../support/tools.ts'
import { readResults, requireQuiet, starvation } from '../support/undisturbed.ts'

let project: string
/** Why nothing could be installed: npm's registry does not answer. */
let missing: string | undefined
const ours = (...path: readonly string[]): string => join(project, 'node_modules/outlast', ...path)

beforeAll(async () => {
  project = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
  // The database of a run of root's must reach what npm installs here.
  await chmod(project, 0o711)
  const { stdout } = await run(process.execPath, [join(root, 'tools/package.ts'), 'pack', join(project, 'packed')])
  await writeFile(join(project, 'package.json'), '{ "type": "module", "private": true }\n')
  missing = await install('-D', stdout.trim())
  if (missing) console.warn(`skipped: ${missing}`)
}, 400_000)
afterAll(() => rm(project, { recursive: true, force: true }))

/** Undefined, or why the registry did not give it. Throws what else npm says: then the package is wrong. */
async function install(...what: readonly string[]): Promise<string | undefined> {
  const options = { cwd: project, timeout: 300_000 }
  return run('npm', ['install', '--no-audit', '--no-fund', ...what], options).then(
    () => undefined,
    (error: Error & { killed?: boolean }) => {
      if (!error.killed && !/ENOTFOUND|EAI_AGAIN|ECONN|ETIMEDOUT|ENETUNREACH|E5\d\d/.test(error.message)) throw error
      return `npm's registry does not answer: ${error.message.split('\n').slice(0, 3).join(' ')}`
    },
  )
}

interface Said {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** As a user of this project types it. `--no`: npx must not look for the name anywhere else. */
async function npx(...args: readonly string[]): Promise<Said> {
  return attempt('npx', ['--no', '--', 'outlast', ...args])
}

async function attempt(command: string, args: readonly string[]): Promise<Said> {
  const env = { ...process.env, NO_COLOR: '1' }
  return run(command, args, { cwd: project, env, maxBuffer: 2 ** 26 }).then(
    ({ stdout, stderr }) => ({ code: 0, stdout, stderr }),
    (error: Said) => error,
  )
}

/** The pinned Node, the machine's, and those that OUTLAST_NODES names: paths, separated by colons. */
const nodes: readonly string[] = [process.execPath, 'node', ...(process.env['OUTLAST_NODES']?.split(':') ?? [])]

describe('the package', () => {
  test('has what it needs, and no test, tool or benchmark', async ({ skip }) => {
    if (missing) skip(missing)
    const top = [
      'LICENSE',
      'README.md',
      'bin',
      'dist',
      'docs',
      'examples',
      'harness',
      'package.json',
      'patterns',
      'reports',
    ]
    expect((await readdir(ours())).toSorted()).toEqual([...top, 'scenarios', 'servers'].toSorted())
    const files = readdirSync(ours(), { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
    const paths = files.map(({ parentPath, name }) => join(parentPath, name).slice(ours().length + 1))
    expect(paths.filter((path) => /\.test\.|^(bin\/platform|packages|tools)/.test(path))).toEqual([])
    // Sources of ours are for reading and for images; what runs here is built.
    expect(
      paths.filter((path) => path.endsWith('.ts') && !/^patterns\/|^examples\/|^dist\/client\//.test(path)).toSorted(),
    ).toEqual([
      ...['fault-point.ts', 'warm.ts'].map((name) => `harness/runtimes/docker/images/node/${name}`),
      // The types of outlast/adapter.
      'harness/targets/adapter.ts',
    ])
    const bytes = await Promise.all(paths.map(async (path) => (await stat(ours(path))).size))
    expect(bytes.reduce((sum, size) => sum + size)).toBeLessThan(8_000_000)
  })

  test('brings no engine that needs more than PostgreSQL', async ({ skip }) => {
    if (missing) skip(missing)
    const brought = await readdir(join(project, 'node_modules'))
    for (const name of ['@temporalio', '@restatedev', '@dbos-inc', 'bullmq', 'ioredis'])
      expect(brought).not.toContain(name)
  })
})

describe('outside a checkout', () => {
  test.for(nodes)('%s starts it', async (node, { skip }) => {
    if (missing) skip(missing)
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
    const said = await attempt(node, [ours('bin/outlast.js'), '--version'])
    expect(said).toMatchObject({ code: 0, stdout: `${version}\n` })
  })

  test('it lists, plans, and looks at the machine', async ({ skip }) => {
    if (missing) skip(missing)
    const scenario = 'node_modules/outlast/scenarios/smoke.yaml'
    const listed = await npx('list', 'scenarios')
    expect(listed.stdout).toContain(scenario)
    expect((await npx('list', 'profiles')).stdout).toContain('alb60')
    expect((await npx('plan', scenario)).code).toBe(0)
    expect((await npx('power', scenario)).stderr).toBe('')
    expect((await npx('--help')).stdout).toContain(`outlast plan ${scenario}`)
    const doctor = await npx('doctor')
    expect(doctor.stdout).toMatch(/^ok +PostgreSQL: postgres \(PostgreSQL\) 18/m)
    expect(doctor.stdout).toMatch(/^ok +Runtime process:/m)
  })

  test('an engine whose packages are not here says which, and the command brings them', async ({ skip }) => {
    if (missing) skip(missing)
    await writeFile(join(project, 'engines.yaml'), scenarioOf(['polling', 'polling+temporal', 'polling+queue']))
    const before = await npx('plan', 'engines.yaml')
    expect(before.stdout).toMatch(/@temporalio\/worker 1\.[\d.]+.*: npm i -D -E @temporalio\/activity@1\./s)
    const [, command] = /: npm i (-D -E bullmq@[\d.]+)/.exec(before.stdout.replaceAll(/\s+/g, ' '))!
    const unanswered = await install(...command!.split(' '))
    if (unanswered) skip(unanswered)
    const after = await npx('plan', 'engines.yaml')
    expect(after.stdout).toContain('@temporalio/worker')
    expect(after.stdout).not.toMatch(/needs\s+bullmq/)
    // Another version would be measured under its name.
    await writeFile(join(project, 'node_modules/bullmq/package.json'), '{ "name": "bullmq", "version": "1.0.0" }')
    expect((await npx('plan', 'engines.yaml')).stdout.replaceAll(/\s+/g, ' ')).toMatch(
      /it needs bullmq [\d.]+ instead of bullmq 1\.0\.0: npm i -D -E bullmq@/,
    )
  })

  test('it runs a scenario, and judges, renders, explains and compares what it recorded', async (test) => {
    if (missing) test.skip(missing)
    // Three times slower: this machine has other work.
    const slower = readFileSync(ours('scenarios/smoke.yaml'), 'utf8').replace('timeScale: 60', 'timeScale: 20')
    await writeFile(join(project, 'mine.yaml'), slower)
    const ran = await npx('run', 'mine.yaml', '--no-verify')
    const name = (await readdir(join(project, 'runs'))).toSorted().at(-1)!
    const results = await readResults(join(project, 'runs', name))
    expect(Number.parseInt(results.environment.node.slice(1), 10)).toBeGreaterThanOrEqual(24)
    expect(results.environment.commit).toBeUndefined()
    const versions = { undici: expect.stringMatching(/^8\./), '@temporalio/worker': 'not found' }
    expect(results.environment.versions).toMatchObject(versions)
    expect((await npx('check', 'latest')).code).toBe(ran.code)
    expect((await npx('report', 'latest')).stdout).toContain('report.html')
    expect((await npx('explain', 'latest', 't-00001', '--cell', 'polling.kill.1')).stdout).toContain('t-00001')

    // Where the run itself says that the machine was busy, its verdict says nothing of us.
    const isBusy = results.verdict === 'INVALID' ? /the machine was busy/ : /^$/
    const busy = results.environment.deviations.find((sentence) => isBusy.test(sentence))
    requireQuiet(test, starvation(results) ?? busy)
    expect(ran.code, ran.stdout + ran.stderr).toBe(0)
    const compared = await npx('compare', 'latest:polling.kill', 'latest:durable-postgres.kill')
    expect(compared.code, compared.stderr).toBeLessThanOrEqual(2)
    expect(compared.stdout).toContain('durable-postgres')
  })

  test('it holds a pattern against the contract', async ({ skip }) => {
    if (missing) skip(missing)
    const held = await npx('conform', 'sse-polling')
    expect(held.code, held.stdout + held.stderr).toBe(0)
  })
})

describe('outlast/client', () => {
  test.for(nodes)('works on %s', async (node, { skip }) => {
    if (missing) skip(missing)
    const key = (await attempt(node, ['--version'])).stdout.trim()
    await writeFile(join(project, 'client.js'), client)
    await using api = await startApiNode('sse-polling')
    const said = await attempt(node, [join(project, 'client.js'), api.url, token, String(timeScale), key])
    expect(said.stdout.trim(), said.stderr).toBe(rightAnswer({ seed: 5, profile: 'smoke', job: 'packed' }))
  })

  test('has types', async ({ skip }) => {
    if (missing) skip(missing)
    await writeFile(join(project, 'types.ts'), client.replace('process.argv.slice(2)', `['', '', '1', ''] as const`))
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const options = ['--noEmit', '--strict', '--target', 'es2022', '--module', 'nodenext', '--lib', 'es2022,dom']
    const { stdout } = await attempt(process.execPath, [compiler, ...options, '--types', '', 'types.ts'])
    expect(stdout).toBe('')
  })
})

const client = `
import { openTaskClient } from 'outlast/client'
const [api, token, timeScale, key] = process.argv.slice(2)
const client = openTaskClient({ apis: [api], token, timeScale: Number(timeScale) })
const input = { seed: 5, profile: 'smoke', job: 'packed' }
const task = await client.run({ key, type: 'agent', input, deadlineMs: 20000 })
console.log(task.result?.digest)
await client[Symbol.asyncDispose]()
`

function scenarioOf(patterns: readonly string[]): string {
  return `
name: mine
question: What can run here?
seed: 1
timeScale: 10
profile: smoke
patterns: [${patterns.join(', ')}]
load: { tasks: 10, arrivals: uniform, rate: 20/min }
grace: 2m
arms: { none: [] }
`
}
