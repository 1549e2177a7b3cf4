import { createHmac } from 'node:crypto'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import { isTerminal, type TaskStatus } from '../../../patterns/contract/types/task.ts'
import { contractCase, type Abilities, type CaseGroup, type Target } from '../case.ts'
import { must, mustBe, show, undecidedUnless } from '../expect.ts'
import { mediaTypeOf } from '../headers.ts'
import { jsonIn, until } from '../http.ts'
import { mustBeProblem } from '../problem.ts'
import { newKey, readEnd, start, submit } from '../tasks.ts'
import { headerOf } from '../patience.ts'
import type { Answer, Mailbox, Post } from '../receiver.ts'

const source = 'docs/contract.md#callbacks; Standard Webhooks 1.0.0'

export default {
  name: 'callbacks',
  summary: 'webhooks: the finished task, to whom it may go, signed where that is said, the same when repeated',
  cases: [
    contractCase({
      name: 'offered',
      proves: 'whoever promises callbacks takes the address of one',
      source: 'docs/contract.md#callbacks',
      needs: [],
      quick: true,
      async check({ promises, able, unable }) {
        must(!promises.callbacks || able.callbacks !== undefined, unable.callbacks ?? 'it takes no callback address')
      },
    }),
    contractCase({
      name: 'posted',
      proves: 'the callback is the finished task, under an id',
      source,
      needs: ['callbacks'],
      quick: true,
      async check(target, { callbacks }) {
        const { end, box } = await finish(target, callbacks, 'posted')
        await until(target, () => endsIn(box).length > 0)
        const { body, headers } = endsIn(box)[0]!
        mustBe('the task in it', contentOf(body), end)
        must(idOf({ headers }) !== '', 'a callback has a webhook-id')
        const mediaType = mediaTypeOf(headers) ?? ''
        must(
          /^application\/(?:.+\+)?json$/.test(mediaType),
          `Content-Type: ${show(mediaType)}, must be application/json`,
        )
      },
    }),
    contractCase({
      name: 'repeated',
      proves: 'a callback that was refused comes again with the same id and the same bytes, if it comes again',
      source,
      needs: ['callbacks'],
      async check(target, { callbacks }) {
        const { box } = await finish(target, callbacks, 'repeated', [{ status: 500 }, { status: 204 }])
        await settle(target, box)
        const ends = endsIn(box)
        mustBe('ids', new Set(ends.map(idOf)).size, 1)
        mustBe('bodies', new Set(ends.map(({ body }) => body.toString('base64'))).size, 1)
      },
    }),
    contractCase({
      name: 'accepted-once',
      proves: 'a callback that was accepted is not posted again',
      source,
      needs: ['callbacks'],
      async check(target, { callbacks }) {
        const { box } = await finish(target, callbacks, 'accepted')
        await settle(target, box)
        mustBe('posts of the end', endsIn(box).length, 1)
      },
    }),
    contractCase({
      name: 'redirect',
      proves: 'a redirect is a failure and is not followed',
      source,
      needs: ['callbacks'],
      async check(target, { callbacks }) {
        const elsewhere = callbacks.mailbox(newKey('elsewhere'))
        const answer = { status: 307, headers: { location: elsewhere.url } }
        const { box } = await finish(target, callbacks, 'redirect', [answer, { status: 204 }])
        await settle(target, box)
        mustBe('posts to where it was sent', elsewhere.posts.length, 0)
      },
    }),
    contractCase({
      name: 'destinations',
      proves: 'private, link-local and odd addresses are refused when the task is submitted',
      source: 'docs/contract.md#callbacks; docs/contract.md#problems',
      needs: ['callbacks'],
      quick: true,
      async check(target) {
        for (const url of [
          'http://10.0.0.1/',
          'http://[::ffff:169.254.169.254]/',
          'http://0x0a000001/',
          'ftp://example.com/',
        ]) {
          const key = newKey('blocked')
          const reply = await submit(target, key, target.bodyFor(key, { callbackUrl: url }))
          mustBeProblem(url, reply, 422, 'blocked-destination')
        }
      },
    }),
    contractCase({
      name: 'own-task',
      proves: 'callbacks come in any order: each says by itself whose it is, and that this is its end',
      source,
      needs: ['callbacks'],
      async check(target, { callbacks }) {
        const tasks = await Promise.all(Array.from({ length: 6 }, () => finish(target, callbacks, 'order')))
        await until(target, () => tasks.every(({ box }) => endsIn(box).length > 0))
        for (const { box, end } of tasks) for (const { body } of endsIn(box)) mustBe('the task', contentOf(body), end)
        mustBe('ids', new Set(tasks.map(({ box }) => idOf(endsIn(box)[0]!))).size, tasks.length)
      },
    }),
    contractCase({
      name: 'signed',
      proves: 'the signature is that of id, time of the attempt and the very bytes, under the secret of the address',
      source,
      needs: ['callbacks', 'secretOf'],
      quick: true,
      async check(target, { callbacks, secretOf }) {
        const { box } = await finish(target, callbacks, 'signed')
        await until(target, () => endsIn(box).length > 0)
        const post = endsIn(box)[0]!
        const { 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = post.headers
        must(/^\d+$/.test(String(timestamp)), `webhook-timestamp is seconds; got ${String(timestamp)}`)
        const ageS = Math.abs(Date.now() / 1000 - Number(timestamp))
        must(ageS < 300, `webhook-timestamp is ${Math.round(ageS)} s away from now`)
        const right = signatureOf(post, secretOf(box.url))
        must(String(signatures).split(' ').includes(right), 'webhook-signature has no signature under the secret')
      },
    }),
  ],
} satisfies CaseGroup

/** A task that asked for a callback and has ended. */
async function finish(target: Target, callbacks: Abilities['callbacks'], about: string, answers?: readonly Answer[]) {
  const key = newKey(about)
  const box = callbacks.mailbox(key, answers)
  const { taskId } = await start(target, key, { callbackUrl: box.url })
  return { end: await readEnd(target, taskId), box }
}

/** The first callback came, and whatever follows it within the sender's own patience. */
async function settle(target: Target, box: Mailbox): Promise<void> {
  const limitMs = target.timing.watchdogMs + 5_000
  for (const began = performance.now(); endsIn(box).length === 0 && performance.now() - began < limitMs;)
    await sleep(5, target.signal)
  undecidedUnless(endsIn(box).length > 0, 'no callback came')
  await sleep(target.timing.webhookTimeoutMs, target.signal)
}

/** Posts that say how the task ended. Others may say how far it is. */
function endsIn({ posts }: Mailbox): readonly Post[] {
  return posts.filter(({ body }) =>
    isTerminal((contentOf(body) as { readonly status?: TaskStatus }).status ?? 'running'),
  )
}

/** The task in a callback, or what is there in place of one. */
function contentOf(body: Buffer): object {
  const value = jsonIn(body.toString('utf8'))
  must(typeof value === 'object' && value !== null, `a callback is no JSON object: ${show(body.toString('utf8'))}`)
  const { data } = value as { readonly data?: unknown }
  return typeof data === 'object' && data !== null ? data : value
}

function idOf({ headers }: Pick<Post, 'headers'>): string {
  return headerOf(headers, 'webhook-id') ?? ''
}

/** Over the bytes as they came: a receiver that parses and serialises again checks other bytes. */
function signatureOf({ headers, body }: Post, secret: string): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const signed = Buffer.concat([
    Buffer.from(`${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.`),
    body,
  ])
  return `v1,${createHmac('sha256', key).update(signed).digest('base64')}`
}
