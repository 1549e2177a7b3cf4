import { afterEach, expect, test, vi } from 'vitest'
import { print, printJson, say, sayCommand } from '../../../harness/cli/output.ts'

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
})
