import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, test } from 'vitest'
import { blocksOf, listPages } from '../../support/docs.ts'
import { run } from '../../support/programs.ts'

const root = join(import.meta.dirname, '../../..')

/** Where a block stands, as its page says, and what in it is the reader's own. */
const places: Readonly<Record<string, { readonly file: string; readonly beside?: Readonly<Record<string, string>> }>> =
  {
    'docs/adding-a-checker.md': { file: 'harness/checkers/one-callback.ts' },
    'docs/adding-a-fault.md': { file: 'harness/faults/thin-pipe.ts' },
    'docs/adding-a-format.md': { file: 'reports/formats/cells.ts' },
    'docs/adding-a-runtime.md': {
      file: 'harness/runtimes/pods.ts',
      beside: {
        'harness/runtimes/pods/yours.ts': `import type { Runtime } from '../../model/runtime.ts'
export declare const open: Runtime['open']
export declare const resources: Runtime['resources']
export declare const sweep: Runtime['sweep']`,
      },
    },
    'docs/adding-a-server.md': { file: 'servers/kv/server.ts' },
    'docs/conformance.md': { file: 'harness/conform/cases/named.ts' },
    'docs/targets.md': { file: 'mine/jobs.adapter.ts' },
    'patterns/README.md': { file: 'patterns/agent/your-work.ts' },
  }

const wrong = {
  file: 'mine/wrong.adapter.ts',
  text: `import type { Adapter } from 'outlast/adapter'\nexport const mine: Adapter = 7`,
}
const blocks = listPages()
  .flatMap(blocksOf)
  .filter(({ language }) => language === 'ts' || language === 'typescript')

/** The files of the project, as if these were among them, by the project's own rules. */
async function complaintsAbout(files: Readonly<Record<string, string>>): Promise<readonly string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'docs-ts-'))
  try {
    await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
    const paths = {
      'outlast/adapter': [join(root, 'harness/targets/adapter.ts')],
      'outlast/client': [join(root, 'packages/client/client.d.ts')],
    }
    const config = {
      extends: join(root, 'tsconfig.json'),
      compilerOptions: { rootDirs: [root, folder], typeRoots: [join(root, 'node_modules/@types')], paths },
      include: ['.'],
      exclude: ['node_modules'],
    }
    const all = { ...files, 'package.json': '{"type":"module"}', 'tsconfig.json': JSON.stringify(config) }
    for (const [name, text] of Object.entries(all)) {
      await mkdir(dirname(join(folder, name)), { recursive: true })
      await writeFile(join(folder, name), text)
    }
    const tsc = join(root, 'node_modules/typescript/lib/tsc.js')
    const said = await run(process.execPath, [tsc, '-p', folder, '--pretty', 'false'], { cwd: folder }).then(
      ({ stdout }) => stdout,
      (error: unknown) => (error as { readonly stdout: string }).stdout || String(error),
    )
    return said.split('\n').filter((line) => line.trim() !== '')
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

test('every block is one that stands somewhere', () => {
  expect([...new Set(blocks.map(({ page }) => page))].toSorted()).toEqual(Object.keys(places).toSorted())
  expect(blocks).toHaveLength(Object.keys(places).length)
})

test('every block fits the types of the project, and what does not is seen', { timeout: 120_000 }, async () => {
  const placed = blocks.flatMap(({ page, line, text }) => {
    const { file, beside = {} } = places[page]!
    // Complaints have the line of the page.
    return [[file, '\n'.repeat(line) + text] as const, ...Object.entries(beside)]
  })
  const complaints = await complaintsAbout({ ...Object.fromEntries(placed), [wrong.file]: wrong.text })
  const pageOf = (complaint: string): string => {
    const page = Object.keys(places).find((one) => complaint.startsWith(places[one]!.file))
    return page === undefined ? complaint : complaint.replace(places[page]!.file, page)
  }
  expect(complaints.map(pageOf)).toEqual([expect.stringMatching(/^mine\/wrong\.adapter\.ts\(2,14\): error TS2322/)])
})
