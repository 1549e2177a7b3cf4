import { expect, test } from 'vitest'
import { allVisible, visible, visibleInColour, visibleJson, visibleLine } from '../../../harness/core/visible.ts'

const esc = '\u001B'

test.each([
  ['a clear screen', `${esc}[2Jx`, '\\x1b[2Jx'],
  ['the other way to begin a sequence', '\u009B31m', '\\x9b31m'],
  ['a bell, a NUL, a backspace', '\u0007\u0000\b', '\\x07\\x00\\x08'],
  ['a line that overwrites itself', 'FAIL\rPASS', 'FAIL\\rPASS'],
  ['a turned word', 'a\u202Eb\u2066', 'a\\u202eb\\u2066'],
  ['a line of its own kind', 'a\u2028b', 'a\\u2028b'],
  ['what only looks odd', 'é ∞ 中文 🙂 ─ \\x1b', 'é ∞ 中文 🙂 ─ \\x1b'],
])('%s is shown', (_, text, shown) => {
  expect(visible(text)).toBe(shown)
  expect(visibleLine(`${text}\n`)).toBe(shown)
})

test('lines stay lines, unless one is asked for', () => {
  expect(visible('a\nb')).toBe('a\nb')
  expect(visibleLine('a\nPASS\n')).toBe('a\\nPASS')
})

test('a colour acts, and nothing else', () => {
  expect(visibleInColour(`${esc}[31mred${esc}[0m${esc}[2J${esc}]0;title\u0007`)).toBe(
    `${esc}[31mred${esc}[0m\\x1b[2J\\x1b]0;title\\x07`,
  )
})

test('JSON says the same without them', () => {
  const value = { name: '\u009B\u202E\u007F', [`k${esc}`]: 'a\n"b"' }
  const text = visibleJson(JSON.stringify(value, null, 1))
  expect(JSON.parse(text)).toEqual(value)
  expect(visible(text)).toBe(text)
})

test('every text and name of a value, and the same object where there is nothing to show', () => {
  const clean = { a: ['b', 1, null, { c: true }] }
  expect(allVisible(clean)).toBe(clean)
  expect(allVisible({ [`n${esc}`]: [`v${esc}\n`, { deep: 'x\ny' }] })).toEqual({
    'n\\x1b': ['v\\x1b', { deep: 'x\\ny' }],
  })
})
