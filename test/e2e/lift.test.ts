import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, test } from 'vitest'
import { root } from '../support/outlast.ts'
import { run, spawn } from '../support/programs.ts'

const token = 'a-token-of-somebody-elses-product'

interface Recipe {
  readonly parts: readonly string[]
  readonly packages: readonly string[]
}

const readPage = (): Promise<string> => readFile(join(root, 'patterns/README.md'), 'utf8')

/** What the page says is what is done: its list of folders, its list of packages, its example. */
async function readServerRecipe(): Promise<Recipe & { readonly work: string }> {
  const text = await readPage()
  const block = (from: string): string => new RegExp(`${from}\\n([^]*?)\\n\`\`\``).exec(text)![1]!
  const parts = /```\n(serve\.ts .*)\n```/.exec(text)![1]!.split(/\s+/)
  const packages = /npm install (hono .*)/.exec(text)![1]!.split(' ')
  return { parts, packages, work: block('```ts') }
}

async function readClientRecipe(): Promise<Recipe> {
  const text = await readPage()
  const parts = /```\n(client\.ts [^]*?)\n```/.exec(text)![1]!.split(/\s+/)
  const packages = [.../install (`undici`.*):/.exec(text)![1]!.matchAll(/`(.+?)`/g)].map(([, name]) => name!)
  return { parts, packages }
}

async function lift({ parts, packages }: Recipe): Promise<AsyncDisposable & { readonly folder: string }> {
  const folder = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
  for (const part of parts) await cp(join(root, 'patterns', part), join(folder, part), { recursive: true })
  for (const name of packages) {
    await mkdir(dirname(join(folder, 'node_modules', name)), { recursive: true })
    await symlink(join(root, 'node_modules', name), join(folder, 'node_modules', name))
  }
  await writeFile(join(folder, 'package.json'), '{"type":"module"}')
  return { folder, [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

/** Runs a line of code in the folder, and gives what it printed. */
async function evaluate(folder: string, code: string): Promise<string> {
  const options = { cwd: folder, env: { PATH: process.env['PATH'] } }
  const child = spawn(process.execPath, ['--input-type=module', '--eval', code], options)
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk))
  await once(child, 'close')
  return printed.trim()
}

async function start(folder: string) {
  const own = {
    OUTLAST_NODE: 'api-0',
    OUTLAST_PORT: '0',
    OUTLAST_DELIVERY: 'sse-polling',
    OUTLAST_ENGINE: 'memory',
    OUTLAST_TOKEN: token,
    OUTLAST_TOOLS_URL: 'http://127.0.0.1:9',
  }
  const child = spawn(process.execPath, ['serve.ts'], { cwd: folder, env: { PATH: process.env['PATH'], ...own } })
  let log = ''
  child.stderr.on('data', (chunk: Buffer) => (log += chunk))
  const first = createInterface({ input: child.stdout })[Symbol.asyncIterator]().next()
  const exited = once(child, 'exit')
  const { value } = (await Promise.race([first, exited.then(() => ({ value: '' }))])) as { value: string }
  const url = /at (http:\/\/\S+)$/.exec(value)?.[1]
  if (url === undefined) throw new Error(`it did not start: ${value}${log}`)
  return {
    url,
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGTERM')
      await exited
    },
  }
}

test('what is lifted has types that fit, with the one file replaced', async () => {
  const recipe = await readServerRecipe()
  await using lifted = await lift(recipe)
  await writeFile(join(lifted.folder, 'agent/work.ts'), recipe.work)
  const config = {
    extends: join(root, 'tsconfig.json'),
    compilerOptions: { types: ['node'], typeRoots: [join(root, 'node_modules/@types')] },
    include: ['serve.ts', 'agent/work.ts', 'contract/server', 'engines'],
  }
  await writeFile(join(lifted.folder, 'tsconfig.json'), JSON.stringify(config))
  // The compiler needs the types of what Node gets, and of the rest of the checkout's packages.
  await rm(join(lifted.folder, 'node_modules'), { recursive: true })
  await symlink(join(root, 'node_modules'), join(lifted.folder, 'node_modules'))
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  expect((await run(process.execPath, [compiler, '-p', '.'], { cwd: lifted.folder })).stdout).toBe('')
})

test('a pattern is lifted into an empty folder, and does work of its own', async () => {
  const recipe = await readServerRecipe()
  await using lifted = await lift(recipe)
  await writeFile(join(lifted.folder, 'agent/work.ts'), recipe.work)
  await using service = await start(lifted.folder)
  const submit = async (key: string, input: object) => {
    const headers = {
      authorization: `Bearer ${token}`,
      'idempotency-key': key,
      'content-type': 'application/json',
      prefer: 'wait=10',
    }
    const body = JSON.stringify({ type: 'agent', input })
    const answer = await fetch(`${service.url}/v1/tasks`, { method: 'POST', headers, body })
    return { status: answer.status, json: (await answer.json()) as Record<string, unknown> }
  }
  const done = await submit('one', { topic: 'bees' })
  expect(done).toMatchObject({ status: 200, json: { status: 'completed', input: { topic: 'bees' }, credits_used: 3 } })
  expect(done.json['result']).toEqual({ digest: 'search bees (1). draft bees (2). review bees (3). ', steps: 3 })
  const failed = await submit('two', { topic: 'forbidden' })
  expect(failed.json).toMatchObject({ status: 'failed', status_reason: 'nobody writes about that' })
  const wrong = await submit('three', { seed: 1 })
  expect(wrong).toMatchObject({ status: 400, json: { detail: expect.stringContaining('input.topic') } })
})

test('a client is lifted into an empty folder', async () => {
  await using lifted = await lift(await readClientRecipe())
  expect(await evaluate(lifted.folder, `console.log(Object.keys(await import('./client.ts')).join())`)).toContain(
    'openTaskClient',
  )
})
