import { describe, expect, test } from 'vitest'
import { exposures } from '../../../harness/analysis/exposure.ts'
import { traceOf } from '../../../harness/analysis/trace.ts'
import atLeastOnce from '../../../harness/checkers/effect-at-least-once.ts'
import once from '../../../harness/checkers/effect-once.ts'
import type { Op } from '../../../harness/model/history.ts'
import { effect, end, exited, fault, health, intend, poll, story, submit } from '../checkers/story.ts'

const t = 't-1'
const begun = [intend(t), submit(t, 1, 'ok')]
const own = { ownWork: { idealMs: 100, steps: 2, tellsEffects: true }, replicas: { api: 2, executor: 2 } }
type Line = Parameters<typeof story>[0][number]
const ready = (node: string): Line =>
  ({ f: 'node', type: 'observe', at: 0, process: `node:${node}`, value: { node, state: 'ready' } }) as unknown as Line
const nodes = [ready('api-0'), ready('api-1')]
const told = (lines: readonly Line[], over: object = own): Op[] => story([...nodes, ...begun, ...lines, health()], over)

/** As a service tells that says neither who it is nor how long it took. */
const bare = (step: number, at: number, attempt = 1) =>
  effect(t, step, at, { executor: 'unknown', endedAt: at, attempt })

describe('what a service need not tell is not held against it', () => {
  test('effects without took_ms are done, however short they look', () => {
    const verdict = atLeastOnce.check(told([bare(1, 50), bare(2, 100), end(t, 150, 'ok')]))
    expect(verdict).toMatchObject({ status: 'pass', counts: { broken: 0 } })
  })

  test('the reference patterns must take their time', () => {
    expect(atLeastOnce.check(told([bare(1, 50), bare(2, 100), end(t, 150, 'ok')], {})).status).toBe('fail')
  })

  test.each(['unknown', 'ip-10-0-0-7'])('a step that %s did may have been in flight at any node’s kill', (executor) => {
    const by = (step: number, at: number, attempt: number) => effect(t, step, at, { executor, endedAt: at, attempt })
    const kill = [...fault('k', 'api-0', 60, 120), exited('api-0', 60)]
    const verdict = once.check(told([by(1, 55, 1), ...kill, by(1, 100, 2), by(2, 140, 2), end(t, 150, 'ok')]))
    expect(verdict).toMatchObject({ status: 'pass', counts: { afterCrash: 1 } })
  })

  test('and is held against who was there when nobody was killed', () => {
    expect(once.check(told([bare(1, 55), bare(1, 100, 2), bare(2, 140, 2), end(t, 150, 'ok')])).status).toBe('fail')
  })

  test('of a node that says who it is another one’s kill is no excuse', () => {
    const by = (step: number, at: number, attempt: number) =>
      effect(t, step, at, { executor: 'api-1', endedAt: at, attempt })
    const kill = [...fault('k', 'api-0', 60, 120), exited('api-0', 60)]
    expect(once.check(told([by(1, 55, 1), ...kill, by(1, 100, 2), end(t, 150, 'ok')])).status).toBe('fail')
  })

  test.each([
    ['tells of no effects', []],
    ['does not say who it is', [bare(1, 30)]],
  ])('a kill of the processes that work touches the work of a service that %s', (_, effects) => {
    const asked = [poll(t, 5, 'running', 2), poll(t, 299, 'completed', 3)]
    const kill = [...fault('k', 'api-1', 260, 290), exited('api-1', 260)]
    const trace = traceOf(told([...effects, ...kill, ...asked, end(t, 299, 'ok')]))
    expect(exposures(trace).size).toBe(1)
  })

  test('where workers work, a kill of an API node touches them no more than before', () => {
    const lines = [ready('worker-0'), effect(t, 1, 10), ...fault('k', 'api-1', 60, 120), end(t, 150, 'ok')]
    expect(exposures(traceOf(told(lines))).size).toBe(0)
  })
})
