import { styleText } from 'node:util'
import { plainScreen, type Screen } from '../../reports/format.ts'

/** The screen behind standard output: rich only where a person looks at it and did not ask for less (no-color.org). */
export function outputScreen(): Screen {
  const { stdout } = process
  if (!stdout.isTTY || process.env['NO_COLOR'] || process.env['TERM'] === 'dumb') return plainScreen
  return { columns: Math.max(stdout.columns || 80, 40), rich: true }
}

export function print(text: string): void {
  process.stdout.write(text.endsWith('\n') ? text : `${text}\n`)
}

/** For what is not the answer: progress, notes, errors. */
export function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

/** In colour where standard error is a terminal. */
export function tint(colour: Parameters<typeof styleText>[0], text: string): string {
  return styleText(colour, text, { stream: process.stderr })
}
