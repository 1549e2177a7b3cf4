import { expect, test } from 'vitest'
import { type Line, linesOf } from '../../../harness/task-page/shown/tree.ts'

/** Every line with its mark: `/a/b changed 2 was 1`. */
function flat(lines: readonly Line[]): readonly string[] {
  return lines.flatMap(({ pointer, mark, text, was, below }) => [
    [pointer, mark, text, was === undefined ? undefined : `was ${was}`].filter((part) => part !== undefined).join(' '),
    ...flat(below),
  ])
}

test('a document is shown line by line, and without a former one nothing is marked', () => {
  expect(flat(linesOf({ a: { b: 1, 'c/d': null }, e: [], f: {}, g: ['x'] }, undefined))).toEqual([
    '/a',
    '/a/b 1',
    '/a/c~1d null',
    '/e []',
    '/f {}',
    '/g',
    '/g/0 "x"',
  ])
})

test('what a patch changed is marked, and what it took away is still there to be seen', () => {
  const before = { same: 1, value: 'old', gone: { deep: true }, list: [1, 2] }
  const after = { same: 1, value: 'new', list: [1], fresh: { deep: null } }
  expect(flat(linesOf(after, before))).toEqual([
    '/same 1',
    '/value changed "new" was "old"',
    '/list',
    '/list/0 1',
    '/list/1 removed 2',
    '/fresh added',
    '/fresh/deep added null',
    '/gone removed',
    '/gone/deep removed true',
  ])
})

test('another kind of thing in a place is a change, and its lines are new', () => {
  expect(flat(linesOf({ a: { b: 1 } }, { a: [7] }))).toEqual(['/a changed was [7]', '/a/b added 1'])
  expect(flat(linesOf({ a: 1 }, { a: { b: 1 } }))).toEqual(['/a changed 1 was {"b":1}'])
  expect(flat(linesOf({ a: null }, { a: 1 }))).toEqual(['/a changed null was 1'])
  expect(flat(linesOf({ a: null }, { a: null }))).toEqual(['/a null'])
})

test('what was there is cut where it is long', () => {
  const [line] = linesOf({ a: 1 }, { a: 'x'.repeat(500) })
  expect(line!.was).toHaveLength(120)
})
