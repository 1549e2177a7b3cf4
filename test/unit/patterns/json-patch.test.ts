import { describe, expect, test } from 'vitest'
import { command } from '../../../patterns/contract/types/command.ts'
import { type Context, memory, type Memory, openContext, patch } from '../../../patterns/contract/types/context.ts'
import { patchContext } from '../../../patterns/contract/engine/patch-context.ts'

const document = { instruction: 'be brief', list: [1, 2], deep: { a: 1, '': 2, 'b/c': 3, 'd~e': null } }

function patched(operations: readonly object[], before: Memory = document): Context | string {
  return patchContext(openContext(before), patch.parse(operations))
}

const after = (...operations: object[]): unknown => {
  const context = patched(operations)
  return typeof context === 'string' ? context : context.document
}

describe('a JSON Patch, as RFC 6902 has it', () => {
  test.each([
    ['adds a member', { op: 'add', path: '/more', value: null }, { ...document, more: null }],
    ['replaces a member by adding it', { op: 'add', path: '/list', value: 1 }, { ...document, list: 1 }],
    ['inserts into a list', { op: 'add', path: '/list/1', value: 9 }, { ...document, list: [1, 9, 2] }],
    ['appends to a list', { op: 'add', path: '/list/-', value: 9 }, { ...document, list: [1, 2, 9] }],
    ['removes from a list', { op: 'remove', path: '/list/0' }, { ...document, list: [2] }],
    ['replaces in a list', { op: 'replace', path: '/list/0', value: [] }, { ...document, list: [[], 2] }],
    ['moves within a list', { op: 'move', from: '/list/0', path: '/list/1' }, { ...document, list: [2, 1] }],
    ['moves to where it is', { op: 'move', from: '/list', path: '/list' }, document],
    ['copies', { op: 'copy', from: '/list', path: '/deep/a' }, { ...document, deep: { ...document.deep, a: [1, 2] } }],
    ['reads escapes', { op: 'test', path: '/deep/b~1c', value: 3 }, document],
    ['reads escapes of escapes', { op: 'test', path: '/deep/d~0e', value: null }, document],
    ['tests what is equal', { op: 'test', path: '/deep', value: document.deep }, document],
    ['takes a method’s name', { op: 'add', path: '/toString', value: 1 }, { ...document, toString: 1 }],
  ])('%s', (_, operation, wanted) => {
    expect(after(operation)).toEqual(wanted)
  })

  test.each([
    { op: 'add', path: '/none/a', value: 1 },
    { op: 'add', path: '/list/3', value: 1 },
    { op: 'add', path: '/list/01', value: 1 },
    { op: 'add', path: '/list/x', value: 1 },
    { op: 'add', path: '/instruction/0', value: 'x' },
    { op: 'add', path: '/list/length', value: 0 },
    { op: 'add', path: '/toString/name', value: 'x' },
    { op: 'add', path: '/list/push/call', value: 'x' },
    { op: 'remove', path: '/none' },
    { op: 'remove', path: '/list/2' },
    { op: 'remove', path: '/list/-' },
    { op: 'remove', path: '/list/x' },
    { op: 'remove', path: '/toString' },
    { op: 'remove', path: '/instruction/length' },
    { op: 'replace', path: '/none', value: 1 },
    { op: 'replace', path: '/hasOwnProperty', value: 1 },
    { op: 'replace', path: '/list/x', value: 1 },
    { op: 'move', from: '/none', path: '/a' },
    { op: 'move', from: '/deep', path: '/deep/inside' },
    { op: 'move', from: '/list/0', path: '/list/0/x' },
    { op: 'move', from: '/list/0', path: '/list/2' },
    { op: 'move', from: '/list/0', path: '/list/x' },
    { op: 'copy', from: '/valueOf', path: '/a' },
    { op: 'copy', from: '/list', path: '/list/9' },
    { op: 'test', path: '/toString', value: {} },
    { op: 'test', path: '/list/length', value: 2 },
    { op: 'test', path: '/list', value: [2, 1] },
    { op: 'test', path: '/none', value: null },
  ])('does not apply: %j', (operation) => {
    expect(after({ op: 'add', path: '/first', value: 1 }, operation)).toMatch(/^operation 2 .* does not apply$/)
  })

  test('changes nothing outside of the document', () => {
    const builtIns = [Object.prototype, Array.prototype, Object.prototype.toString, Array.prototype.push]
    const names = builtIns.map((one) => Object.getOwnPropertyNames(one))
    for (const path of ['/toString/a', '/list/push/a', '/hasOwnProperty/call'])
      patchContext(openContext(document), [{ op: 'add', path, value: 1 }])
    expect(builtIns.map((one) => Object.getOwnPropertyNames(one))).toEqual(names)
  })
})

describe('what a patch may cost', () => {
  test('a hundred copies that double the document end at its limit', () => {
    const doubling = Array.from({ length: 100 }, (_, i) => ({ op: 'copy', from: '/a', path: `/a/${i}` }))
    expect(patched(doubling, { a: { text: 'x'.repeat(100) } })).toMatch(/larger/)
  })

  test('a test of two long lists is no slower than reading them', () => {
    const list = Array.from({ length: 8_000 }, (_, i) => i % 10)
    const began = performance.now()
    expect(patched([{ op: 'test', path: '/list', value: [...list.slice(1), 0] }], { list })).toMatch(/does not apply/)
    expect(performance.now() - began).toBeLessThan(2_000)
  })
})

describe('names that mean something to the language', () => {
  test.each(['__proto__', 'constructor', 'prototype'])('%s is no part of a path', (name) => {
    for (const path of [`/${name}`, `/deep/${name}/a`])
      expect(patch.safeParse([{ op: 'add', path, value: 1 }]).success).toBe(false)
    expect(patch.safeParse([{ op: 'copy', from: `/${name}`, path: '/a' }]).success).toBe(false)
  })

  test('__proto__ is none in a memory, nor in what a patch adds', () => {
    const value: unknown = JSON.parse('{"deep":[{"__proto__":{"a":1}}]}')
    expect(memory.safeParse(value).success).toBe(false)
    // On the outside zod leaves it out.
    expect(Object.keys(memory.parse(JSON.parse('{"__proto__":{"a":1},"b":1}')))).toEqual(['b'])
    expect(command.safeParse({ id: 'x', type: 'steer', patch: [{ op: 'add', path: '/a', value }] }).success).toBe(false)
  })
})

test('a number that JSON has not would be null for whoever reads the log', () => {
  expect(memory.safeParse(JSON.parse('{"a":1e999}')).success).toBe(false)
  expect(patch.safeParse(JSON.parse('[{"op":"add","path":"/a","value":[-1e999]}]')).success).toBe(false)
})
