import { styleText } from 'node:util'
import { plainScreen } from '../../reports/format.ts'
import type { Screen } from '../core/text-table.ts'
import { describeError } from '../core/errors.ts'
import { toAscii, visible, visibleInColour, visibleJson } from '../core/visible.ts'

/** The screen behind standard output, as wide as its terminal; a pipe or a file has no width of its own. */
export function outputScreen(): Screen {
  const { stdout } = process
  return stdout.isTTY ? { columns: Math.max(stdout.columns || 80, 40), ...looksOf(stdout) } : plainScreen
}

/** Colours unless the user asked for none (no-color.org); characters beyond ASCII where the locale has them. */
export function looksOf({ isTTY }: { readonly isTTY?: boolean }): Pick<Screen, 'colour' | 'unicode'> {
  const { NO_COLOR: none, TERM: kind } = process.env
  const isCapable = isTTY === true && kind !== 'dumb'
  return { colour: isCapable && !none, unicode: isCapable && isUtf8() }
}

/** By the locale's first name that is set, as POSIX has it (8.2); systems that have none of these speak UTF-8. */
function isUtf8(): boolean {
  const { LC_ALL: all, LC_CTYPE: characters, LANG: language } = process.env
  if (process.platform === 'win32') return true
  return /utf-?8/i.test(all || characters || language || '')
}

/** Whatever made the text, nothing in it acts on a terminal except our own colours. */
export function print(text: string): void {
  const { colour, unicode } = outputScreen()
  const safe = colour ? visibleInColour(text) : visible(text)
  // A pipe gets the text as it is: who reads it may know all characters.
  const shown = process.stdout.isTTY && !unicode ? toAscii(safe) : safe
  process.stdout.write(withoutCommands(shown.endsWith('\n') ? shown : `${shown}\n`))
}

export function printJson(value: unknown): void {
  const text = visibleJson(JSON.stringify(value, null, 1))
  const { isTTY } = process.stdout
  // The same document, whatever it is shown on.
  print(isTTY && !outputScreen().unicode ? text.replaceAll(/[^\n -~]/g, escapeUnit) : text)
}

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}

/** One line that is not the answer: progress, a note, an error. Text in it that says more lines makes none. */
export function say(text: string): void {
  const line = text.replaceAll('\n', '\\n')
  const { stderr } = process
  const shown = stderr.isTTY ? visibleInColour(line) : visible(line)
  process.stderr.write(withoutCommands(`${stderr.isTTY && !looksOf(stderr).unicode ? toAscii(shown) : shown}\n`))
}

/** Whether the runner of GitHub Actions reads what is printed here. */
export function isGithub(): boolean {
  return process.env['GITHUB_ACTIONS'] === 'true'
}

/** A workflow command of our own, which that runner obeys, and none that is in its text. */
export function sayCommand(command: string): void {
  process.stderr.write(`${visible(command).replaceAll('##[', '## [')}\n`)
}

/**
 * That runner obeys a line of either stream that begins with `::`, and `##[` anywhere in one. A service under test that can
 * say so must neither set outputs of the step nor silence its annotations. https://github.com/actions/runner, ActionCommand.cs
 */
function withoutCommands(text: string): string {
  if (!isGithub()) return text
  return text.replaceAll('##[', '## [').replaceAll(/^([^\S\n]*)::/gm, String.raw`$1\::`)
}

let lost: Error | undefined

/** A closed pipe, as of `outlast list | head`, is no failure and stops no run. Anything else is reported at the end. */
export function watchOutput(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') lost ??= error
  })
  // Who does not see the progress may see the answer.
  process.stderr.on('error', () => {})
}

/** Why some of what was printed did not arrive, or undefined. */
export async function lostOutput(): Promise<string | undefined> {
  // A stream tells of a failed write a moment later.
  await new Promise((resolve) => setImmediate(resolve))
  return lost && describeError(lost)
}

/** In colour where standard error is a terminal. */
export function tint(colour: Parameters<typeof styleText>[0], text: string): string {
  return styleText(colour, text, { stream: process.stderr })
}
