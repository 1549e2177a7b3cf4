import fc from 'fast-check'
import { expect, test } from 'vitest'
import { patchContext } from '../../../patterns/contract/engine/patch-context.ts'
import { openContext, type Patch } from '../../../patterns/contract/types/context.ts'
import { namesOf, type Operation, patched, pointerOf } from '../../../harness/task-page/shown/json-patch.ts'

const document = { a: { b: [1, 2, 3], 'c/d': null }, e: 'f', g: [{ h: 1 }] }

test.each<[Operation[], unknown]>([
  [[{ op: 'add', path: '/a/b/1', value: 9 }], { ...document, a: { b: [1, 9, 2, 3], 'c/d': null } }],
  [[{ op: 'add', path: '/a/b/-', value: 9 }], { ...document, a: { b: [1, 2, 3, 9], 'c/d': null } }],
  [[{ op: 'remove', path: '/a/c~1d' }], { ...document, a: { b: [1, 2, 3] } }],
  [[{ op: 'move', from: '/a/b/0', path: '/a/b/2' }], { ...document, a: { b: [2, 3, 1], 'c/d': null } }],
  [[{ op: 'copy', from: '/g/0', path: '/e' }], { ...document, e: { h: 1 } }],
  [[{ op: 'test', path: '/g', value: [{ h: 1 }] }], document],
  [[{ op: 'replace', path: '/a/c~1d', value: false }], { ...document, a: { b: [1, 2, 3], 'c/d': false } }],
])('%j applies', (patch, after) => {
  const before = structuredClone(document)
  expect(patched(document, patch)).toEqual(after)
  expect(document).toEqual(before)
})

test.each<Operation[]>([
  [{ op: 'remove', path: '/x' }],
  [{ op: 'add', path: '/a/b/5', value: 1 }],
  [{ op: 'add', path: '/e/x', value: 1 }],
  [{ op: 'replace', path: '/a/b/-', value: 1 }],
  [{ op: 'test', path: '/e', value: 'g' }],
  [{ op: 'move', from: '/a', path: '/a/b/0' }],
  [{ op: 'add', path: '/toString/x', value: 1 }],
  [{ op: 'guess', path: '/e' }],
])('%j does not', (...patch) => {
  expect(() => patched(document, patch)).toThrow(/^operation 1 \(/)
})

test('a patch is applied as a whole or not at all, and the flaw is counted', () => {
  const patch = [
    { op: 'remove', path: '/e' },
    { op: 'remove', path: '/e' },
  ]
  expect(() => patched(document, patch)).toThrow('operation 2 (remove /e) does not apply')
})

/** Few names, so that operations meet what is there. */
const name = fc.constantFrom('a', 'b', '0', '1', '-', 'x/y', 'm~n')
const path = fc.array(name, { minLength: 1, maxLength: 3 }).map(pointerOf)
const value = fc.letrec<{ any: unknown }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3 },
    fc.constantFrom(null, 1, 'text', true),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(name, tie('any'), { maxKeys: 4 }),
  ),
})).any
const operation = fc.oneof(
  fc.record({ op: fc.constantFrom('add', 'replace', 'test'), path, value }),
  fc.record({ op: fc.constant('remove'), path }),
  fc.record({ op: fc.constantFrom('move', 'copy'), path, from: path }),
)

test('it does what the server does, for whatever patch', () => {
  fc.assert(
    fc.property(
      fc.dictionary(name, value, { maxKeys: 4 }),
      fc.array(operation, { minLength: 1, maxLength: 4 }),
      (before, patch) => {
        const served = patchContext(openContext(before), patch as Patch)
        const shown = (): unknown => patched(before, patch)
        if (typeof served === 'string') expect(shown).toThrow()
        else expect(shown()).toEqual(served.document)
      },
    ),
    { numRuns: 2_000 },
  )
})

test('a pointer and its names are two ways to say one place', () => {
  fc.assert(
    fc.property(fc.array(fc.string(), { minLength: 1 }), (names) => {
      expect(namesOf(pointerOf(names))).toEqual(names)
    }),
  )
})
