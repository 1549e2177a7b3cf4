import { expect, test } from 'vitest'
import { collectEnvironment, deviationsOf } from '../../../harness/store/environment.ts'
import { environmentSchema } from '../../../harness/model/results.ts'

const quiet = { cores: 8, load: 0.1, dirty: false, node: 'v24.0.0', pinnedNode: '24.0.0', quota: undefined }

test('a quiet machine with the pinned Node has no deviations', () => {
  expect(deviationsOf(quiet)).toEqual([])
})

test.each([
  [{ dirty: true }, /uncommitted/],
  [{ node: 'v25.0.0' }, /v25.0.0 instead of the pinned v24.0.0/],
  [{ cores: 1 }, /one core/],
  [{ load: 5 }, /load 5.00 on 8 cores/],
  [{ quota: 1.5 }, /1.5 processors/],
  [{ look: { cores: 8, busy: 2.1, pressure: 0.02 } }, /2.1 of 8 processors were at work.*2 % of the time/],
  [{ look: { cores: 8, busy: 1, pressure: 0.9 } }, /somebody waited for one 90 % of the time/],
])('%j is one sentence', (change, sentence) => {
  const found = deviationsOf({ ...quiet, ...change })
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(sentence)
})

test('two seconds tell more than the load of a minute', () => {
  expect(deviationsOf({ ...quiet, load: 7, look: { cores: 8, busy: 0.4, pressure: 0.01 } })).toEqual([])
})

test('the environment of this machine has the shape that is read back', async () => {
  const environment = await collectEnvironment({ engine: 'one of a kind' }, {})
  expect(environmentSchema.parse(JSON.parse(JSON.stringify(environment)))).toEqual(environment)
  expect(environment.versions['zod']).toMatch(/^\d+\./)
})

test('an environment from before runtimes described themselves is read as one that says nothing', async () => {
  const { runtime: _, ...old } = await collectEnvironment({}, {})
  expect(environmentSchema.parse(old).runtime).toEqual({})
})
