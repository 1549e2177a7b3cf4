import { root } from '../support/outlast.ts'

/** What somebody has to look at. */
export interface Finding {
  /** Throws this one again: `npm run test:fuzz -- ` and these options. */
  readonly again: string
  readonly what: string
}

/** Of a command that ended, or did not. */
export interface Ended {
  /** null: it did not end within the limit, or its process died. */
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  readonly tookMs: number
  /** Where there is no code: why. */
  readonly died?: string
}

const stack = /^\s+at .*(?::\d+:\d+\)?|\(node:|<anonymous>)/m
const internal =
  /\b(?:Type|Reference|Range|Eval|Assertion|Syntax)Error\b|\bERR_[A-Z_]+\b|undefined is not|\[object Object\]/
// eslint-disable-next-line no-control-regex
const control = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/

/** What is wrong with how a command ended; nothing for most. */
export function complaintsAbout(ended: Ended, allowed: readonly number[]): readonly string[] {
  const { code, stdout, stderr, died } = ended
  const text = stdout + stderr
  return [
    ...(died === undefined ? [] : [died]),
    ...(code !== null && !allowed.includes(code) ? [`exit code ${code}; ${allowed.join(', ')} would do`] : []),
    ...(stack.test(text) ? ['a stack'] : []),
    ...(internal.test(text) ? [`an internal error: ${internal.exec(text)![0]}`] : []),
    ...(control.test(text) ? [`a raw control character, U+${hexOf(control.exec(text)![0])}`] : []),
    ...(code !== 0 && code !== null && text.trim() === '' ? [`exit code ${code} without a word`] : []),
    ...(text.length > 100_000 && code !== 0 ? [`an error of ${text.length} characters`] : []),
  ]
}

function hexOf(character: string): string {
  return character.charCodeAt(0).toString(16).padStart(4, '0')
}

/** Of an answer that came over the network. */
export function leaksOf(text: string, secrets: readonly string[]): readonly string[] {
  return [
    ...(stack.test(text) ? ['a stack in the answer'] : []),
    ...(internal.test(text) ? [`an internal error in the answer: ${internal.exec(text)![0]}`] : []),
    ...[root, ...secrets].filter((secret) => text.includes(secret)).map(() => 'a path or a secret in the answer'),
  ]
}

/** Enough of an output to see what it is about, on one line and without its control characters. */
export function excerpt(text: string, length = 300): string {
  const line = JSON.stringify(text.length > length ? `${text.slice(0, length)}...` : text)
  return line.replaceAll(/[\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, (odd) => `\\u${hexOf(odd)}`)
}
