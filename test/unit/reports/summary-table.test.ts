import { expect, test } from 'vitest'
import terminal from '../../../reports/formats/terminal.ts'
import { study } from './study.ts'

const results = study(100)

test.each([80, 120, 200])(
  'fits a screen of %d columns, with what became of the tasks and every interval',
  (columns) => {
    const lines = terminal.render(results, { columns, colour: false, unicode: false }).split('\n')
    const from = lines.findIndex((line) => /^(under|pattern) /.test(line))
    const table = lines.slice(
      from,
      lines.findIndex((line, i) => i > from && line.startsWith('  ok: ')),
    )
    expect(Math.max(...table.map((line) => line.length))).toBeLessThanOrEqual(columns)
    for (const { outcomes, success } of results.cells.filter(({ success }) => success.n > 0)) {
      expect(table.join('\n')).toContain(`${outcomes.ok} ok`)
      expect(success.interval ?? success.faults).toBeDefined()
    }
    const shares = table.flatMap((line) => line.match(/\d%/g) ?? []).length
    const bounds = table.flatMap((line) => line.match(/\d% [[(]/g) ?? []).length
    expect(bounds).toBe(shares)
  },
)

test('a screen that is wide enough leaves nothing out', () => {
  const wide = terminal.render(results, { columns: 250, colour: false, unicode: false })
  for (const head of ['tasks', 'of them', 'success', 'overhead p50', 'p95', 'p99', 're-executed', 'promises'])
    expect(wide).toMatch(new RegExp(`^under .*${head}`, 'm'))
})
