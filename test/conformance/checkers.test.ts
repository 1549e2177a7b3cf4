import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { History, Op } from '../../harness/model/history.ts'
import { promises } from '../../patterns/contract/types/promises.ts'
import { judgeCell } from '../../harness/verdict/cell.ts'
import { openRegistry } from '../../harness/registry.ts'
import { rewrite } from '../mutants/mutations.ts'
import { broken, calm, polling, streaming, webhook } from '../mutants/worlds.ts'
import { wrongExcuses } from '../mutants/wrong-excuses.ts'
import { wrongHarnesses } from '../mutants/wrong-harnesses.ts'
import { wrongSystems } from '../mutants/wrong-systems.ts'

const checkers = await openRegistry().checkers()
const clean = streaming({ ...broken, tasks: 60 })
const mutants = [...wrongSystems, ...wrongExcuses, ...wrongHarnesses]

test('every promise has a checker that judges it', () => {
  expect(new Set(checkers.flatMap(({ judges }) => judges ?? []))).toEqual(new Set(Object.keys(promises)))
})

/** Those of controlled tasks have histories and mutants of their own: `test/unit/checkers/control.test.ts`. */
const ofAnyCell = checkers.filter(({ isAbout }) => isAbout === undefined)

describe.each(ofAnyCell)('$name', (checker) => {
  test('cannot tell from an empty history', () => {
    expect(checker.check([]).status).toBe('unknown')
  })

  test.each([
    ['calm', streaming(calm)],
    ['under a kill', clean],
  ])('passes a correct system, %s, or says that nothing put it to the test', (_, history) => {
    const { status, witnesses } = checker.check(history)
    expect([status === 'unexercised' ? 'pass' : status, witnesses]).toEqual(['pass', []])
  })

  test('never passes a truncated history', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: clean.length - 1 }), (length) => {
        expect(checker.check(clean.slice(0, length)).status).not.toBe('pass')
      }),
      { numRuns: 30 },
    )
  })

  test('does not accuse a correct system whose history is truncated', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: clean.length - 1 }), (length) => {
        expect(checker.check(clean.slice(0, length)).status).toBe('unknown')
      }),
      { numRuns: 30 },
    )
  })

  test('catches at least one mutant', () => {
    const caught = mutants.filter(({ caughtBy, history }) => {
      return caughtBy.includes(checker.name) && checker.check(history).status === 'fail'
    })
    expect(caught.length).toBeGreaterThan(0)
  })

  test('shows at most 20 ops of the history as witnesses, and repeats itself', () => {
    for (const { history } of mutants) {
      const verdict = checker.check(history)
      expect(verdict.witnesses.length).toBeLessThanOrEqual(20)
      for (const index of verdict.witnesses) expect(history[index]?.index).toBe(index)
      expect(checker.check([...history])).toEqual(verdict)
    }
  })
})

describe('the order in which unrelated ops were recorded', () => {
  const histories = [
    clean,
    webhook({ ...broken, tasks: 60 }),
    polling({ ...broken, tasks: 60 }),
    ...mutants.map(({ history }) => history),
  ]

  test('changes no verdict and no number', () => {
    fc.assert(
      fc.property(fc.constantFrom(...histories), fc.integer(), (history, seed) => {
        expect(summarize(interleave(history, seed))).toEqual(summarize(history))
      }),
      { numRuns: 60 },
    )
  })
})

function summarize(history: History): unknown {
  const { checks, ...rest } = judgeCell(history, checkers)
  return { ...rest, checks: checks.map((check) => ({ ...check, witnesses: [] })) }
}

/** Ops of one task, and those about no task, keep their order; which of these lists comes next is drawn. */
function interleave(history: readonly Op[], seed: number): Op[] {
  const lists = [...Map.groupBy(history, ({ task }) => task ?? '').values()].map((ops) => [...ops])
  const draws = fc.sample(fc.nat(), { numRuns: history.length, seed })
  const mixed: Op[] = []
  for (const draw of draws) {
    const open = lists.filter((list) => list.length > 0)
    mixed.push(open[draw % open.length]!.shift()!)
  }
  const place = new Map(mixed.map(({ index }, i) => [index, i]))
  return mixed.map((op, index) => {
    return { ...op, index, ...(op.invoke !== undefined && { invoke: place.get(op.invoke)! }) } as Op
  })
}

test('renumbering keeps every reference', () => {
  const same = rewrite(clean, (op) => [op])
  expect(same).toEqual(clean)
})
