import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CommanderError } from 'commander'
import { describe, expect, test } from 'vitest'
import manifest from '../../../package.json' with { type: 'json' }
import { createProgram } from '../../../harness/cli/main.ts'
import { sections } from '../../../harness/cli/catalogue/catalogue.ts'
import { openRegistry } from '../../../harness/registry.ts'
import { commandsIn, listPages, textOf } from '../../support/docs.ts'

const registry = openRegistry()
const [formats, catalog] = await Promise.all([registry.formats(), registry.catalog()])
const root = join(import.meta.dirname, '../../..')

interface Parsed {
  readonly name: string
  readonly args: readonly unknown[]
  readonly options: Readonly<Record<string, unknown>>
}

/** What the real command line makes of it, where nothing is carried out; or why it makes nothing of it. */
async function parse(words: readonly string[]): Promise<Parsed | string> {
  const program = await createProgram([], { registry, done() {} })
  let parsed: Parsed | string = 'no command'
  program.configureOutput({ writeOut() {}, writeErr() {} })
  for (const command of program.commands) {
    command.configureOutput({ writeOut() {}, writeErr() {} })
    command.action(() => void (parsed = { name: command.name(), args: command.processedArgs, options: command.opts() }))
  }
  try {
    await program.parseAsync([...words], { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    return error.exitCode === 0 ? { name: 'help', args: [], options: {} } : error.message
  }
  return parsed
}

/** Names in it that nothing has. Capitals, angle brackets and single letters stand for something of the reader's. */
function unknownIn({ name, args, options }: Parsed): readonly string[] {
  const isReal = (word: string): boolean => !/[A-Z<]|:\/\/|^.$/.test(word)
  const words = args.flat().filter((word): word is string => typeof word === 'string' && isReal(word))
  const asked = [(options['format'] as readonly string[] | string | undefined) ?? []].flat().filter(isReal)
  const wrongFormats = name === 'conform' ? [] : asked.filter((format) => !formats.has(format))
  return [...wrongFormats, ...words.filter((word) => !isKnown(name, word))]
}

const takesPattern = new Set(['conform', 'serve', 'openapi'])

function isKnown(command: string, word: string): boolean {
  if (word.startsWith('scenarios/')) return existsSync(join(root, word))
  if (command === 'list') return word in sections
  if (takesPattern.has(command)) return catalog.resolvePattern(word) !== undefined
  return true
}

/** A page on how to add something adds one, under a name that only it has. */
function namesMadeIn(page: string): readonly string[] {
  return [...textOf(page).matchAll(/^ +name: '([\w-]+)'/gm)].map(([, name]) => name!)
}

const pages = listPages()

test('the pages are found, and the commands in them', () => {
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'docs/ci.md', 'docs/scenarios.md']))
  expect(pages.flatMap((page) => commandsIn(page)).length).toBeGreaterThan(80)
})

describe.each(pages)('%s', (page) => {
  test('calls outlast as it can be called', async () => {
    const wrong = await Promise.all(
      commandsIn(page).map(async ({ line, words, isCall }) => {
        const parsed = await parse(isCall ? words : [...words, '--help'])
        const own = new Set(namesMadeIn(page))
        const unknown = typeof parsed === 'string' ? [] : unknownIn(parsed).filter((word) => !own.has(word))
        const problems = typeof parsed === 'string' ? [parsed] : unknown.map((word) => `unknown: ${word}`)
        return problems.map((problem) => `${page}:${line}: outlast ${words.join(' ')}: ${problem}`)
      }),
    )
    expect(wrong.flat()).toEqual([])
  })

  test('names only scripts that there are', () => {
    const named = [...textOf(page).matchAll(/npm run (?:--silent |-s )?([a-z][\w:-]*)/g)].map(([, name]) => name!)
    expect(named.filter((name) => !(name in manifest.scripts))).toEqual([])
  })
})

describe('the examples in the help', async () => {
  const program = await createProgram([], { registry, done() {} })
  test.each(program.commands.map((command) => command.name()))('of outlast %s can be typed', async (name) => {
    const { commands } = await createProgram([], { registry, done() {} })
    const shown: string[] = []
    const command = commands.find((one) => one.name() === name)!
    command.configureOutput({ writeOut: (text) => void shown.push(text) }).outputHelp()
    const text = shown.join('').split('Examples:\n')[1] ?? ''
    const lines = text.split('\n').filter((line) => line.startsWith('  outlast '))
    // What an example does is said after several blanks.
    const written = commandsIn(
      'help',
      `\`\`\`\n${lines.map((line) => line.trim().replace(/ {2,}.*$/, '')).join('\n')}\n\`\`\``,
    )
    const wrong = await Promise.all(written.map(async ({ words }) => [words.join(' '), await parse(words)] as const))
    expect(wrong.filter(([, parsed]) => typeof parsed === 'string' || unknownIn(parsed).length > 0)).toEqual([])
  })
})

describe('what the test of all this sees', () => {
  test.each([
    ['run x.yaml --formt junit', "error: unknown option '--formt'\n(Did you mean --format?)"],
    ['rnu x.yaml', "error: unknown command 'rnu'\n(Did you mean run?)"],
    ['run', "error: missing required argument 'scenario'"],
    ['check latest other', /^error: too many arguments/],
    ['run x.yaml --seed many', /A seed is a whole number/],
  ])('outlast %s', async (text, problem) => {
    expect(await parse(text.split(' '))).toMatch(problem)
  })

  test.each([
    ['run scenarios/gone.yaml', 'scenarios/gone.yaml'],
    ['list flaws', 'flaws'],
    ['report latest --format pdf', 'pdf'],
    ['conform poling', 'poling'],
  ])('outlast %s', async (text, unknown) => {
    expect(unknownIn((await parse(text.split(' '))) as Parsed)).toEqual([unknown])
  })

  test('a line is what a shell would hand over', () => {
    const text =
      "```\nTOKEN=1 npx outlast conform URL --type 'a b'   # why\noutlast run x.yaml | head\n```\nand `npx outlast list ...`, `outlast`"
    expect(commandsIn('x', text).map(({ words }) => words)).toEqual([
      ['conform', 'URL', '--type', 'a b'],
      ['run', 'x.yaml'],
      ['list'],
    ])
  })
})
