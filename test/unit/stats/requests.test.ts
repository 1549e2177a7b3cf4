import { expect, test } from 'vitest'
import { traceOf } from '../../../harness/analysis/trace.ts'
import { measureRequests } from '../../../harness/stats/requests.ts'
import { end, event, intend, open, poll, story, submit } from '../checkers/story.ts'

type Lines = Parameters<typeof story>[0]
const t = 't-1'

function requests(...lines: Lines) {
  return measureRequests(traceOf(story([intend(t), ...lines])).tasks)
}

function closed(at: number): Lines[number] {
  return { f: 'stream', type: 'observe', at, process: 'client', task: t, value: { taskId: 'x', state: 'closed' } }
}

test('a task that met four 504s does not look perfect', () => {
  const tries = [10, 20, 30, 40].map((at, i) => submit(t, at, 'info', { attempt: i + 1, status: 504 }))
  const found = requests(...tries, submit(t, 50, 'ok', { attempt: 5, status: 200 }), end(t, 60, 'ok'))
  expect(found).toEqual({ tasks: 1, submissions: 5, requests: 5, cuts: 4, tasksCut: 1, mostCuts: 4 })
})

test('reads and streams are requests; an answer, even a bad one, is no cut', () => {
  const lines = [submit(t, 1, 'ok'), poll(t, 10, 'running', 1), poll(t, 20, 'running', 1), open(t, 30)]
  expect(requests(...lines, submit(t, 5, 'fail', { status: 503 }))).toMatchObject({ requests: 5, cuts: 0 })
  expect(requests(submit(t, 5, 'fail'))).toMatchObject({ requests: 1, cuts: 1 })
})

test('a stream is cut before its last event, and not by a client that knows the end or gave up', () => {
  const begun = [submit(t, 1, 'ok'), open(t, 10)]
  expect(requests(...begun, closed(20), open(t, 25, 1), event(t, 90, 1, 'completed'), closed(95))).toMatchObject({
    requests: 3,
    cuts: 1,
  })
  expect(requests(...begun, end(t, 90, 'ok'), closed(95))).toMatchObject({ cuts: 0 })
  expect(requests(...begun, closed(300), submit(t, 300, 'info'))).toMatchObject({ cuts: 0 })
})
