import { isDeepStrictEqual } from 'node:util'

/** The contract is broken: the message says how, in one line. */
export class Breach extends Error {
  override readonly name: string = 'Breach'
}

/** The service did not take what it was asked for (4xx): the request may be what is wrong. */
export class Refused extends Breach {
  override readonly name = 'Refused'
}

/** What a case is about did not come to pass, so that it proves nothing either way. */
export class Undecided extends Error {
  override readonly name = 'Undecided'
}

export function must(holds: boolean, sentence: string): asserts holds {
  if (!holds) throw new Breach(sentence)
}

/** Deep equality. */
export function mustBe(what: string, got: unknown, wanted: unknown): void {
  if (!isDeepStrictEqual(got, wanted)) throw new Breach(`${what}: ${show(got)}, must be ${show(wanted)}`)
}

const longest = 160

export function show(value: unknown): string {
  const text = value === undefined ? 'nothing' : JSON.stringify(value)
  return text.length <= longest ? text : `${text.slice(0, longest)}...`
}
