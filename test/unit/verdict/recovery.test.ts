import { expect, test } from 'vitest'
import type { CellResult } from '../../../harness/model/results.ts'
import { summarizeRecovery } from '../../../harness/verdict/recovery.ts'
import { killedCell } from '../../support/judged-cells.ts'
import { cellPlan, plannedFault } from '../stats/cells.ts'

/** A cell of which each of these firings interrupted five tasks, that nobody went on with. */
function cut(firings: readonly { readonly id: string; readonly atMs: number }[]): CellResult {
  const faults = firings.map(({ id, atMs }) => plannedFault({ id, trigger: { kind: 'time', atMs } }))
  const interruptions = firings.flatMap(({ id }) =>
    Array.from({ length: 5 }, (_, i) => ({ task: `${id}/${i}`, fault: id })),
  )
  const tasks = interruptions.map(({ task }, ordinal) => ({ task, ordinal, outcome: 'lost_everywhere', exposed: true }))
  return {
    cell: cellPlan({ faults }),
    verdict: 'PASS',
    tasks,
    interruptions,
    episodes: firings.map(() => ({ restored: { kind: 'too-few' } })),
  } as unknown as CellResult
}

test('who went on is over instants, however many nodes each of them hit', () => {
  const wentOn = (firings: Parameters<typeof cut>[0]) => summarizeRecovery([cut(firings)])[0]!.wentOn!
  const nodes = Array.from({ length: 8 }, (_, n) => ({ id: `kill-1#${n}`, atMs: 100 }))
  expect(wentOn(nodes)).toMatchObject({ n: 40, faults: 1 })
  expect(wentOn(nodes)).not.toHaveProperty('interval')
  const instants = nodes.map(({ id }, n) => ({ id, atMs: 1000 * n }))
  expect(wentOn(instants)).toMatchObject({ n: 40, faults: 8 })
  expect(wentOn(instants)).toHaveProperty('interval')
})

test('where one repetition does not tell whom its outages cut, takeover is not told of any', () => {
  const told = killedCell(6, () => 500)
  const untold = { ...killedCell(6, () => undefined), interruptions: [], attemptsUntold: true }
  const [found] = summarizeRecovery([told, untold])
  expect(found).toMatchObject({ interrupted: 0, attemptsUntold: true })
  expect(found!.takeover).toBeUndefined()
  expect(found!.intervals?.takeoverP90).toBeUndefined()
})
