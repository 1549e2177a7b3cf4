import { isDeepStrictEqual } from 'node:util'
import { HarnessError } from '../core/errors.ts'
import type { Exchange } from './conversation.ts'

export interface BreachOptions extends ErrorOptions {
  /** What it was found in; by default the last answer of the case. */
  readonly exchange?: Exchange | undefined
}

/** The contract is broken: the message says how, in one line. */
export class Breach extends Error {
  override readonly name: string = 'Breach'
  readonly exchange: Exchange | undefined
  constructor(message: string, { exchange, ...options }: BreachOptions = {}) {
    super(message, options)
    this.exchange = exchange
  }
}

/** The service did not take what it was asked for (4xx): the request may be what is wrong. */
export class Refused extends Breach {
  override readonly name = 'Refused'
}

/** There was no answer at all. */
export class Unreached extends Breach {
  override readonly name = 'Unreached'
}

/** What a case is about did not come to pass, so that it proves nothing either way. */
export class Undecided extends Error {
  override readonly name = 'Undecided'
}

/** The service has not what the case needs, which shows only while it runs. */
export class NotApplicable extends Error {
  override readonly name = 'NotApplicable'
}

export function must(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new Breach(sentence)
}

/** Deep equality. Of what is too long to be shown the first difference is. */
export function mustBe(what: string, got: unknown, wanted: unknown): void {
  if (isDeepStrictEqual(got, wanted)) return
  if (isShort(got) && isShort(wanted)) throw new Breach(`${what}: ${show(got)}, must be ${show(wanted)}`)
  const { path, is, must: right } = differenceOf(got, wanted)
  throw new Breach(`${[what, ...path].join(': ')}: ${show(is)}, must be ${show(right)}`)
}

interface Difference {
  /** Names of fields and places in lists, from the outside in. */
  readonly path: readonly string[]
  readonly is: unknown
  readonly must: unknown
}

/** The innermost first difference of two values that are not equal. */
function differenceOf(is: unknown, right: unknown): Difference {
  const [ours, theirs] = [membersOf(is), membersOf(right)]
  const name =
    ours &&
    theirs &&
    [...new Set([...Object.keys(theirs), ...Object.keys(ours)])].find((key) => {
      return !isDeepStrictEqual(ours[key], theirs[key])
    })
  if (name === undefined) return { path: [], is, must: right }
  const inner = differenceOf(ours![name], theirs![name])
  return { ...inner, path: [name, ...inner.path] }
}

function membersOf(value: unknown): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}

/** The value is one of these. */
export function mustBeOneOf<T>(what: string, got: T, allowed: readonly T[]): void {
  if (!allowed.includes(got)) throw new Breach(`${what}: ${show(got)}, must be ${allowed.map(show).join(' or ')}`)
}

const longest = 160

export function show(value: unknown): string {
  const text = textOf(value)
  return text.length <= longest ? text : `${text.slice(0, longest)}...`
}

function isShort(value: unknown): boolean {
  return textOf(value).length <= longest
}

function textOf(value: unknown): string {
  return value === undefined ? 'nothing' : JSON.stringify(value)
}

/** What this machine has too little of. */
const ours: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'ENOBUFS', 'EADDRNOTAVAIL'])

/** Some of a parser's errors have no code: what came is no HTTP, or has no end. */
const parserErrors: ReadonlySet<string> = new Set(['HTTPParserError'])

/**
 * How a connection ended without an answer. Undefined for an error that no connection makes: that is a defect of ours.
 * Throws HarnessError where this machine has no connection to spare.
 */
export function lostBy(error: unknown): string | undefined {
  const {
    name,
    message,
    code = parserErrors.has(name ?? '') ? name : undefined,
  } = error as Partial<NodeJS.ErrnoException>
  if (typeof code !== 'string' || code === 'UND_ERR_INVALID_ARG') return undefined
  if (ours.has(code)) throw new HarnessError(`this machine cannot ask it: ${code}`, { cause: error })
  const reason = message || 'the connection was refused'
  return reason.includes(code) ? reason : `${code}: ${reason}`
}

export function undecidedUnless(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new Undecided(sentence)
}
