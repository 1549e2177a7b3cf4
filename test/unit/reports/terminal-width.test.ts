import { expect, test } from 'vitest'
import terminal from '../../../reports/formats/terminal.ts'
import { study } from './study.ts'

test.each([60, 80, 100, 140])('at %i columns no line of the report is wider', (columns) => {
  const lines = terminal.render(study(300), { columns, colour: false, unicode: true }).split('\n')
  const wide = lines.filter((line) => Array.from(line).length > columns)
  expect(wide).toEqual([])
})
