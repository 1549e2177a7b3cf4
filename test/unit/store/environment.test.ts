import { expect, test } from 'vitest'
import { collectEnvironment, deviationsOf } from '../../../harness/store/environment.ts'
import { environmentSchema } from '../../../harness/store/results-file.ts'

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
])('%j is one sentence', (change, sentence) => {
  const found = deviationsOf({ ...quiet, ...change })
  expect(found).toHaveLength(1)
  expect(found[0]).toMatch(sentence)
})

test('the environment of this machine has the shape that is read back', async () => {
  const environment = await collectEnvironment({ engine: 'one of a kind' })
  expect(environmentSchema.parse(JSON.parse(JSON.stringify(environment)))).toEqual(environment)
  expect(environment.versions['zod']).toMatch(/^\d+\./)
})

test('an environment from before runtimes described themselves is read as one that says nothing', async () => {
  const { runtime: _, ...old } = await collectEnvironment({})
  expect(environmentSchema.parse(old).runtime).toEqual({})
})
