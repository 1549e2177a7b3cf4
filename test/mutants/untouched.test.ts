import { describe, expect, test } from 'vitest'
import type { Op } from '../../harness/model/history.ts'
import { createRng, type Rng } from '../../harness/core/rng.ts'
import type { CellResult, TaskRow } from '../../harness/model/results.ts'
import { judgeCell } from '../../harness/verdict/cell.ts'
import { openRegistry } from '../../harness/registry.ts'
import { withUntouchedCompared } from '../../harness/verdict/untouched.ts'
import { graceMs } from './imagined.ts'
import { loseTask, rewrite } from './mutations.ts'
import { under } from './wrong-excuses.ts'
import { broken, calm, polling, stopAfterHeal, streaming, webhook } from './worlds.ts'

const checkers = await openRegistry().checkers()

/** Patterns promise what they promise, whatever the arm: one name for both. */
function judged(history: readonly Op[], promises?: readonly []): CellResult {
  const renamed = rewrite(history, (op) =>
    op.f === 'cell' ? [{ ...op, value: { ...op.value, pattern: 'it', ...(promises && { promises }) } }] : [op],
  )
  return judgeCell(renamed, checkers)
}

function untouched({ tasks }: CellResult): readonly string[] {
  return tasks.filter(({ exposed }) => !exposed).map(({ task }) => task)
}

/** Every other one of these tasks is lost by everybody. */
function loseHalf(history: readonly Op[], tasks: readonly string[]): readonly Op[] {
  return tasks
    .filter((_, i) => i % 2 === 0)
    .reduce((rest, task) => loseTask(rest, task, { taskId: `id-${task}`, found: false }), history)
}

/** Every result is seen so much later. */
function slow(history: readonly Op[], byMs: number): readonly Op[] {
  return rewrite(history, (op) => (op.f === 'task' && op.type === 'ok' ? [{ ...op, at: op.at + byMs }] : [op]))
}

const verdicts = (cells: readonly CellResult[]) => withUntouchedCompared(cells).map(({ verdict }) => verdict)

