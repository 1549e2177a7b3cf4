import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

/** What users read, by its path from the root of the project. Published results show what once was typed. */
export function listPages(): readonly string[] {
  const found = globSync(['*.md', 'docs/**/*.md', 'packages/*/README.md', 'patterns/**/*.md'], { cwd: root })
  return found.filter((path) => path !== 'CHANGELOG.md' && !path.includes('node_modules')).toSorted()
}

export function textOf(path: string): string {
  return readFileSync(join(root, path), 'utf8')
}

export interface Block {
  readonly page: string
  /** From 1: where it begins. */
  readonly line: number
  /** As it is written after the fence; empty where there is none. */
  readonly language: string
  readonly text: string
}

/** The fenced blocks of a page. */
export function blocksOf(page: string): readonly Block[] {
  const text = textOf(page)
  return [...text.matchAll(/^( *)```(\w*)\n(.*?)^ *```$/gms)].map(({ 2: language, 3: body, index }) => {
    return { page, line: text.slice(0, index).split('\n').length, language: language!, text: body! }
  })
}

export interface Written {
  readonly page: string
  readonly line: number
  /** Words of a command line, without what is before `outlast` and without what a shell does with it. */
  readonly words: readonly string[]
  /** One word in a sentence is the name of a command. */
  readonly isCall: boolean
}

/** Every line of a page that calls `outlast`: in a block, or as code in a sentence. */
export function commandsIn(page: string, text = textOf(page)): readonly Written[] {
  const isFence = /^ *```/
  let inBlock = false
  return text.split('\n').flatMap((line, i) => {
    if (isFence.test(line)) inBlock = !inBlock
    const codes = inBlock ? [line.trim()] : [...line.matchAll(/`([^`]+)`/g)].map(([, code]) => code!)
    return codes.flatMap((code) => {
      const words = wordsOf(code)
      return words ? [{ page, line: i + 1, words, isCall: inBlock || words.length > 1 }] : []
    })
  })
}

/** `TOKEN=x npx outlast run 'my file' | head   # why` is `run`, `my file`. Undefined: it calls something else, or names no command. */
function wordsOf(code: string): readonly string[] | undefined {
  const [, called] = /^(?:[A-Z_]+=\S+ +)*(?:npx |node (?:\S*\/)?bin\/)?outlast(?:\.js)?((?: .*)?)$/.exec(code) ?? []
  if (called === undefined) return undefined
  const own = called.replace(/(?: +# | *\\?\||[<>] | && | *;).*$/, '')
  const words = [...own.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    ([, single, double, bare]) => single ?? double ?? bare!,
  )
  const meant = words.filter((word) => word !== '...')
  return meant.length === 0 ? undefined : meant
}
