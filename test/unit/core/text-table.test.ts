import { expect, test } from 'vitest'
import { textTable, wrap, type Column } from '../../../harness/core/text-table.ts'

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

const texts = ['name', 'promises', 'what it is'].map((head): Column => ({ head, align: 'left', spare: 0 }))
const long = [
  ['a', 'x', 'short'],
  [
    'webhook-retry',
    'no-lost-task effect-once idempotency',
    'posts the result until somebody takes it, and is polled besides',
  ],
  ['b', 'an-unbreakably-long-name-of-something', 'x'],
] as const

test.each([50, 60, 80, 100])('at %i columns what is too long goes on below, and nothing of it is lost', (columns) => {
  const lines = textTable(texts, long, { columns, colour: false, unicode: false }).split('\n')
  expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(columns)
  const at = texts.map(({ head }) => lines[0]!.indexOf(head))
  const column = (i: number): string =>
    lines
      .slice(2)
      .map((line) => line.slice(at[i], at[i + 1]).trim())
      .filter(Boolean)
      .join(' ')
  const words = (text: string): string => text.replaceAll(' ', '')
  for (const i of [0, 1, 2]) expect(words(column(i))).toBe(words(long.map((row) => row[i]).join('')))
})

test('rows that fit stay as they are, at any width', () => {
  const lines = textTable(texts, long, { columns: Infinity, colour: false, unicode: false }).split('\n')
  expect(lines).toHaveLength(2 + long.length)
})