describe('tasks that no fault touched', () => {
  test.each([
    ['polling', polling],
    ['sse-polling', streaming],
    ['webhook', webhook],
  ] as const)('fare alike in honest cells of %s', (_, simulated) => {
    const cells = [judged(simulated(calm)), judged(simulated(broken))]
    expect(withUntouchedCompared(cells)).toEqual(cells)
  })

  test('half of them lost under the fault, and none in the control: INVALID, whatever was promised', () => {
    const control = judged(polling(calm), [])
    const harmed = judged(loseHalf(polling(broken), untouched(judged(polling(broken)))), [])
    const [, found] = withUntouchedCompared([control, harmed])
    expect(harmed.verdict).not.toBe('INVALID')
    expect(found!.verdict).toBe('INVALID')
    expect(found!.reasons[0]).toMatch(
      /^polling-durable\.kill\.1: the machine or the harness, not the pattern: \d+ of \d+ tasks that no fault touched failed; with the same seeds 0 of \d+ did in the control$/,
    )
  })

  test('a promise that only the sick cell broke is broken by nobody: INVALID wins over FAIL', () => {
    const history = loseHalf(polling(broken), untouched(judged(polling(broken))))
    expect(judged(history).verdict).toBe('FAIL')
    expect(verdicts([judged(polling(calm)), judged(history)])).toEqual(['PASS', 'INVALID'])
  })

  test('half of them lost in the control alone: then the control is INVALID', () => {
    const control = judged(loseHalf(polling(calm), untouched(judged(polling(calm)))), [])
    const found = withUntouchedCompared([control, judged(polling(broken))])
    expect(found.map(({ verdict }) => verdict)).toEqual(['INVALID', 'PASS'])
    expect(found[0]!.reasons[0]).toMatch(
      /tasks of the control failed; with the same seeds 0 of \d+ did in the arm kill/,
    )
  })

  test('a second later in one of them: INVALID; the same in both says nothing', () => {
    const late = judged(slow(polling(broken), 1000), [])
    expect(verdicts([judged(polling(calm)), late])).toEqual(['PASS', 'INVALID'])
    expect(verdicts([judged(slow(polling(calm), 1000)), judged(polling(broken))])).toEqual(['INVALID', 'PASS'])
    expect(verdicts([judged(slow(polling(calm), 1000), []), late])).not.toContain('INVALID')
  })

  test('a system that does not come back after the heal is the pattern: FAIL stands', () => {
    const stuck = judged(stopAfterHeal(polling(broken)))
    expect(stuck.verdict).not.toBe('PASS')
    expect(verdicts([judged(polling(calm)), stuck])).toEqual(['PASS', stuck.verdict])
  })

  const long = { tasks: 400, kills: [], seed: 7 } as const
  const killed = { ...long, kills: [{ ordinal: 0, atMs: 5000 }] }
  const healedAt = 5400
  const begunFrom = (history: readonly Op[], at: number): readonly string[] =>
    history.flatMap((op) => (op.f === 'task' && op.type === 'invoke' && op.at > at ? [op.task!] : []))

  const dueBefore = (history: readonly Op[], at: number): readonly string[] =>
    history.flatMap((op) => {
      const intent = op.f === 'task' && 'idealMs' in op.value ? op.value : undefined
      return intent && intent.intendedAt + intent.idealMs < at ? [op.task!] : []
    })

  test('a system that stays half broken after the heal is the pattern, whatever it promised', () => {
    const promising = judged(loseHalf(polling(killed), begunFrom(polling(killed), healedAt)))
    expect(verdicts([judged(polling(long)), promising])).toEqual(['PASS', 'FAIL'])
    const free = judged(loseHalf(webhook(killed), begunFrom(webhook(killed), healedAt)))
    expect(verdicts([judged(webhook(long)), free])).toEqual(['PASS', 'INCONCLUSIVE'])
  })

  test('a system that is half broken from the fault on, for everybody, is the pattern', () => {
    const broke = judged(loseHalf(polling(killed), begunFrom(polling(killed), 4000)))
    expect(verdicts([judged(polling(long)), broke])).toEqual(['PASS', 'FAIL'])
  })

  test('a half that is lost before the fault, too, is the machine', () => {
    const sick = judged(loseHalf(polling(killed), begunFrom(polling(killed), 0)))
    expect(verdicts([judged(polling(long)), sick])).toEqual(['PASS', 'INVALID'])
  })

  test('half of all that was due before the only fault lost, which lingered until it came: is the machine', () => {
    const onset = 3900
    const sick = loseHalf(polling(long), dueBefore(polling(long), onset - 250))
    const harmed = judged(under(sick, { fault: 'stall', on: 'worker->store', from: onset, to: onset + 400 }))
    expect(harmed.verdict).toBe('FAIL')
    const found = withUntouchedCompared([judged(polling(long)), harmed])
    expect(found.map(({ verdict }) => verdict)).toEqual(['PASS', 'INVALID'])
    expect(found[1]!.reasons[0]).toMatch(/52 of 103 tasks that no fault touched failed; with the same seeds 0 of 103/)
  })

  test('who was to be seen before a fault is not exposed to it, nor lost in it', () => {
    const onset = 6000
    const lost = loseHalf(polling(long), dueBefore(polling(long), onset - graceMs))
    const harmed = judged(under(lost, { fault: 'stall', on: 'worker->store', from: onset, to: onset + 400 }))
    expect(harmed.exposed!.successes).toBe(harmed.exposed!.n)
    expect(harmed.episodes).toMatchObject([{ lostTasks: 0, affectedTasks: harmed.exposed!.n }])
    expect(harmed.interruptions).toEqual([])
  })

  test('a long row of losses that began with nothing is the machine', () => {
    const names = begunFrom(polling(killed), 0).slice(0, 100)
    const history = names.reduce<readonly Op[]>(
      (rest, task) => loseTask(rest, task, { taskId: `id-${task}`, found: false }),
      polling(killed),
    )
    expect(verdicts([judged(polling(long), []), judged(history, [])])).toEqual(['PASS', 'INVALID'])
  })

  /** As many in a row as `many`, of those that clients had given up before the only fault. */
  const lostInARow = (many: number, promises?: readonly []): CellResult => {
    const names = dueBefore(polling(long), 5000).slice(20, 20 + many)
    const lost = names.reduce<readonly Op[]>((rest, task) => {
      return loseTask(rest, task, { taskId: `id-${task}`, found: false })
    }, polling(long))
    return judged(under(lost, { fault: 'stall', on: 'worker->store', from: 8000, to: 8400 }), promises)
  }

  test.each([40, 80])('%i in a row, lost long before the only fault: the machine, whatever was promised', (many) => {
    for (const promises of [undefined, []] as const) {
      const cells = [judged(polling(long), promises), lostInARow(many, promises)]
      expect(verdicts(cells)).toEqual(['PASS', 'INVALID'])
    }
  })

  test('twelve in a row are no pass, and blame nobody', () => {
    expect(verdicts([judged(polling(long), []), lostInARow(12, [])])).toEqual(['PASS', 'INCONCLUSIVE'])
  })

  test('a row that the control alone lost is no pass of the control', () => {
    const control = lostInARow(40, [])
    const none = { ...control, cell: { ...control.cell, arm: 'none', faults: [] }, faults: [] }
    const harmed = judged(under(polling(long), { fault: 'stall', on: 'worker->store', from: 8000, to: 8400 }), [])
    expect(verdicts([none, harmed])).toEqual(['INCONCLUSIVE', 'PASS'])
  })

  test('rows that the control has by itself, at other times, blame nobody', () => {
    const control = lostInARow(40, [])
    const at = (first: number): readonly string[] => begunFrom(polling(long), first).slice(0, 40)
    const rows = [...at(1000), ...at(6000)]
    const lost = rows.reduce<readonly Op[]>((rest, task) => {
      return loseTask(rest, task, { taskId: `id-${task}`, found: false })
    }, polling(long))
    expect(verdicts([judged(lost, []), control])).not.toContain('INVALID')
  })

  test('without a control, or with an invalid one, nothing is compared', () => {
    const harmed = judged(loseHalf(polling(broken), untouched(judged(polling(broken)))), [])
    expect(verdicts([harmed])).toEqual([harmed.verdict])
    const sick = { ...judged(polling(calm)), verdict: 'INVALID' } as const
    expect(verdicts([sick, harmed])).toEqual(['INVALID', harmed.verdict])
  })

  test('other arrivals are no pairs', () => {
    const other = judged(polling({ ...calm, seed: 8 }))
    const harmed = judged(loseHalf(polling(broken), untouched(judged(polling(broken)))), [])
    expect(verdicts([other, harmed])).toEqual(['PASS', harmed.verdict])
  })
})

