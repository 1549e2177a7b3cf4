/** `npm run rooms`: compares every import with the table in CONTRIBUTING.md, and finds import cycles, of types too. */
import { globSync, readFileSync } from 'node:fs'
import { join, posix } from 'node:path'

/** One row of the table. A row may name several rooms. */
export interface Room {
  /** A folder. A file belongs to the room with the longest name that contains it. */
  readonly name: string
  /** Folders with all that is in them, or files. */
  readonly mayImport: readonly string[] | 'everything'
  /** Takes time and randomness as arguments, and does no I/O: the linter checks that, by its own list of these rooms. */
  readonly isPure: boolean
}

/** Files with what each imports of ours: paths from the root of the repository. */
export type ImportGraph = ReadonlyMap<string, readonly string[]>

/** The rows of the table under "## The rooms". Only what is in backticks counts; `core` means `harness/core`. */
export function readRooms(contributing: string): readonly Room[] {
  const section = contributing.split('\n## ').find((part) => part.startsWith('The rooms')) ?? ''
  const rows = section.split('\n').filter((line) => line.startsWith('| `'))
  return rows.flatMap((row) => {
    const [rooms = '', allowed = '', remarks = ''] = row.split('|').slice(1)
    const mayImport = allowed.includes('everything') ? ('everything' as const) : namesIn(allowed)
    return namesIn(rooms).map((name) => ({ name, mayImport, isPure: /\bpure\b/.test(remarks) }))
  })
}

const topFolders: ReadonlySet<string> = new Set(['bench', 'harness', 'patterns', 'reports', 'servers', 'test', 'tools'])

function namesIn(cell: string): readonly string[] {
  const names = [...cell.matchAll(/`([^`]+)`/g)].map(([, name]) => name!)
  return names.map((name) => (topFolders.has(name.split('/')[0]!) ? name : `harness/${name}`))
}

/** The imports in these texts, of types too. Modules that are named at run time are not among them. */
export function graphOf(texts: ReadonlyMap<string, string>): ImportGraph {
  const entries = [...texts].map(([file, text]) => {
    const paths = [...text.matchAll(/\b(?:from|import)\s*\(?\s*['"](\.[^'"]*)['"]/g)].map(([, path]) => path!)
    return [file, [...new Set(paths.map((path) => posix.join(posix.dirname(file), path)))]] as const
  })
  return new Map(entries)
}

/** Every room may import this one. */
const vocabulary = 'patterns/contract/types'

/** Imports that the table does not allow, and files that it has no row for. */
export function findTrespasses(graph: ImportGraph, rooms: readonly Room[]): readonly string[] {
  return [...graph].flatMap(([file, imports]) => {
    const room = roomOf(file, rooms)
    if (!room) return [`${file} is in no room; add a row for its folder`]
    const { name, mayImport } = room
    if (mayImport === 'everything') return []
    const isAllowed = (path: string): boolean =>
      roomOf(path, rooms)?.name === name || [vocabulary, ...mayImport].some((folder) => isIn(path, folder))
    const allowed = mayImport.join(', ') || 'nothing of ours'
    return imports
      .filter((path) => !isAllowed(path))
      .map((path) => `${file} imports ${path}; ${name} may import ${allowed}`)
  })
}

function roomOf(file: string, rooms: readonly Room[]): Room | undefined {
  return rooms.filter(({ name }) => isIn(file, name)).toSorted((a, b) => b.name.length - a.name.length)[0]
}

function isIn(file: string, folder: string): boolean {
  return file === folder || file.startsWith(`${folder}/`)
}

/** Files that import each other in a circle, each circle once. */
export function findCycles(graph: ImportGraph): readonly string[] {
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, above: readonly string[]): void => {
    if (above.includes(file)) cycles.push([...above.slice(above.indexOf(file)), file].join(' -> '))
    if (done.has(file) || above.includes(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...above, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  return cycles
}

/** Where the linter's list of pure rooms is another than the table's. */
export function comparePure(lint: string, rooms: readonly Room[]): readonly string[] {
  const { overrides } = JSON.parse(lint) as { overrides: readonly { files: readonly string[]; rules: object }[] }
  const pure = overrides.find(({ rules }) => 'eslint/no-restricted-globals' in rules)?.files ?? []
  const unlisted = rooms.filter(({ name, isPure }) => isPure && !pure.includes(`${name}/**/*.ts`))
  return unlisted.map(({ name }) => `.oxlintrc.json: ${name} is pure; add "${name}/**/*.ts" to the pure rooms`)
}

if (import.meta.main) {
  const root = join(import.meta.dirname, '..')
  const text = (path: string): string => readFileSync(join(root, path), 'utf8')
  const files = globSync('{bench,harness,patterns,reports,servers,tools}/**/*.{ts,mjs,js}', { cwd: root }).toSorted()
  const graph = graphOf(new Map(files.map((file) => [file, text(file)])))
  const rooms = readRooms(text('CONTRIBUTING.md'))
  const problems = [
    ...findTrespasses(graph, rooms),
    ...findCycles(graph),
    ...comparePure(text('.oxlintrc.json'), rooms),
  ]
  for (const problem of problems) console.error(problem)
  if (problems.length > 0) {
    console.error('The table "The rooms" in CONTRIBUTING.md says what each folder may import.')
    process.exitCode = 1
  }
}
