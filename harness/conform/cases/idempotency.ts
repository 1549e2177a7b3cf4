import { describeError } from '../../core/errors.ts'
import { contractCase, type CaseGroup, type Target } from '../case.ts'
import { must, mustBe, show } from '../expect.ts'
import { acceptedTask, mustBeProblem, newKey, readEnd, send, submit, undecidedUnless, type Reply } from '../http.ts'

const source = 'async-api 5.2, draft-ietf-httpapi-idempotency-key-header-07'

export default {
  name: 'idempotency',
  summary: 'one key is one task, whatever is repeated or lost on the way',
  cases: [
    contractCase({
      name: 'concurrent',
      proves: 'ten submissions of one key at once are one task; nine answers say that they are repetitions',
      source,
      needs: [],
      quick: true,
      async check(target) {
        const key = newKey('concurrent')
        const replies = await Promise.all(Array.from({ length: 10 }, () => submit(target, key, target.bodyFor(key))))
        const ids = new Set(replies.map((reply) => acceptedTask(reply).task_id))
        mustBe('tasks of ten submissions of one key', ids.size, 1)
        const repeated = replies.filter(({ headers }) => headers['idempotent-replayed'] === 'true')
        mustBe('answers with Idempotent-Replayed', repeated.length, 9)
        await stepsOnce(target, key, [...ids][0]!)
      },
    }),
    contractCase({
      name: 'other-body',
      proves: 'the same key with another body is refused with 422, and the first task stays what it was',
      source,
      needs: [],
      quick: true,
      async check(target) {
        const key = newKey('other-body')
        const first = acceptedTask(await submit(target, key, target.bodyFor(key)))
        const other = await submit(target, key, target.bodyFor(key, { deadlineS: 3600 }))
        mustBeProblem('the same key with another body', other, 422, 'idempotency-key-reused')
        const again = acceptedTask(await submit(target, key, target.bodyFor(key)))
        mustBe('the task of the key', again.task_id, first.task_id)
      },
    }),
    contractCase({
      name: 'other-spelling',
      proves: 'order of fields, white space, and quotes around the key make no other request',
      source,
      needs: [],
      quick: true,
      async check(target) {
        const key = newKey('spelling')
        const { type, input } = target.bodyFor(key)
        const first = acceptedTask(await submit(target, key, { type, input }))
        const spelled = ` {"input": ${JSON.stringify(reversed(input), null, 2)},\n"type": ${JSON.stringify(type)} } `
        mustBe('the task', acceptedTask(await submit(target, `"${key}"`, spelled)).task_id, first.task_id)
      },
    }),
    contractCase({
      name: 'repeated-later',
      proves: 'a repetition after the end gets the same task, with its end',
      source,
      needs: [],
      quick: true,
      async check(target) {
        const key = newKey('later')
        const first = acceptedTask(await submit(target, key, target.bodyFor(key)))
        const end = await readEnd(target, first.task_id)
        const again = await submit(target, key, target.bodyFor(key))
        mustBe('the task of a repetition', acceptedTask(again), end)
        mustBe('Idempotent-Replayed', again.headers['idempotent-replayed'], 'true')
      },
    }),
    contractCase({
      name: 'lost-response',
      proves: 'when the answer is lost after the request was taken, the repetition finds the task that was begun',
      source,
      needs: ['lossyLink'],
      async check(target, { lossyLink }) {
        const key = newKey('lost-response')
        const body = target.bodyFor(key)
        const lost = await loseAnswer(lossyLink, () => submit(target, key, body, lossyLink.url))
        undecidedUnless(!('status' in lost), `the answer was not lost: ${show(lost)}`)
        const repeated = await submit(target, key, body)
        mustBe('Idempotent-Replayed of the repetition', repeated.headers['idempotent-replayed'], 'true')
        await stepsOnce(target, key, acceptedTask(repeated).task_id)
      },
    }),
    contractCase({
      name: 'described',
      proves: 'an accepted task is described at its Location, with a validator, and advice unless it has ended',
      source: 'RFC 9110 15.3.3 and 10.2.3; async-api 5.2',
      needs: [],
      quick: true,
      async check(target) {
        const key = newKey('described')
        const reply = await submit(target, key, target.bodyFor(key))
        const { task_id, version } = acceptedTask(reply)
        const location = reply.headers['location']
        must(typeof location === 'string', 'an accepted task has a Location')
        mustBe('ETag', reply.headers['etag'], `"${version}"`)
        mustBe('Cache-Control', reply.headers['cache-control'], 'no-store')
        mustBe('Retry-After, and 202', 'retry-after' in reply.headers, reply.status === 202)
        if (reply.status === 202) must(/^\d+$/.test(String(reply.headers['retry-after'])), 'Retry-After: whole seconds')
        mustBe('the task at its Location', acceptedTask(await send(target, location)).task_id, task_id)
      },
    }),
  ],
} satisfies CaseGroup

/** The answer that was to be lost, if it was not; else how it failed. */
async function loseAnswer(link: { harm(): Promise<{ heal(): Promise<void> }> }, ask: () => Promise<Reply>) {
  const harm = await link.harm()
  try {
    return await ask().catch((error: unknown) => ({ error: describeError(error) }))
  } finally {
    await harm.heal()
  }
}

/** The task of the key ends. Where the tool server is ours: every step had one effect, and no other task had any. */
async function stepsOnce(target: Target, key: string, taskId: string): Promise<void> {
  await readEnd(target, taskId)
  if (!target.able.effects) return
  const executed = (await target.able.effects()).filter(({ job }) => job === key)
  must(executed.length > 0, 'a task ended, and no step of it was executed')
  mustBe('tasks whose steps were executed', [...new Set(executed.map((one) => one.taskId))], [taskId])
  const steps = executed.map(({ step }) => step)
  mustBe(
    'steps that were executed',
    steps,
    [...new Set(steps)].toSorted((a, b) => a - b),
  )
}

function reversed(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).toReversed())
}
