import { expect, test } from 'vitest'
import {
  readCredits,
  readInstruction,
  readMemory,
  readPatch,
  readSeed,
} from '../../../harness/task-page/shown/entered.ts'
import { patch } from '../../../patterns/contract/types/context.ts'

const document = { instruction: 'be thorough', notes: { 1: 'x' } }

test.each([
  ['', /^That is no JSON: /],
  ['{}', /^A JSON Patch is a list/],
  ['[]', /^A JSON Patch is a list/],
  ['[1]', /^Operation 1: it is no object\.$/],
  ['[{"op":"merge","path":"/a"}]', /^Operation 1: op is one of add, remove/],
  ['[{"op":"remove","path":""}]', /^Operation 1: path is a JSON Pointer below the root/],
  ['[{"op":"remove","path":"/a~2"}]', /^Operation 1: path is/],
  ['[{"op":"remove","path":"/notes"},{"op":"add","path":"/a"}]', /^Operation 2: add needs a value\.$/],
  ['[{"op":"move","path":"/a"}]', /^Operation 1: move needs from/],
  ['[{"op":"remove","path":"/a"}]', /^As the memory is now, operation 1 \(remove \/a\) does not apply\.$/],
  [JSON.stringify(Array.from({ length: 101 }, () => ({ op: 'remove', path: '/a' }))), /at most 100/],
])('a patch %s is refused in place', (text, flaw) => {
  expect(readPatch(text, document)).toEqual({ flaw: expect.stringMatching(flaw) })
})

test('a patch that applies is what the service takes', () => {
  const text = '[{"op":"test","path":"/notes/1","value":"x"},{"op":"move","from":"/notes/1","path":"/first"}]'
  const read = readPatch(text, document)
  expect(read).toEqual({ value: JSON.parse(text) })
  expect(patch.safeParse((read as { value: unknown }).value).success).toBe(true)
})

test('an instruction becomes a patch that applies whether there was one or not', () => {
  const read = readInstruction('  be brief\n')
  expect(read).toEqual({ value: [{ op: 'add', path: '/instruction', value: 'be brief' }] })
  expect(patch.safeParse((read as { value: unknown }).value).success).toBe(true)
  expect(readInstruction(' \n')).toHaveProperty('flaw')
})

test('a memory is an object, or none', () => {
  expect(readMemory(' ')).toEqual({ value: undefined })
  expect(readMemory('{"a":1}')).toEqual({ value: { a: 1 } })
  for (const text of ['[]', '1', 'null', '{']) expect(readMemory(text)).toHaveProperty('flaw')
})

test('credits and seeds are whole numbers', () => {
  expect([readCredits(' 12 '), readCredits('1000000000'), readSeed('0')]).toEqual([
    { value: 12 },
    { value: 1_000_000_000 },
    { value: 0 },
  ])
  for (const text of ['', '0', '-1', '1.5', '1e3', '1000000001', 'x']) expect(readCredits(text)).toHaveProperty('flaw')
  for (const text of ['', '-1', '1.5', 'x', '1'.repeat(16)]) expect(readSeed(text)).toHaveProperty('flaw')
})
