import { describe, expect, test } from 'vitest'
import { comparePure, findCycles, findTrespasses, graphOf, readRooms } from '../../../tools/rooms.ts'

const table = `
## The rooms

| room                                | may import                | remarks       |
| ----------------------------------- | ------------------------- | ------------- |
| \`harness/core\`                      | nothing of ours           |               |
| \`harness/stats\`, \`harness/checkers\` | \`core\`, and its own files | pure          |
| \`harness/cli\`                       | everything                |               |
| \`patterns\`                          | \`patterns\`                | lifted out    |
| \`patterns/contract\`                 | nothing of ours           |               |

## Another section

| \`harness/run\` | everything | |
`
const rooms = readRooms(table)
const trespasses = (file: string, text: string) => findTrespasses(graphOf(new Map([[file, text]])), rooms)

test('the table is read: several rooms in a row, short names, one section only', () => {
  expect(rooms.map(({ name }) => name)).toEqual([
    'harness/core',
    'harness/stats',
    'harness/checkers',
    'harness/cli',
    'patterns',
    'patterns/contract',
  ])
  expect(rooms[1]).toEqual({ name: 'harness/stats', mayImport: ['harness/core'], isPure: true })
  expect(rooms[3]).toMatchObject({ mayImport: 'everything', isPure: false })
})

describe('an import', () => {
  test.each([
    ['from its own room', 'harness/stats/a.ts', "import { b } from './b.ts'"],
    ['that its row allows', 'harness/checkers/a.ts', "import { b } from '../core/b.ts'"],
    ['from a folder within one that its row allows', 'patterns/serve.ts', "import { b } from './contract/types/b.ts'"],
    ['of the vocabulary', 'harness/core/a.ts', "import { b } from '../../patterns/contract/types/b.ts'"],
    ['of a package', 'harness/core/a.ts', "import { z } from 'zod'"],
    ['from anywhere, into a room that may import everything', 'harness/cli/a.ts', "import '../stats/b.ts'"],
  ])('%s is allowed', (_, file, text) => {
    expect(trespasses(file, text)).toEqual([])
  })
  test.each([
    ['of a type', "import type { B } from '../stats/b.ts'"],
    ['over several lines', "import {\n  a,\n  b,\n} from '../stats/b.ts'"],
    ['that is an export', "export { b } from '../stats/b.ts'"],
    ['of a whole module', "import * as b from '../stats/b.ts'"],
    ['for its effects', "import '../stats/b.ts'"],
    ['at run time', "const b = await import('../stats/b.ts')"],
    ['of a type within an expression', "let b: import('../stats/b.ts').B"],
  ])('%s is refused where the row does not allow it', (_, text) => {
    expect(trespasses('harness/core/a.ts', text)).toEqual([
      'harness/core/a.ts imports harness/stats/b.ts; harness/core may import nothing of ours',
    ])
  })
  test('from a room within a room is its own: the longest name counts', () => {
    expect(trespasses('patterns/contract/a.ts', "import '../engines/b.ts'")).toHaveLength(1)
  })
})

test('a file in no room is refused', () => {
  expect(trespasses('harness/new/a.ts', '')).toEqual(['harness/new/a.ts is in no room; add a row for its folder'])
})

test('a cycle is found, also one of types, and told once', () => {
  const files = {
    'x/a.ts': "import { b } from './b.ts'",
    'x/b.ts': "import { c } from './c.ts'",
    'x/c.ts': "import type { A } from './a.ts'",
    'x/d.ts': "import { a } from './a.ts'",
  }
  expect(findCycles(graphOf(new Map(Object.entries(files))))).toEqual(['x/a.ts -> x/b.ts -> x/c.ts -> x/a.ts'])
})

test('a pure room that the linter does not know is told', () => {
  const lint = (files: readonly string[]) =>
    JSON.stringify({ overrides: [{ files, rules: { 'eslint/no-restricted-globals': [] } }] })
  expect(comparePure(lint(['harness/stats/**/*.ts', 'harness/checkers/**/*.ts']), rooms)).toEqual([])
  expect(comparePure(lint(['harness/stats/**/*.ts']), rooms)).toEqual([
    '.oxlintrc.json: harness/checkers is pure; add "harness/checkers/**/*.ts" to the pure rooms',
  ])
})
