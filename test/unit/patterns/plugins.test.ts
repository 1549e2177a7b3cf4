import { globSync, readFileSync } from 'node:fs'
import { posix } from 'node:path'
import { expect, test } from 'vitest'
import { discover, type Named } from '../../../harness/core/discover.ts'

const patterns = new URL('../../../patterns/', import.meta.url)

interface Plugin extends Named {
  readonly madeOf?: readonly string[]
}
const plugins = {
  deliveries: await discover<Plugin>(new URL('deliveries/', patterns), 'delivery'),
  engines: await discover<Plugin>(new URL('engines/', patterns), 'engine'),
}
type Kind = keyof typeof plugins

/** Of a file in `patterns/`: its imports of other folders that it may not know. */
function strayImports(file: string, source: string, madeOf: readonly string[]): readonly string[] {
  const [kind, folder] = file.split('/') as [Kind, string]
  const isAllowed = (path: string): boolean => {
    const [room, name = ''] = path.split('/')
    if (room === 'contract' || room === 'agent') return true
    return room === kind && (name === folder || name.startsWith('_') || madeOf.includes(name))
  }
  const relative = [...source.matchAll(/\b(?:from|import)[\s(]*'(\.[^']+)'/g)].map(([, path]) => path!)
  return relative.map((path) => posix.join(posix.dirname(file), path)).filter((path) => !isAllowed(path))
}

const files = globSync('{deliveries,engines}/*/**/*.ts', { cwd: patterns }).map((file) => file.replaceAll('\\', '/'))

test('a plugin imports no other plugin of its kind unless its declaration says so', () => {
  const stray = files.flatMap((file) => {
    const [kind, folder] = file.split('/') as [Kind, string]
    const madeOf = plugins[kind].get(folder)?.madeOf ?? []
    const source = readFileSync(new URL(file, patterns), 'utf8')
    return strayImports(file, source, madeOf).map((path) => `${file}: ${path}`)
  })
  expect(files.length).toBeGreaterThan(80)
  expect(stray, 'import the contract, the agent and folders that start with _, or declare madeOf').toEqual([])
})

test('what would be found', () => {
  const source = `import { a } from '../sse/stream.ts'\nimport type { B } from '../../contract/types/task.ts'\nawait import('../../engines/memory/record.ts')`
  const found = strayImports('deliveries/new/client.ts', source, [])
  expect(found).toEqual(['deliveries/sse/stream.ts', 'engines/memory/record.ts'])
  expect(strayImports('deliveries/new/client.ts', source, ['sse'])).toEqual(['engines/memory/record.ts'])
  expect(strayImports('engines/new/worker.ts', `import { a } from '../_postgres/store.ts'`, [])).toEqual([])
  expect(strayImports('engines/new/worker.ts', `import a from '../../../harness/run/run.ts'`, [])).toHaveLength(1)
})

test('a declaration names only what its folder is made of', () => {
  for (const [kind, all] of Object.entries(plugins))
    for (const { name, madeOf = [] } of all.values())
      for (const other of madeOf) {
        const own = files.filter((file) => file.startsWith(`${kind}/${name}/`))
        const sources = own.map((file) => readFileSync(new URL(file, patterns), 'utf8'))
        expect(
          sources.some((source) => source.includes(`'../${other}/`)),
          `${name} is made of ${other}`,
        ).toBe(true)
      }
})
