import { expect, test } from 'vitest'
import { textTable, wrap, wrapRows, type Column } from '../../../harness/core/text-table.ts'

const columns: readonly Column[] = [
  { head: 'name', align: 'left', spare: 0 },
  { head: 'note', align: 'left', spare: 2 },
  { head: 'n', align: 'right', spare: 1 },
]
const rows = [['a', 'first', '1'], 'rule', ['bb', 'second', '22']] as const

test('columns are aligned under their heads', () => {
  expect(textTable(columns, rows, { columns: 80, colour: false, unicode: false })).toBe(
    ['name  note     n', '----------------', 'a     first    1', '----------------', 'bb    second  22'].join('\n'),
  )
})

test.each([
  [15, 'name   n'],
  [8, 'name   n'],
  [7, 'name'],
  [1, 'name'],
])('at width %i the head is %j', (width, head) => {
  expect(textTable(columns, rows, { columns: width, colour: false, unicode: false }).split('\n')[0]).toBe(head)
})

test('paint sees padded fields and their place', () => {
  const seen: string[] = []
  textTable(columns, rows, { columns: 80, colour: false, unicode: false }, (text, column, row) => {
    if (column === 2) seen.push(`${row}:${text}`)
    return text
  })
  expect(seen).toEqual(['-1: n', '0: 1', '2:22'])
})

test('sentences break at blanks; a word that is too long stays whole', () => {
  expect(wrap('one two three', 8, '  ')).toBe('one two\n  three')
  expect(wrap('extraordinary', 5, '')).toBe('extraordinary')
})

const long = [
  ['name', 'promises', 'what it is'],
  ['a', 'x', 'short'],
  [
    'webhook-retry',
    'no-lost-task effect-once idempotency',
    'posts the result until somebody takes it, and is polled besides',
  ],
] as const

const widthOf = (rows: readonly (readonly string[])[]): number => {
  const columns = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)))
  return columns.reduce((sum, one) => sum + one + 2, -2)
}

test.each([60, 80, 100])('at %i columns rows break at blanks, and nothing of them is lost', (width) => {
  const wrapped = wrapRows(long, width)
  expect(widthOf(wrapped)).toBeLessThanOrEqual(width)
  for (const column of [0, 1, 2]) {
    const words = (rows: readonly (readonly string[])[]): readonly string[] =>
      rows.flatMap((row) => row[column]!.split(' ')).filter((word) => word !== '')
    expect(words(wrapped)).toEqual(words(long))
  }
})

test('rows that fit stay as they are', () => {
  expect(wrapRows(long, 200)).toEqual(long)
})
