import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startApiNode, timeScale, token } from '../conformance/support/api-node.ts'
import { root } from '../support/outlast.ts'
import { run } from '../support/programs.ts'
import { rightAnswer } from '../support/tools.ts'

const program = `
import { openTaskClient } from 'outlast/client'
const [api, token, timeScale, key] = process.argv.slice(2)
const client = openTaskClient({ apis: [api!], token: token!, timeScale: Number(timeScale) })
const input = { seed: 5, profile: 'smoke', job: 'packed' }
const task = await client.run({ key: key!, type: 'agent', input, deadlineMs: 20000 })
console.log(task.result?.digest)
await client[Symbol.asyncDispose]()
`

let app: string
/** Why it could not be installed; its dependency comes from npm's registry. */
let missing: string | undefined
beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
  const { stdout } = await run(process.execPath, [join(root, 'tools/pack-client.ts'), app])
  await writeFile(join(app, 'package.json'), '{"type":"module","private":true}')
  await writeFile(join(app, 'main.ts'), program)
  await writeFile(join(app, 'main.js'), program.replaceAll('!', ''))
  const install = ['install', '--no-audit', '--no-fund', '--ignore-scripts', stdout.trim()]
  missing = await run('npm', install, { cwd: app, timeout: 60_000 }).then(
    () => undefined,
    (error: Error) => `npm cannot install its dependency: ${error.message.split('\n').slice(0, 3).join(' ')}`,
  )
  if (missing) console.warn(`skipped: ${missing}`)
})
afterAll(() => rm(app, { recursive: true, force: true }))

/** The pinned Node, the machine's, and those that OUTLAST_NODES names: paths, separated by colons. */
function nodes(): readonly string[] {
  return [process.execPath, 'node', ...(process.env['OUTLAST_NODES']?.split(':') ?? [])]
}

test.for(nodes())('an application on %s imports the client from its package', async (node, { skip }) => {
  if (missing) skip(missing)
  const { stdout: version } = await run(node, ['--version'], { cwd: app })
  await using api = await startApiNode('sse-polling')
  const { stdout } = await run(node, [join(app, 'main.js'), api.url, token, String(timeScale), version.trim()], {
    cwd: app,
  })
  expect(stdout.trim()).toBe(rightAnswer({ seed: 5, profile: 'smoke', job: 'packed' }))
})

test('it has types, and brings no more than 5 MB', async ({ skip }) => {
  if (missing) skip(missing)
  const options = [
    '--noEmit',
    '--strict',
    '--target',
    'es2022',
    '--module',
    'nodenext',
    '--lib',
    'es2022,dom',
    '--types',
    '',
  ]
  const compiler = join(root, 'node_modules/typescript/bin/tsc')
  await writeFile(
    join(app, 'types.ts'),
    program.replace(/^const \[api.*$/m, "const [api, token, timeScale, key] = ['', '', '1', '']"),
  )
  await run(process.execPath, [compiler, ...options, 'types.ts'], { cwd: app })
  const files = await readdir(join(app, 'node_modules'), { recursive: true })
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(app, 'node_modules', file))).size))
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(5_000_000)
})
