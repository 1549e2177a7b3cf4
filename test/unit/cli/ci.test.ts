import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { exitCodes } from '../../../harness/core/errors.ts'
import { openRegistry } from '../../../harness/registry.ts'
import conform from '../../../harness/cli/commands/conform.ts'
import report from '../../../harness/cli/commands/report.ts'
import run from '../../../harness/cli/commands/run.ts'
import { execFileSync } from '../../support/programs.ts'

const root = join(import.meta.dirname, '../../..')
const textOf = (path: string): string => readFileSync(join(root, path), 'utf8')

interface Step {
  readonly id?: string
  readonly uses?: string
  readonly run?: string
  readonly env?: Readonly<Record<string, string>>
  readonly with?: Readonly<Record<string, string>>
}
interface Action {
  readonly inputs: Readonly<Record<string, { readonly description: string; readonly default?: unknown }>>
  readonly runs: { readonly using: string; readonly steps: readonly Step[] }
}
interface Workflow {
  readonly jobs: Readonly<Record<string, { readonly steps: readonly Step[] }>>
}

const action = parse(textOf('action.yml')) as Action
const script = action.runs.steps.find(({ id }) => id === 'run')!
const files = ['action.yml', 'docs/ci.md', 'examples/ci/github.yml', 'examples/ci/outlast.gitlab-ci.yml', 'README.md']
const formats = await openRegistry().formats()

