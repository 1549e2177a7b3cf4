import { createHmac } from 'node:crypto'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import type { Task } from '../../../patterns/contract/types/task.ts'
import { describePosts, messageIdOf, saysTheEnd, type Post } from '../callback.ts'
import { contractCase, limitMs, type Abilities, type CaseGroup, type Target } from '../case.ts'
import type { Exchange } from '../conversation.ts'
import { Breach, must, mustBe, show, undecidedUnless } from '../expect.ts'
import { mediaTypeOf } from '../headers.ts'
import { until } from '../http.ts'
import { mustBeProblem } from '../problem.ts'
import { mustShowSame, newKey, readEnd, start, submit } from '../tasks.ts'
import type { Answer, Mailbox } from '../receiver.ts'

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
        const ended = await finish(target, callbacks, 'posted')
        await untilPosted(target, ended)
        inPosts(ended, ([post]) => {
          mustShowSame('the task in it', contentOf(post), ended.end)
          must(messageIdOf(post) !== '', 'a callback has a webhook-id')
          const mediaType = mediaTypeOf(post.headers)
          const isJson = /^application\/(?:.+\+)?json$/.test(mediaType ?? '')
          must(isJson, `Content-Type: ${show(mediaType)}, must be application/json`)
        })
      },
    }),
    contractCase({
      name: 'repeated',
      proves:
        'a callback that was refused comes again with the same id and the same bytes, and signed anew, if it comes again',
      source,
      needs: ['callbacks'],
      async check(target, { callbacks }) {
        const ended = await finish(target, callbacks, 'repeated', [{ status: 500 }, { status: 204 }])
        await settle(target, ended)
        const { secretOf } = target.able
        inPosts(ended, (posts) => {
          mustBe('ids', new Set(posts.map(messageIdOf)).size, 1)
          mustBe('bodies', new Set(posts.map(({ body }) => body.toString('base64'))).size, 1)
          // What is wrong with the first one too, another case says.
          if (secretOf) for (const post of posts.slice(1)) mustBeSigned(post, secretOf(ended.box.url))
        })
      },
    }),
    contractCase({
      name: 'accepted-once',
      proves: 'a callback that was accepted is not posted again',
      source,
      needs: ['callbacks'],
      async check(target, { callbacks }) {
        const ended = await finish(target, callbacks, 'accepted')
        await settle(target, ended)
        inPosts(ended, (posts) => mustBe('posts of the end', posts.length, 1))
      },
    }),
    contractCase({
      name: 'gone',
      proves: 'a callback that was refused with 410 is not posted again: its receiver wants no more',
      source,
      needs: ['callbacks'],
      async check(target, { callbacks }) {
        const ended = await finish(target, callbacks, 'gone', [{ status: 410 }])
        await settle(target, ended)
        inPosts(ended, (posts) => mustBe('posts of the end', posts.length, 1))
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
        const ended = await finish(target, callbacks, 'redirect', [answer, { status: 204 }])
        await settle(target, ended)
        inPosts(ended, () => mustBe('posts to where it was sent', elsewhere.posts.length, 0))
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
        for (const one of tasks) await untilPosted(target, one)
        for (const one of tasks)
          inPosts(one, (posts) => {
            for (const post of posts) mustShowSame('the task', contentOf(post), one.end)
          })
        mustBe('ids', new Set(tasks.map(({ box }) => messageIdOf(endsIn(box)[0]!))).size, tasks.length)
      },
    }),
    contractCase({
      name: 'signed',
      proves: 'the signature is that of id, time of the attempt and the very bytes, under the secret of the address',
      source,
      needs: ['callbacks', 'secretOf'],
      quick: true,
      async check(target, { callbacks, secretOf }) {
        const ended = await finish(target, callbacks, 'signed')
        await untilPosted(target, ended)
        inPosts(ended, ([post]) => mustBeSigned(post, secretOf(ended.box.url)))
      },
    }),
  ],
} satisfies CaseGroup

/** A task that asked for a callback and has ended. */
interface Ended {
  readonly end: Task
  readonly box: Mailbox
  /** What was asked for, and what was answered. */
  readonly submission: Exchange
}

async function finish(
  target: Target,
  callbacks: Abilities['callbacks'],
  about: string,
  answers?: readonly Answer[],
): Promise<Ended> {
  const key = newKey(about)
  const box = callbacks.mailbox(key, answers)
  const { taskId, answered } = await start(target, key, { callbackUrl: box.url })
  const end = await readEnd(target, taskId)
  return { end, box, submission: (await answered).exchange }
}

async function untilPosted(target: Target, { box }: Ended): Promise<void> {
  await until(target, `a callback to ${box.url} that says the end`, () => endsIn(box).length > 0)
}

/** The first callback came, and whatever follows it within the sender's own patience. */
async function settle(target: Target, { box }: Ended): Promise<void> {
  const longestMs = Math.max(target.timing.watchdogMs + 5_000, limitMs(target) / 4)
  for (const began = performance.now(); endsIn(box).length === 0 && performance.now() - began < longestMs;)
    await sleep(5, target.signal)
  undecidedUnless(endsIn(box).length > 0, 'no callback came')
  await sleep(target.timing.webhookTimeoutMs, target.signal)
}

type Posts = readonly [Post, ...Post[]]

/** What is wrong with the posts of the end is told with them: the last thing that was read has nothing to do with it. */
function inPosts({ box, submission }: Ended, check: (posts: Posts) => void): void {
  const [first, ...more] = endsIn(box)
  try {
    check([first!, ...more])
  } catch (error) {
    if (!(error instanceof Breach)) throw error
    const came = describePosts([first!, ...more])
    throw new Breach(error.message, { cause: error, exchange: { asked: submission.asked, came } })
  }
}

function endsIn({ posts }: Mailbox): readonly Post[] {
  for (const post of posts) contentOf(post)
  return posts.filter(saysTheEnd)
}

/** The task in a callback, or what is there in place of one. */
function contentOf(post: Post): object {
  const { content } = post
  must(content !== undefined, `a callback is no JSON object: ${show(post.body.toString('utf8'))}`)
  return content
}

function mustBeSigned(post: Post, secret: string): void {
  const { 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = post.headers
  must(/^\d+$/.test(String(timestamp)), `webhook-timestamp is seconds; got ${show(timestamp)}`)
  const ageS = Math.abs(Date.now() / 1000 - Number(timestamp))
  must(ageS < 300, `webhook-timestamp is ${Math.round(ageS)} s away from now`)
  const isRight = String(signatures).split(' ').includes(signatureOf(post, secret))
  must(isRight, `webhook-signature has no signature under the secret; got ${show(signatures)}`)
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
