import { sleep } from '../../../patterns/contract/types/timer.ts'
import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import { isTerminal } from '../../../patterns/contract/types/task.ts'
import { contractCase, type CaseGroup, type Target } from '../case.ts'
import { must, mustBe } from '../expect.ts'
import { acceptedTask, newKey, readEnd, readEvents, send, slackMs, start, submit, taskOf } from '../http.ts'

export default {
  name: 'reading',
  summary: 'conditional reads, long polls and pages of the log',
  cases: [
    contractCase({
      name: 'etag',
      proves:
        'a conditional read of an unchanged task is an empty 304, of a changed one 200; a final one gives no advice',
      source: 'RFC 9110 13.1.2 and 15.4.5; async-api 5.2',
      needs: [],
      quick: true,
      async check(target) {
        const { task_id, version } = await endedTask(target, 'etag')
        const read = (etag: string) => send(target, `/v1/tasks/${task_id}`, { headers: { 'if-none-match': etag } })
        const unchanged = await read(`W/"1", "${version}"`)
        mustBe('an unchanged task', [unchanged.status, unchanged.text], [304, ''])
        mustBe('ETag of the 304', unchanged.headers['etag'], `"${version}"`)
        const changed = await read('"1"')
        mustBe('a changed task', changed.status, 200)
        mustBe('Retry-After of a final task', changed.headers['retry-after'], undefined)
        mustBe('Cache-Control', changed.headers['cache-control'], 'no-store')
      },
    }),
    contractCase({
      name: 'long-poll-wakes',
      proves: 'a long poll is answered when the task becomes newer than what its client knows, and at once at the end',
      source: 'async-api 5.2',
      needs: [],
      quick: true,
      timed: true,
      async check(target) {
        const { self } = await start(target, newKey('wakes'))
        for (let version = 0; ;) {
          const began = performance.now()
          const task = taskOf(await send(target, `${self}?wait=3600&after=${version}`))
          const tookMs = performance.now() - began
          withinBound(target, tookMs)
          const early = tookMs < target.timing.longPollMs * 0.9
          must(!early || task.version > version || isTerminal(task.status), `woken at ${version} for nothing`)
          version = task.version
          if (isTerminal(task.status)) break
        }
        const began = performance.now()
        await send(target, `${self}?wait=3600&after=100000`)
        must(performance.now() - began < Math.max(slackMs, target.timing.longPollMs / 2), 'an ended task is waited for')
      },
    }),
    contractCase({
      name: 'long-poll-bound',
      proves: 'a long poll without news is answered at the bound, however long was asked for, and not before',
      source: 'async-api 5.2: under the 29 s of common gateways',
      needs: ['hold'],
      timed: true,
      async check(target, { hold }) {
        const { self, taskId } = await start(target, newKey('bound'), { long: true })
        const held = await hold()
        try {
          const { version } = await quiet(target, self)
          const began = performance.now()
          const reply = await send(target, `${self}?wait=3600&after=${version}`)
          const tookMs = performance.now() - began
          mustBe('version at the bound', taskOf(reply).version, version)
          withinBound(target, tookMs)
          must(tookMs > target.timing.longPollMs * 0.9, `answered after ${Math.round(tookMs)} ms without news`)
          // The server's holding paces it: its client may come back at once.
          mustBe('Retry-After of a long poll', reply.headers['retry-after'], '0')
        } finally {
          await held.heal()
        }
        await send(target, `/v1/tasks/${taskId}:cancel`, { method: 'POST' })
      },
    }),
    contractCase({
      name: 'pages',
      proves: 'a page of the log begins after its cursor, wherever that is, and is empty after the end',
      source: 'async-api 5.2',
      needs: [],
      quick: true,
      async check(target) {
        const { task_id } = await endedTask(target, 'pages')
        const events = await readEvents(target, task_id)
        for (const { seq } of events)
          mustBe(`seq after ${seq}`, seqs(await readEvents(target, task_id, seq)), seqs(events.slice(seq)))
        mustBe('after the end', await readEvents(target, task_id, events.length), [])
      },
    }),
    contractCase({
      name: 'cut-log',
      proves: 'a log that is kept only in part says so with 410; it never leaves out its beginning in silence',
      source: 'async-api 5.2, 5.6',
      needs: [],
      async check(target) {
        const { task_id } = await endedTask(target, 'cut')
        const reply = await send(target, `/v1/tasks/${task_id}/events?after=0`)
        if (reply.status === 410)
          return mustBe('type', String(reply.json?.['type']).split('/').at(-1), 'cursor-expired')
        mustBe('status', reply.status, 200)
        mustBe('first event of the log', (reply.json!['events'] as TaskEvent[])[0]?.seq, 1)
      },
    }),
  ],
} satisfies CaseGroup

function seqs(events: readonly TaskEvent[]): readonly number[] {
  return events.map(({ seq }) => seq)
}

async function endedTask(target: Target, about: string) {
  const key = newKey(about)
  const { task_id } = acceptedTask(await submit(target, key, target.bodyFor(key)))
  return readEnd(target, task_id)
}

function withinBound({ timing }: Target, tookMs: number): void {
  const limitMs = timing.longPollMs + Math.max(slackMs, timing.longPollMs * 0.2)
  must(tookMs < limitMs, `a long poll took ${Math.round(tookMs)} ms; its bound is ${timing.longPollMs} ms`)
}

/** What was on its way when the work was held has arrived. */
async function quiet(target: Target, self: string) {
  for (let before = taskOf(await send(target, self)); ;) {
    await sleep(150)
    const now = taskOf(await send(target, self))
    if (now.version === before.version && now.status === 'running') return now
    before = now
  }
}
