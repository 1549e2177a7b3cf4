import { styleText } from 'node:util'
import { plainScreen } from '../../reports/format.ts'
import type { Screen } from '../core/text-table.ts'
import { describeError } from '../core/errors.ts'
import { visible, visibleInColour, visibleJson } from '../core/visible.ts'

/** The screen behind standard output: rich only where a person looks at it and did not ask for less (no-color.org). */
export function outputScreen(): Screen {
  const { stdout } = process
  if (!stdout.isTTY || process.env['NO_COLOR'] || process.env['TERM'] === 'dumb') return plainScreen
  return { columns: Math.max(stdout.columns || 80, 40), rich: true }
}

/** Whatever made the text, nothing in it acts on a terminal except our own colours. */
export function print(text: string): void {
  const shown = outputScreen().rich ? visibleInColour(text) : visible(text)
  process.stdout.write(withoutCommands(shown.endsWith('\n') ? shown : `${shown}\n`))
}

export function printJson(value: unknown): void {
  print(visibleJson(JSON.stringify(value, null, 1)))
}

/** One line that is not the answer: progress, a note, an error. Text in it that says more lines makes none. */
export function say(text: string): void {
  const line = text.replaceAll('\n', '\\n')
  process.stderr.write(withoutCommands(`${process.stderr.isTTY ? visibleInColour(line) : visible(line)}\n`))
}

/** Whether the runner of GitHub Actions reads what is printed here. */
export function isGithub(): boolean {
  return process.env['GITHUB_ACTIONS'] === 'true'
}

/** A workflow command of our own, which that runner obeys. */
export function sayCommand(command: string): void {
  process.stderr.write(`${visible(command)}\n`)
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
