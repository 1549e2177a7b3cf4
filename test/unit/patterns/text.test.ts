import { expect, test } from 'vitest'
import { recordAttempt } from '../../../patterns/contract/types/callback.ts'
import { taskRequest } from '../../../patterns/contract/types/task.ts'
import { isStorable, storable } from '../../../patterns/contract/types/text.ts'

const request = {
  type: 'agent',
  input: { seed: 1, profile: 'smoke', job: 'job-1' },
  delivery: { webhook_url: 'https://example.com/hook' },
  budget: { credits: 5, on_exhausted: 'wait' as const },
  memory: { instruction: 'be brief' },
  deadline_s: 60,
  tools: ['search'],
}

/** Where an object holds text, as paths. */
function textsIn(value: unknown, path: readonly string[] = []): (readonly string[])[] {
  if (typeof value === 'string') return [path]
  return Object.entries(value instanceof Object ? value : {}).flatMap(([key, one]) => textsIn(one, [...path, key]))
}

function changed(path: readonly string[], change: (text: string) => string): unknown {
  const copy = structuredClone(request)
  const holder = path.slice(0, -1).reduce<any>((one, key) => one[key], copy) // oxlint-disable-line typescript/no-explicit-any
  holder[path.at(-1)!] = change(holder[path.at(-1)!])
  return copy
}

test('the request of this test has every field that a request may have', () => {
  const fields = (schema: { shape: object }) => Object.keys(schema.shape).toSorted()
  expect(Object.keys(request).toSorted()).toEqual(fields(taskRequest))
  expect(Object.keys(request.input).toSorted()).toEqual(fields(taskRequest.shape.input))
  expect(taskRequest.safeParse(request).success).toBe(true)
})

test.each(textsIn(request).map((path) => [path.join('.'), path] as const))(
  '%s holds no text that a store cannot, and is not endless',
  (_, path) => {
    const additions = ['\0', '\ud800', '\udfff', 'x'.repeat(20_000)]
    for (const addition of additions)
      expect(taskRequest.safeParse(changed(path, (text) => text + addition)).success).toBe(false)
  },
)

test('a limit in bytes counts what is stored', () => {
  const job = (text: string) => taskRequest.safeParse(changed(['input', 'job'], () => text)).success
  const kept = ['x'.repeat(128), '\u{1F600}'.repeat(128), '']
  expect([kept.filter(job), ['x'.repeat(129), '\u{1F600}'.repeat(129)].filter(job)]).toEqual([kept, []])
})

test('what others say of a failure goes into a record as text that can be stored', () => {
  const callback = { task: {} as never, url: '', earlier: [] }
  const { detail } = recordAttempt(callback, 0, {
    detail: `no\0 \ud800 ${'x'.repeat(9999)}`,
    decision: { next: 'delivered' },
  })
  expect([isStorable(detail), detail.length]).toEqual([true, 500])
  expect(storable('as it is')).toBe('as it is')
})

test('characters are counted as JSON Schema counts them: a job of 128 of four bytes each is one, of 129 none', () => {
  const withJob = (job: string) => taskRequest.safeParse({ ...request, input: { ...request.input, job } }).success
  expect([withJob('🐝'.repeat(128)), withJob('🐝'.repeat(129)), withJob('x'.repeat(129))]).toEqual([true, false, false])
})