/** A cell of so many tasks, ten a second and a second long, with a fault in the middle; `isLost` says which have no result. */
const honest = judged(polling(calm), [])
const planned = judged(polling(broken)).cell.faults

function imaginedCell(arm: 'none' | 'kill', tasks: number, isLost: (i: number) => boolean): CellResult {
  const onset = tasks * 50
  const rows = Array.from({ length: tasks }, (_, i): TaskRow => {
    const intendedAt = i * 100
    const exposed = arm === 'kill' && i % 4 === 0 && intendedAt < onset && intendedAt + 1000 > onset
    const lost = isLost(i)
    const about = { ordinal: i, task: `t-${i}`, intendedAt, idealMs: 1000, exposed }
    return lost ? { ...about, outcome: 'lost_everywhere' } : { ...about, outcome: 'ok', seenAt: intendedAt + 1010 }
  })
  const target = [{ node: 'worker-0' }]
  const fault = { id: 'kill-1#1', fault: 'kill', target, state: 'healed', proven: true } as const
  const faults = arm === 'none' ? [] : [{ ...fault, armedAt: onset, healedAt: onset + 1000 }]
  const cell = { ...honest.cell, arm, graceMs: 2000, faults: arm === 'none' ? [] : planned }
  return { ...honest, cell, faults, tasks: rows }
}

/** Losses that come in rows of so many on average, `rate` of all. */
function inRows(rng: Rng, tasks: number, rate: number, length: number): (i: number) => boolean {
  const lost = new Set<number>()
  for (let i = Math.ceil(rng.exponential(length / rate)); i < tasks; i += Math.ceil(rng.exponential(length / rate)))
    for (let left = Math.round(rng.exponential(length)); left >= 0; left--) lost.add(i++)
  return (i) => lost.has(i)
}

describe('losses that both arms have by themselves, in rows', () => {
  test.each([
    [60, 0.1, 5],
    [200, 0.05, 1],
    [200, 0.1, 5],
    [200, 0.1, 10],
    [600, 0.05, 10],
  ])('%i tasks, a share of %d lost, %i in a row: hardly any is INVALID', (tasks, rate, length) => {
    const rng = createRng(tasks + length, 'rows')
    const studies = Array.from({ length: 200 }, () => {
      const cells = (['none', 'kill'] as const).map((arm) => imaginedCell(arm, tasks, inRows(rng, tasks, rate, length)))
      return verdicts(cells).includes('INVALID')
    })
    expect(studies.filter(Boolean).length).toBeLessThanOrEqual(10)
  })
})
