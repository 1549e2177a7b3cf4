import { once } from 'node:events'
import { mkdtemp, readFile, rm, symlink, writeFile, mkdir, readdir } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { whyNoProgram } from '../../harness/os/program.ts'
import { root } from '../support/outlast.ts'
import { run, spawn } from '../support/programs.ts'

interface Answer {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

async function emptyFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'outlast-init-'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

const bin = join(root, 'bin/outlast.js')

async function init(cwd: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Answer> {
  return answerOf(
    spawn(process.execPath, [bin, 'init', ...args], { cwd, env: { ...process.env, NO_COLOR: '1', ...env } }),
  )
}

async function answerOf(child: ReturnType<typeof spawn>, input = ''): Promise<Answer> {
  const [out, err]: [string[], string[]] = [[], []]
  child.stdout!.on('data', (chunk) => out.push(String(chunk)))
  child.stderr!.on('data', (chunk) => err.push(String(chunk)))
  child.stdin!.end(input)
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out: out.join(''), err: err.join('') }
}

const usual = ['--start', 'node service.mjs', '--api', 'jobs', '--takes', '2s']

describe('outlast init', () => {
  test('writes what a run takes, plans it, and says what comes next', async () => {
    await using folder = await emptyFolder()
    const { code, out, err } = await init(folder.path, [...usual, '--right', '$.result'])
    expect(err).toBe('')
    expect(code).toBe(0)
    expect(out).toMatch(/^wrote outlast\.yaml\nwrote \.github\/workflows\/outlast\.yml\n/)
    expect(out).toMatch(/\$ outlast plan outlast\.yaml\nservice: /)
    expect(out).toMatch(/Next:\n {2}outlast run outlast\.yaml --arms none/)
    const planned = await answerOf(spawn(process.execPath, [bin, 'plan', 'outlast.yaml'], { cwd: folder.path }))
    expect(planned).toMatchObject({ code: 0, err: '' })
    expect(await readFile(join(folder.path, 'outlast.yaml'), 'utf8')).not.toContain('$schema')
  })

  test('where outlast is a package, the schema resolves and the workflow uses it', async () => {
    await using folder = await emptyFolder()
    await mkdir(join(folder.path, 'node_modules'))
    await symlink(root, join(folder.path, 'node_modules/outlast'))
    expect(await init(folder.path, usual)).toMatchObject({ code: 0, err: '' })
    const text = await readFile(join(folder.path, 'outlast.yaml'), 'utf8')
    const [, schema] = /^# yaml-language-server: \$schema=(\S+)\n/.exec(text)!
    expect(JSON.parse(await readFile(join(folder.path, schema!), 'utf8'))).toHaveProperty('properties.targets')
    expect(await readFile(join(folder.path, '.github/workflows/outlast.yml'), 'utf8')).toContain('npx outlast run')
  })

  test('without a terminal all missing flags are named, and nothing is written', async () => {
    await using folder = await emptyFolder()
    const { code, err } = await init(folder.path, ['--api', 'jobs'])
    expect(err).toMatch(/^--start, --image or --url; --takes: missing, /)
    expect(code).toBe(3)
    expect(await readdir(folder.path)).toEqual([])
  })

  test.each([
    [
      ['--right', '$..['],
      /^nothing was written, as it would be no scenario:\noutlast\.yaml:\d+:\d+: targets\.service\.work\.right/,
    ],
    [['--name', 'polling'], /a pattern of outlast has this name/],
    [['--env', 'A={prot}'], /unknown placeholder \{prot\}/],
    [['--action', 'me'], /Write an action such as owner\/outlast@v1/],
    [['--api', 'task-api', '--adapter'], /--api task-api needs no translation/],
  ])('%j makes no scenario', async (more, said) => {
    await using folder = await emptyFolder()
    const { code, err } = await init(folder.path, [...usual, ...more])
    expect(err).toMatch(said)
    expect(err).not.toMatch(/^ +at /m)
    expect(code).toBe(3)
    expect(await readdir(folder.path)).toEqual([])
  })

  test('replaces nothing unless it is told to', async () => {
    await using folder = await emptyFolder()
    const file = join(folder.path, 'outlast.yaml')
    await writeFile(file, 'mine')
    const { code, err, out } = await init(folder.path, usual)
    expect(err).toMatch(/^outlast\.yaml: there already; nothing was written \(--force /)
    expect([code, out]).toEqual([3, ''])
    expect(await readFile(file, 'utf8')).toBe('mine')
    expect(await readdir(folder.path)).toEqual(['outlast.yaml'])
    expect(await init(folder.path, [...usual, '--force', '--no-ci'])).toMatchObject({ code: 0 })
    expect(await readFile(file, 'utf8')).toContain('name: service')
    expect(await readdir(folder.path)).toEqual(['outlast.yaml'])
  })

  test('what has the place of a file is replaced, not written into: it waits for no pipe, and follows no link', async () => {
    await using folder = await emptyFolder()
    const [file, elsewhere] = [join(folder.path, 'outlast.yaml'), join(folder.path, 'elsewhere')]
    await run('mkfifo', [file])
    const forced = [...usual, '--force', '--no-ci']
    expect(await init(folder.path, forced)).toMatchObject({ code: 0, err: '' })
    await writeFile(elsewhere, 'theirs')
    await rm(file)
    await symlink(elsewhere, file)
    expect(await init(folder.path, forced)).toMatchObject({ code: 0, err: '' })
    expect(await readFile(elsewhere, 'utf8')).toBe('theirs')
    expect(await readFile(file, 'utf8')).toContain('name: service')
  })

  test('the adapter that it writes is one for a compiler too', async () => {
    await using folder = await emptyFolder()
    for (const [api, ...more] of [['jobs', '--key', 'x-key'], ['operation'], ['background'], ['webhook']]) {
      const args = [...usual, '--no-ci', '--adapter', '--force', '--api', api!, ...more]
      expect(await init(folder.path, args)).toMatchObject({ code: 0, err: '' })
      const options = {
        strict: true,
        noEmit: true,
        types: ['node'],
        typeRoots: [join(root, 'node_modules/@types')],
        module: 'nodenext',
        target: 'es2024',
        noUnusedLocals: true,
        noUnusedParameters: true,
        allowImportingTsExtensions: true,
        skipLibCheck: true,
        paths: { 'outlast/adapter': [join(root, 'harness/targets/adapter.ts')] },
      }
      await writeFile(
        join(folder.path, 'tsconfig.json'),
        JSON.stringify({ compilerOptions: options, files: ['outlast.adapter.ts'] }),
      )
      await run(join(root, 'node_modules/.bin/tsc'), ['-p', folder.path]).catch((error: { stdout: string }) =>
        expect.fail(error.stdout),
      )
    }
  })

  test('a service at an address that speaks the task API is held against the contract', async () => {
    await using folder = await emptyFolder()
    const asked: string[] = []
    const server = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers.authorization}`)
      response.writeHead(404, { 'content-type': 'text/html' }).end('<p>no</p>')
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const token = 'the-token-of-this-service'
    const args = [
      '--url',
      url,
      '--api',
      'task-api',
      '--takes',
      '2s',
      '--type',
      'report',
      '--input',
      '{"topic":"{key}"}',
    ]
    const { code, out, err } = await init(folder.path, args, { OUTLAST_TOKEN: token })
    server.close()
    expect(out).toMatch(/\$ outlast conform http:\S+ --type report --input /)
    expect(err).toMatch(/cannot be held against the contract/)
    expect(code).toBe(3)
    expect(out).toMatch(/\nNext:\n/)
    expect(asked[0]).toContain(`Bearer ${token}`)
    expect(out + err).not.toContain(token)
  })
})

const noScript = whyNoProgram('script', '.')

interface Talk {
  readonly cwd: string
  /** Each is written when a question is asked, and no sooner: before that the terminal is not ours. */
  readonly answers: readonly string[]
}

async function onTerminal({ cwd, answers }: Talk): Promise<Answer> {
  const command = [process.execPath, bin, 'init'].join(' ')
  const child = spawn('script', ['-qec', command, '/dev/null'], { cwd, env: { ...process.env, NO_COLOR: '1' } })
  const left = [...answers]
  let out = ''
  child.stdout!.on('data', (chunk) => {
    const before = out.match(asked)?.length ?? 0
    out += String(chunk)
    if ((out.match(asked)?.length ?? 0) > before) child.stdin!.write(left.shift() ?? '\u0003')
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, out, err: '' }
}

const asked =
  /(?:What runs it|How does it answer|Which request|Which header|What is submitted|Which path|How long|How large|What has|Which variables|Run it once)[^\n]* /g

describe.skipIf(noScript !== undefined)('outlast init on a terminal (skipped where there is no script)', () => {
  test('asks for what flags do not say', async () => {
    await using folder = await emptyFolder()
    const answers = ['node service.mjs', '9', '2', '', '', '', '', '', '20', '2s', '$.result', '', 'prr', 'pr', 'n']
    const { code, out } = await onTerminal({ cwd: folder.path, answers: answers.map((one) => `${one}\r`) })
    expect(out).toMatch(/there is no "9"/)
    expect(out).toMatch(/write a duration/)
    expect(code, out).toBe(0)
    const text = await readFile(join(folder.path, 'outlast.yaml'), 'utf8')
    expect(text).toContain('start: [node, service.mjs]')
    expect(text).toContain('right: $.result')
    expect(out).toMatch(/there is no "prr"/)
    expect(text).toMatch(/^preset: pr$/m)
  })

  test('answers that are pasted at once are taken one by one', async () => {
    await using folder = await emptyFolder()
    const pasted = 'node service.mjs\r2\r\r\r\r\r\r20s\r\r\r\rn\r'
    const { code, out } = await onTerminal({
      cwd: folder.path,
      answers: [pasted, ...Array.from({ length: 20 }, () => '')],
    })
    expect(code, out).toBe(0)
    expect(await readFile(join(folder.path, 'outlast.yaml'), 'utf8')).toContain('takes: 20s')
  })

  test.each([
    ['Ctrl-D', '\u0004'],
    ['Ctrl-C', '\u0003'],
  ])('%s writes nothing', async (_, key) => {
    await using folder = await emptyFolder()
    const { code, out } = await onTerminal({ cwd: folder.path, answers: [key] })
    expect(out).toMatch(/ended before all was answered: nothing was written/)
    expect(code, out).toBe(3)
    expect(await readdir(folder.path)).toEqual([])
  })
})
