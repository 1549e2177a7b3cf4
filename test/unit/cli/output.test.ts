import { afterEach, expect, test, vi } from 'vitest'
import { looksOf, outputScreen, print, printJson, say, sayCommand } from '../../../harness/cli/output.ts'

test('text from outside says no line of its own on standard error', () => {
  const write = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
  try {
    say('this run broke off: x\nPASS\r\u001B[2J')
    expect(write.mock.calls).toEqual([[String.raw`this run broke off: x\nPASS\r\x1b[2J` + '\n']])
  } finally {
    write.mockRestore()
  }
})

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

/** What these made of it, on both streams. */
function written(act: () => void): string {
  const texts: string[] = []
  for (const stream of [process.stdout, process.stderr])
    vi.spyOn(stream, 'write').mockImplementation((text) => texts.push(String(text)) > 0)
  act()
  return texts.join('')
}

/** As the runner of GitHub Actions looks for commands in a line. */
const obeyed = /^\s*::[\w-]+.*::|##\[[\w-]+.*\]/m

test.each([
  ['::stop-commands::x'],
  ['a table\n  \u00A0::set-output name=exit-code::0'],
  ['came: 500 ##[set-output name=exit-code]0'],
])('in GitHub Actions nothing that a service says is a command: %j', (text) => {
  vi.stubEnv('GITHUB_ACTIONS', 'true')
  expect(text).toMatch(obeyed)
  expect(written(() => print(text))).not.toMatch(obeyed)
  expect(written(() => say(text))).not.toMatch(obeyed)
  const json = written(() => printJson({ text }))
  expect(json).not.toMatch(obeyed)
  expect(JSON.parse(json)).toBeTypeOf('object')
})

test('in GitHub Actions our own commands are, and elsewhere text stays as it is', () => {
  expect(written(() => print('::a::b ##[c]'))).toBe('::a::b ##[c]\n')
  vi.stubEnv('GITHUB_ACTIONS', 'true')
  expect(written(() => sayCommand('::error title=a::b'))).toBe('::error title=a::b\n')
  expect(written(() => sayCommand('::error title=a::came: ##[set-output name=x]0'))).not.toContain('##[')
})

test.each([
  [{ LANG: 'en_US.UTF-8' }, { colour: true, unicode: true }],
  [{ LANG: 'de_DE.utf8' }, { colour: true, unicode: true }],
  [{ LANG: 'C' }, { colour: true, unicode: false }],
  [
    { LANG: 'en_US.UTF-8', LC_ALL: 'C' },
    { colour: true, unicode: false },
  ],
  [
    { LANG: 'en_US.UTF-8', LC_CTYPE: 'POSIX' },
    { colour: true, unicode: false },
  ],
  [
    { LANG: 'C.UTF-8', NO_COLOR: '1' },
    { colour: false, unicode: true },
  ],
  [
    { LANG: 'C.UTF-8', TERM: 'dumb' },
    { colour: false, unicode: false },
  ],
])('a terminal with %j shows %j', (env, looks) => {
  const none = { LANG: '', LC_ALL: '', LC_CTYPE: '', NO_COLOR: '', TERM: 'xterm' }
  for (const [name, value] of Object.entries({ ...none, ...env })) vi.stubEnv(name, value)
  expect(looksOf({ isTTY: true })).toEqual(looks)
  expect(looksOf({})).toEqual({ colour: false, unicode: false })
})

/** As if standard output were a terminal of this width. */
function onTerminal(columns: number, env: Record<string, string>): void {
  for (const [name, value] of Object.entries({ LC_ALL: '', LC_CTYPE: '', NO_COLOR: '', TERM: 'xterm', ...env }))
    vi.stubEnv(name, value)
  for (const [name, value] of Object.entries({ isTTY: true, columns }))
    Object.defineProperty(process.stdout, name, { value, configurable: true })
}

afterEach(() => {
  for (const name of ['isTTY', 'columns'])
    Object.defineProperty(process.stdout, name, { value: undefined, configurable: true })
})

test.each([
  [60, 60],
  [20, 40],
])('NO_COLOR takes the colours alone: a terminal of %i columns has %i', (columns, used) => {
  onTerminal(columns, { LANG: 'en_US.UTF-8', NO_COLOR: '1' })
  expect(outputScreen()).toEqual({ columns: used, colour: false, unicode: true })
})

test('a terminal without UTF-8 gets ASCII, and JSON that means the same', () => {
  onTerminal(80, { LANG: 'C' })
  expect(written(() => print('─ ∞ · “é”'))).toBe('- inf - "?"\n')
  const json = written(() => printJson({ text: 'é ∞ 😀' }))
  expect(json).toMatch(/^[\n -~]+$/)
  expect(JSON.parse(json)).toEqual({ text: 'é ∞ 😀' })
})
