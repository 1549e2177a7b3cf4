import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { startApiNode, timeScale, token } from '../conformance/support/api-node.ts'
import { root } from '../support/outlast.ts'
import { run } from '../support/programs.ts'
import { rightAnswer } from '../support/tools.ts'

const program = `
import { openTaskClient } from 'outlast/client'
const [api, token, timeScale] = process.argv.slice(2)
await using client = openTaskClient({ apis: [api], token, timeScale: Number(timeScale) })
const input = { seed: 5, profile: 'smoke', job: 'packed' }
const task = await client.run({ key: 'packed', type: 'agent', input, deadlineMs: 20000 })
console.log(task.result.digest)
`

test('an application imports the reference client from the built package', async () => {
  const app = await mkdtemp(join(tmpdir(), 'test-of-outlast-'))
  await using _gone = { [Symbol.asyncDispose]: () => rm(app, { recursive: true }) }
  const built = join(app, 'node_modules/outlast')
  await run(
    process.execPath,
    [join(root, 'node_modules/typescript/bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', join(built, 'dist')],
    { cwd: root },
  )
  await symlink(join(root, 'package.json'), join(built, 'package.json'))
  await symlink(join(root, 'node_modules'), join(built, 'node_modules'))
  await writeFile(join(app, 'main.mjs'), program)
  await using node = await startApiNode('sse-polling')
  const args = ['--preserve-symlinks', join(app, 'main.mjs'), node.url, token, String(timeScale)]
  const { stdout } = await run(process.execPath, args)
  expect(stdout.trim()).toBe(rightAnswer({ seed: 5, profile: 'smoke', job: 'packed' }))
})
