import { once } from 'node:events'
import { globSync } from 'node:fs'
import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { whyNoProgram } from '../../harness/os/program.ts'
import { blocksOf } from '../support/docs.ts'
import { root } from '../support/outlast.ts'
import { spawn } from '../support/programs.ts'
import { requireQuiet } from '../support/undisturbed.ts'
import { isWhole } from '../support/whole.ts'

const pages = globSync('docs/tutorials/*.md', { cwd: root }).toSorted()

/** An empty folder in which outlast is installed. */
async function installed(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'outlast-tutorial-'))
  const bin = join(path, 'node_modules/.bin')
  await mkdir(bin, { recursive: true })
  await symlink(root, join(path, 'node_modules/outlast'))
  await symlink('../outlast/bin/outlast.js', join(bin, 'outlast'))
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true }) }
}

interface Typed {
  readonly code: number | null
  readonly said: string
}

/** A block as a reader types it. */
async function type(text: string, cwd: string): Promise<Typed> {
  const path = [dirname(process.execPath), process.env['PATH']].join(delimiter)
  const child = spawn('bash', ['-e', '-o', 'pipefail', '-c', text], {
    cwd,
    env: { ...process.env, PATH: path, NO_COLOR: '1' },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said += String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, said }
}

/** Why the machine alone made a run INVALID. */
function starvationIn({ code, said }: Typed): string | undefined {
  return code === 4 ? /harness-healthy failed: [^\n]*/.exec(said)?.[0] : undefined
}

/** A block says at its end what it exits with, where that is not 0. */
function codeOf(text: string): number {
  return Number(/ # exits with (\d)$/m.exec(text)?.[1] ?? 0)
}

const missing = ['npx', 'bash'].map((name) => whyNoProgram(name, root)).filter((why) => why !== undefined)

test('there are three tutorials', () => {
  expect(pages.map((page) => basename(page))).toEqual(['architect.md', 'ci.md', 'reproducer.md'])
})

/** It takes three minutes, half of all of them. */
const long = 'docs/tutorials/architect.md'
if (!isWhole) test.skipIf(true)(`${long} is walked by npm run test:whole`, () => expect.unreachable())

const walked = isWhole ? pages : pages.filter((page) => page !== long)
test.for(walked)('%s can be walked as it is written', { skip: missing.length > 0 }, async (page, test) => {
  await using folder = await installed()
  let last: Typed | undefined
  for (const { language, text, line } of blocksOf(page)) {
    if (language === 'sh') {
      last = await type(text, folder.path)
      requireQuiet(test, starvationIn(last))
      expect(last.code, `${page}:${line}: ${last.said}`).toBe(codeOf(text))
    } else for (const shown of text.trim().split('\n')) expect(last?.said, `${page}:${line}`).toContain(shown)
  }
})
