import { expect, test } from 'vitest'
import { parseFormats, pickFormats } from '../../../harness/cli/formats.ts'
import { openRegistry } from '../../../harness/registry.ts'

const formats = await openRegistry().formats()
const names = (wanted: readonly string[]): readonly string[] => pickFormats(formats, wanted).map(({ name }) => name)

test('formats are a list with commas, and the option may be given again', () => {
  expect(parseFormats('html, markdown', parseFormats('junit'))).toEqual(['junit', 'html', 'markdown'])
})

test('each is taken once, in the order given', () => {
  expect(names(['markdown', 'junit', 'markdown'])).toEqual(['markdown', 'junit'])
  expect(names([])).toEqual([])
})

test.each(['', 'juni', 'pdf'])('there is no format "%s", and what there is is listed', (name) => {
  expect(() => names(['html', name])).toThrow(
    /^there is no format ".*; formats: csv, html, json, junit, markdown, parquet, terminal$/,
  )
})

test('no two formats write the same file', () => {
  const extensions = [...formats.values()].map(({ extension }) => extension)
  expect(new Set(extensions).size).toBe(extensions.length)
})
