import { isTerminal } from '../../../patterns/contract/types/task.ts'
import { placesIn } from '../address.ts'
import { contractCase, type CaseGroup, type Target } from '../case.ts'
import { Breach, must, mustBe, show, undecidedUnless } from '../expect.ts'
import { entityTag, mustBeAdvice, mustBeFresh } from '../headers.ts'
import { acceptedTask, mustShowSame, newKey, readEnd, submit, taskOf } from '../tasks.ts'
import { mustBeProblem } from '../problem.ts'
import { send, type Reply } from '../http.ts'
import { headerOf } from '../patience.ts'

const source = 'docs/contract.md#idempotency; draft-ietf-httpapi-idempotency-key-header-07'

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
        // Who was asked to come back knows not which of its submissions was the first.
        if (replies.every((reply) => reply.repeated === 0))
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
      proves:
        'order of fields, white space, and quotes around the key make no other request; a key may have 128 characters',
      source,
      needs: [],
      quick: true,
      async check(target) {
        // The longest that there may be.
        const key = newKey('spelling').padEnd(128, '~')
        const { type, input } = target.bodyFor(key)
        const first = acceptedTask(await submit(target, key, { type, input }))
        const spelled = ` {"input": ${JSON.stringify(reversed(input), null, 2)},\n"type": ${JSON.stringify(type)} } `
        mustBe('the task', acceptedTask(await submit(target, `"${key}"`, spelled)).task_id, first.task_id)
      },
    }),
    contractCase({
      name: 'repeated-later',
      proves: 'a repetition after the end gets the same task, and no other end',
      source,
      needs: [],
      quick: true,
      async check(target) {
        const key = newKey('later')
        const first = acceptedTask(await submit(target, key, target.bodyFor(key)))
        const end = await readEnd(target, first.task_id)
        const again = await submit(target, key, target.bodyFor(key))
        const shown = acceptedTask(again)
        mustBe('the task of a repetition', shown.task_id, end.task_id)
        // The answer may be the first one, kept.
        if (isTerminal(shown.status)) mustShowSame('the end in a repetition', shown, end)
        mustBe('Idempotent-Replayed', again.headers['idempotent-replayed'], 'true')
      },
    }),
    contractCase({
      name: 'lost-response',
      proves: 'when the answer is lost after the request was taken, the repetition finds the task that was begun',
      source,
      needs: ['lossyLink'],
      async check(target, { lossyLink }) {
        for (let attempt = 1; ; attempt++) {
          const key = newKey('lost-response')
          const body = target.bodyFor(key)
          const lost = await loseAnswer(lossyLink, () => submit(target, key, body, { base: lossyLink.url }))
          undecidedUnless(!('status' in lost), `the answer was not lost: ${show(lost)}`)
          const repeated = await submit(target, key, body)
          const isReplayed = repeated.headers['idempotent-replayed'] === 'true'
          // The answer that was lost may have been that it is busy. Then the repetition is the first.
          if (!isReplayed && attempt < mostLosses) continue
          mustBe('Idempotent-Replayed of the repetition', repeated.headers['idempotent-replayed'], 'true')
          return stepsOnce(target, key, acceptedTask(repeated).task_id)
        }
      },
    }),
    contractCase({
      name: 'described',
      proves:
        'an accepted task is described at its Location and its own link, with a validator, and advice unless it has ended',
      source:
        'docs/contract.md#submission; docs/contract.md#task; RFC 9110 8.8.3, 10.2.2, 10.2.3 and 15.3.3; RFC 9111 5.2.2',
      needs: [],
      quick: true,
      async check(target) {
        const key = newKey('described')
        const reply = await submit(target, key, target.bodyFor(key))
        const { task_id, status, links } = acceptedTask(reply)
        must(
          reply.status === 202 || isTerminal(status),
          `a task that is ${status} is accepted with 202, and not with 200`,
        )
        const location = headerOf(reply.headers, 'location')
        must(location !== undefined, 'an accepted task has a Location')
        entityTag('the accepted task', reply.headers)
        mustBeFresh('the accepted task', reply.headers)
        if (reply.status === 202) must('retry-after' in reply.headers, 'a 202 says when to come back: Retry-After')
        mustBeAdvice('the accepted task', reply.headers)
        const asked = reply.exchange.asked.url
        await mustLeadTo(target, { what: 'Location', taskId: task_id, asked, reference: location })
        await mustLeadTo(target, { what: 'links.self', taskId: task_id, asked, reference: links.self })
      },
    }),
  ],
} satisfies CaseGroup

/** Of a service that is busy now and then not every answer is lost after the request was taken. */
const mostLosses = 4

interface Reference {
  readonly what: string
  readonly taskId: string
  /** What it was an answer to. */
  readonly asked: URL
  readonly reference: string
}

/** A reference that is not of the target itself is followed by nobody here: the token goes nowhere else. */
async function mustLeadTo(target: Target, { what, taskId, asked, reference }: Reference): Promise<void> {
  must(URL.canParse(reference, asked.href), `${what} is a reference (RFC 3986); got ${show(reference)}`)
  const { protocol } = new URL(reference, asked)
  must(/^https?:$/.test(protocol), `${what} is an address of HTTP; got ${show(reference)}`)
  const places = placesIn(target, asked, reference)
  const found: string[] = []
  for (const place of places) {
    const reply = await send(target, place.href)
    if (reply.status === 200 && taskOf(reply).task_id === taskId) return
    found.push(`${place.pathname} is ${reply.status}`)
  }
  must(places.length === 0, `the task is not at its ${what} ${show(reference)}: ${found.join(', ')}`)
}

/** The answer that was to be lost, if it was not; else how it failed. */
async function loseAnswer(link: { harm(): Promise<{ heal(): Promise<void> }> }, ask: () => Promise<Reply>) {
  const harm = await link.harm()
  try {
    return await ask().catch((error: unknown) => {
      if (error instanceof Breach) return { error: error.message }
      throw error
    })
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
