import { expect, test } from 'vitest'
import { traceOf } from '../../../harness/analysis/trace.ts'
import { decideFate } from '../../../harness/verdict/outcomes.ts'
import { callback, effect, end, final, intend, story, submit } from '../checkers/story.ts'

const t = 't-1'
const done = final(t, 'ok', { status: 'completed', digest: 'right' })

function fate(...lines: Parameters<typeof story>[0]) {
  return decideFate(traceOf(story([intend(t), ...lines])).tasks[0]!)
}

const accepted = submit(t, 1, 'ok')
const gaveUp = end(t, 300, 'info')

test.each([
  ['ok', true, [accepted, end(t, 200, 'ok')]],
  ['late', true, [accepted, end(t, 201, 'ok')]],
  ['late', true, [accepted, end(t, 300, 'ok')]],
  ['late', true, [accepted, end(t, 301, 'ok')]],
  ['wrong', false, [accepted, end(t, 100, 'ok', { digest: 'else' })]],
  ['wrong', true, [accepted, end(t, 100, 'ok', { digest: 'else' }), done]],
  ['failed_known', false, [accepted, end(t, 100, 'ok', { status: 'failed', digest: null })]],
  ['failed_known', false, [accepted, end(t, 100, 'fail', { reason: 'gone' })]],
  ['failed_known', true, [submit(t, 1, 'fail'), end(t, 100, 'fail', { reason: 'refused' }), done]],
  ['not_offered', false, [end(t, 0, 'fail', { reason: 'not-offered' })]],
  ['lost_result', true, [accepted, gaveUp, done]],
  ['lost_result', true, [accepted, effect(t, 2, 240), gaveUp, done]],
  ['late', true, [accepted, effect(t, 2, 251), gaveUp, done]],
  ['late', true, [accepted, effect(t, 2, 400), gaveUp, callback(t, 460)]],
  ['stuck', false, [accepted, effect(t, 1, 400), gaveUp, final(t, 'ok', { status: 'running' })]],
  ['lost_result', true, [accepted, gaveUp, callback(t, 120), final(t, 'ok', { found: false })]],
  ['stuck', false, [accepted, gaveUp, final(t, 'ok', { status: 'running' })]],
  ['lost_everywhere', false, [accepted, gaveUp, final(t, 'ok', { found: false })]],
  ['lost_everywhere', false, [accepted, gaveUp, final(t, 'ok', { status: 'failed', digest: null })]],
  ['lost_everywhere', false, [accepted, gaveUp, final(t, 'ok', { status: 'completed', digest: 'else' })]],
  ['stuck', false, [accepted, gaveUp, final(t, 'info', { found: false })]],
  ['lost_everywhere', false, [submit(t, 1, 'info'), gaveUp]],
  ['stuck', false, [accepted]],
] as const)('%s, result on the server: %s (case %#)', (outcome, serverHas, lines) => {
  expect(fate(...lines)).toMatchObject({ outcome, serverHas })
})

test('a late result that its client no longer waited for was seen by nobody', () => {
  expect(fate(accepted, effect(t, 2, 400), gaveUp, done)).toEqual({
    outcome: 'late',
    seenAt: Infinity,
    serverHas: true,
  })
})
