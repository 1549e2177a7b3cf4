import { isObject, type Operation, patched } from './json-patch.ts'

/** What a person wrote: read, or what is wrong with it, in words for beside the field. */
export type Entered<T> = { readonly value: T } | { readonly flaw: string }

const mostOperations = 100
const mostCredits = 1_000_000_000

/** A memory to begin with: a JSON object. Nothing written is none. */
export function readMemory(text: string): Entered<object | undefined> {
  if (text.trim() === '') return { value: undefined }
  const read = readJson(text)
  if ('flaw' in read) return read
  return isObject(read.value)
    ? { value: read.value }
    : { flaw: 'A memory is a JSON object, such as {"instruction": "be thorough"}.' }
}

/** A new instruction as a patch: `add` also puts it in the place of an old one (RFC 6902, 4.1). */
export function readInstruction(text: string): Entered<readonly Operation[]> {
  if (text.trim() === '') return { flaw: 'Say what the agent is to do from now on.' }
  return { value: [{ op: 'add', path: '/instruction', value: text.trim() }] }
}

/** A JSON Patch that applies to the memory as it is now. What the agent notes meanwhile may still make it void. */
export function readPatch(text: string, document: unknown): Entered<readonly Operation[]> {
  const read = readJson(text)
  if ('flaw' in read) return read
  const { value } = read
  if (!Array.isArray(value) || value.length === 0) return { flaw: 'A JSON Patch is a list of at least one operation.' }
  if (value.length > mostOperations) return { flaw: `A patch has at most ${mostOperations} operations.` }
  const flaw = value.map(flawOf).find((one) => one !== undefined)
  if (flaw !== undefined) return { flaw }
  try {
    patched(document, value as Operation[])
    return { value: value as Operation[] }
  } catch (error) {
    return { flaw: `As the memory is now, ${(error as Error).message}.` }
  }
}

export function readCredits(text: string): Entered<number> {
  const credits = Number(text)
  if (/^\d+$/.test(text.trim()) && credits >= 1 && credits <= mostCredits) return { value: credits }
  return { flaw: `Credits are a whole number from 1 to ${mostCredits.toLocaleString('en')}.` }
}

export function readSeed(text: string): Entered<number> {
  if (/^\d{1,15}$/.test(text.trim())) return { value: Number(text) }
  return { flaw: 'A seed is a whole number from 0.' }
}

function readJson(text: string): Entered<unknown> {
  try {
    return { value: JSON.parse(text) as unknown }
  } catch (error) {
    return { flaw: `That is no JSON: ${(error as Error).message}.` }
  }
}

const known: ReadonlySet<string> = new Set(['add', 'remove', 'replace', 'move', 'copy', 'test'])
const pointer = /^(\/([^~/]|~[01])+)+$/

function flawOf(operation: unknown, i: number): string | undefined {
  const said = (words: string): string => `Operation ${i + 1}: ${words}.`
  if (!isObject(operation)) return said('it is no object')
  const { op, path, from } = operation
  if (typeof op !== 'string' || !known.has(op)) return said(`op is one of ${[...known].join(', ')}`)
  if (!isPointer(path)) return said('path is a JSON Pointer below the root, such as /notes/3')
  if ((op === 'move' || op === 'copy') && !isPointer(from)) return said(`${op} needs from, a JSON Pointer`)
  if (['add', 'replace', 'test'].includes(op) && !('value' in operation)) return said(`${op} needs a value`)
  return undefined
}

function isPointer(value: unknown): boolean {
  return typeof value === 'string' && pointer.test(value)
}