/** What an option of these commands does not know; `npx outlast run` and `node ".../outlast.js" run` alike. */
function unknownIn(text: string): readonly string[] {
  const calls = text.replaceAll('\\\n', ' ').matchAll(/\boutlast(?:\.js"?)? (run|report|conform)((?: +[^\s`|\\']+)*)/g)
  return [...calls].flatMap(([, name, words]) => {
    const file = { run, report, conform }[name as 'run' | 'report' | 'conform']
    const command = new Command(name)
    file.declare(command, { registry: openRegistry(), done() {} })
    return command.parseOptions(words!.trim().split(/ +/)).unknown
  })
}

test.each(files)('%s names only options that there are', (path) => {
  expect(unknownIn(textOf(path))).toEqual([])
  expect(unknownIn('`npx outlast run x.yaml --formt junit`')).toEqual(['--formt', 'junit'])
})

test.each(files)('%s names only formats that there are, and the files that they write', (path) => {
  const text = textOf(path)
  const named = [...text.matchAll(/(?:--format |format: |default: )((?:junit|markdown)[\w,]*)/g)].flatMap(([, list]) =>
    list!.split(','),
  )
  expect(named.filter((name) => !formats.has(name))).toEqual([])
  const known = new Set([...formats.values()].map(({ extension }) => extension))
  const written = [...text.matchAll(/\breport\.(\w+)`?/g)].map(([, extension]) => extension!)
  expect(written.filter((extension) => !known.has(extension))).toEqual([])
})

describe.each([
  ['.github/workflows/outlast.yml', './'],
  ['examples/ci/github.yml', 'OWNER/outlast@REF'],
])('the workflow %s', (path, uses) => {
  const { jobs } = parse(textOf(path)) as Workflow
  const used = Object.values(jobs)
    .flatMap(({ steps }) => steps)
    .find((step) => step.uses === uses)

  test('gives the action what it takes', () => {
    expect(Object.keys(action.inputs)).toEqual(expect.arrayContaining(Object.keys(used!.with!)))
    expect(used!.with).toHaveProperty('scenario')
  })
})

test('our own workflow runs a scenario that there is', () => {
  const { jobs } = parse(textOf('.github/workflows/outlast.yml')) as Workflow
  expect(existsSync(join(root, jobs['smoke']!.steps.at(-1)!.with!['scenario']!))).toBe(true)
})

test.each(['action.yml', 'docs/ci.md', 'README.md', 'harness/cli/main.ts'])('%s names every exit code', (path) => {
  const text = textOf(path)
  const list = /^ *description: 0 pass.*|^Exit codes: .*|^\| code[^]*?\n\n/m.exec(text)![0]
  const named = [...list.matchAll(/(?:^| |`|\| )(\d+)(?:`| +\|| )/gm)].map(([, code]) => Number(code))
  expect([...new Set(named)].toSorted((a, b) => a - b)).toEqual(Object.values(exitCodes))
})

test('every example of docs/ci.md in YAML can be read', () => {
  const blocks = [...textOf('docs/ci.md').matchAll(/```yaml\n(.*?)```/gs)].map(([, block]) => parse(block!) as unknown)
  expect(blocks).toHaveLength(2)
})

test('the job for GitLab shows the file that its command writes', () => {
  const job = (
    parse(textOf('examples/ci/outlast.gitlab-ci.yml')) as Record<
      string,
      { script: string[]; artifacts: { reports: { junit: string } } }
    >
  )['.outlast']!
  const out = / --out (\S+)/.exec(job.script.at(-1)!)![1]!
  expect(job.artifacts.reports.junit).toBe(`${out}/report.${formats.get('junit')!.extension}`)
})

describe('the action', () => {
  let folder = ''
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'outlast-action-'))
    // Stands in for Node, and tells what it was asked.
    writeFileSync(join(folder, 'node'), '#!/bin/sh\nprintf "%s\\n" "$@" > "$ASKED"\nexit "$CODE"\n', { mode: 0o755 })
  })
  afterAll(() => rmSync(folder, { recursive: true }))

  /** As the runner starts it: https://docs.github.com/actions/reference/workflows-and-actions/workflow-syntax#defaultsrunshell */
  function start(inputs: Readonly<Record<string, string>>, code: number) {
    const all = Object.entries(action.inputs).map(([name, { default: usual = '' }]) => [
      name,
      inputs[name] ?? String(usual),
    ])
    const env = all.map(([name, value]) => [`INPUT_${name!.toUpperCase().replaceAll('-', '_')}`, value])
    const [asked, output] = [join(folder, 'asked'), join(folder, 'output')]
    writeFileSync(output, '')
    const own = { PATH: `${folder}:${process.env['PATH']}`, ASKED: asked, CODE: String(code), GITHUB_OUTPUT: output }
    const options = { env: { ...own, GITHUB_ACTION_PATH: '/a b', ...Object.fromEntries(env) }, stdio: 'pipe' } as const
    let exit = 0
    try {
      execFileSync('bash', ['--noprofile', '--norc', '-eo', 'pipefail', '-c', script.run!], options)
    } catch (error) {
      exit = (error as { status: number }).status
    }
    return { exit, words: readFileSync(asked, 'utf8').trimEnd().split('\n'), output: readFileSync(output, 'utf8') }
  }

  test('asks for the scenario, and takes names with blanks as they are', () => {
    const { words } = start(
      { scenario: 'my scenario.yaml', options: ' --arms  none,kill\n--runtime docker $(id) * ' },
      0,
    )
    const own = [
      '/a b/bin/outlast.js',
      'run',
      'my scenario.yaml',
      '--format',
      'junit,markdown',
      '--out',
      'outlast-report',
    ]
    expect(words).toEqual([...own, '--arms', 'none,kill', '--runtime', 'docker', '$(id)', '*'])
  })

  test.each([0, 1, 2, 3, 4, 5])('ends with the exit code %i of the run, and says it', (code) => {
    expect(start({ scenario: 'x.yaml' }, code)).toMatchObject({ exit: code, output: `exit-code=${code}\n` })
  })

  test.each([
    [2, 0],
    [1, 1],
    [4, 4],
  ])('allowed to be INCONCLUSIVE, it makes %i to %i', (code, exit) => {
    const made = start({ scenario: 'x.yaml', 'allow-inconclusive': 'true' }, code)
    expect(made).toMatchObject({ exit, output: `exit-code=${code}\n` })
  })

  test('reads only inputs that it has, all of them, and none as code', () => {
    const text = textOf('action.yml')
    const read = [...text.matchAll(/inputs\.([\w-]+)/g)].map(([, name]) => name!)
    expect([...new Set(read)].toSorted()).toEqual(Object.keys(action.inputs).toSorted())
    for (const step of action.runs.steps) expect(step.run ?? '').not.toContain('${{')
    for (const name of Object.keys(script.env!)) expect(script.run).toContain(`$${name}`)
  })
})
