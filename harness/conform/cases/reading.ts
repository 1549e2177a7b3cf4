import { sleep } from '../../../patterns/contract/types/timer.ts'
import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import { isTerminal } from '../../../patterns/contract/types/task.ts'
import { contractCase, type CaseGroup, type Target } from '../case.ts'
import { must, mustBe, undecidedUnless } from '../expect.ts'
import { entityTag, mustBeAdvice, mustBeFresh } from '../headers.ts'
import {
  acceptedTask,
  eventsIn,
  isCutLog,
  newKey,
  pathOf,
  readEnd,
  readEvents,
  spread,
  start,
  submit,
  taskOf,
} from '../tasks.ts'
import { mustBeProblem } from '../problem.ts'
import { mustHaveStatus, send, slackMs } from '../http.ts'
import { adviceMs, headerOf, isBusy, isLater } from '../patience.ts'

export default {
  name: 'reading',
  summary: 'conditional reads, long polls and pages of the log',
  cases: [
    contractCase({
      name: 'read-your-write',
      proves: 'a task is known wherever it is asked for, from the moment in which its acceptance is answered',
      source: 'docs/contract.md#resources',
      needs: [],
      quick: true,
      async check(target) {
        const { taskId, self } = await start(target, newKey('read-your-write'))
        for (const place of [self, `${self}/events?after=0`]) {
          const reply = await firstAnswer(target, place)
          if (isCutLog(reply)) continue
          mustHaveStatus(`${place}, right after the task was accepted`, reply, 200)
        }
        await readEnd(target, taskId)
      },
    }),
    contractCase({
      name: 'etag',
      proves: 'a conditional read of an unchanged task is an empty 304, of a changed one 200',
      source: 'docs/contract.md#reading; RFC 9110 8.8.3, 13.1.2 and 15.4.5',
      needs: [],
      quick: true,
      async check(target) {
        const key = newKey('etag')
        const accepted = await submit(target, key, target.bodyFor(key))
        const { task_id, version } = acceptedTask(accepted)
        const end = await readEnd(target, task_id)
        const now = await send(target, pathOf(task_id))
        const tag = entityTag('the task', now.headers)
        mustBeFresh('the task', now.headers)
        mustBeAdvice('the task', now.headers)
        const read = (etag: string) => send(target, pathOf(task_id), { headers: { 'if-none-match': etag } })
        const unchanged = await read(`W/"outlast-none", ${tag}`)
        mustBe('an unchanged task', [unchanged.status, unchanged.text], [304, ''])
        mustBe('ETag of the 304', entityTag('the 304', unchanged.headers), tag)
        mustHaveStatus('a changed task', await read('"outlast-none"'), 200)
        if (version === end.version || headerOf(accepted.headers, 'etag') === undefined) return
        const before = entityTag('the accepted task', accepted.headers)
        must(before !== tag, `versions ${version} and ${end.version} of the task have one ETag: ${tag}`)
      },
    }),
    contractCase({
      name: 'long-poll-wakes',
      proves: 'a long poll is answered when the task becomes newer than what its client knows, and at once at the end',
      source: 'docs/contract.md#reading',
      needs: [],
      quick: true,
      timed: true,
      // Beside others an answer takes so long that the task has gone on meanwhile, whether it was held or not.
      alone: true,
      async check(target) {
        const { self, taskId } = await start(target, newKey('wakes'), { long: true })
        const held = isHeld(await followByPolls(target, self))
        undecidedUnless(held, 'its long polls take no longer than plain reads: nothing shows that they wait')
        await send(target, `${self}:cancel`, { method: 'POST' })
        const { version } = await readEnd(target, taskId)
        const asked = Array.from({ length: 3 }, () => send(target, `${self}?wait=3600&after=${version}`))
        const fastestMs = Math.min(...(await Promise.all(asked)).map(({ tookMs }) => tookMs))
        must(fastestMs < Math.max(slackMs, target.timing.longPollMs / 2), 'an ended task is waited for')
      },
    }),
    contractCase({
      name: 'long-poll-bound',
      proves: 'a long poll without news is answered at the bound, however long was asked for, and not before',
      source: 'docs/contract.md#reading',
      needs: ['hold'],
      timed: true,
      async check(target, { hold }) {
        const { self, taskId } = await start(target, newKey('bound'), { long: true })
        const held = await hold()
        try {
          const { version } = await quiet(target, self)
          const reply = await send(target, `${self}?wait=3600&after=${version}`)
          const { tookMs } = reply
          mustBe('version at the bound', taskOf(reply).version, version)
          withinBound(target, tookMs)
          must(tookMs > target.timing.longPollMs * 0.9, `answered after ${Math.round(tookMs)} ms without news`)
          mustBeAdvice('a long poll', reply.headers)
        } finally {
          await held.heal()
        }
        await send(target, `/v1/tasks/${taskId}:cancel`, { method: 'POST' })
      },
    }),
    contractCase({
      name: 'pages',
      proves: 'a page of the log begins after its cursor, wherever that is, and is empty after the end',
      source: 'docs/contract.md#pages',
      needs: [],
      quick: true,
      async check(target) {
        const { task_id } = await endedTask(target, 'pages')
        const events = await readEvents(target, task_id)
        for (const { seq } of spread(events))
          mustBe(`seq after ${seq}`, seqs(await readEvents(target, task_id, seq)), seqs(events.slice(seq)))
      },
    }),
    contractCase({
      name: 'impossible-cursor',
      proves: 'a page after what is no place of the log is refused with 400: it would be empty for ever',
      source: 'docs/contract.md#cursors; docs/contract.md#problems',
      needs: [],
      quick: true,
      async check(target) {
        const { self } = await start(target, newKey('cursor'))
        for (const cursor of impossible)
          mustBeProblem(
            `a page after ${cursor}`,
            await send(target, `${self}/events?after=${cursor}`),
            400,
            'validation',
          )
      },
    }),
    contractCase({
      name: 'cut-log',
      proves: 'a log that is kept only in part says so with 410; it never leaves out its beginning in silence',
      source: 'docs/contract.md#pages; docs/contract.md#problems',
      needs: [],
      async check(target) {
        const { task_id, version } = await endedTask(target, 'cut')
        const reply = await send(target, `${pathOf(task_id)}/events?after=0`)
        if (reply.status === 410) {
          mustBeProblem('a log that was cut', reply, 410, 'cursor-expired')
          const kept = await send(target, `${pathOf(task_id)}/events?after=${version - 1}`)
          mustHaveStatus('the end of a log that was cut', kept, 200)
          return mustBe('what is kept of it', seqs(eventsIn(kept)), [version])
        }
        mustHaveStatus('the log', reply, 200)
        mustBe('first event of the log', eventsIn(reply)[0]?.seq, 1)
      },
    }),
  ],
} satisfies CaseGroup

const enoughWakes = 4
const mostWakes = 8
const mostInVain = 2

/** How long answers took: long polls that brought news, and a plain read after each. */
interface Waits {
  readonly wakesMs: readonly number[]
  readonly readsMs: readonly number[]
}

/** Until it is clear that long polls are held, or the task has ended, or it was tried often enough. */
async function followByPolls(target: Target, self: string): Promise<Waits> {
  const [wakesMs, readsMs]: [number[], number[]] = [[], []]
  const isSettled = () => wakesMs.length >= enoughWakes && isHeld({ wakesMs, readsMs })
  for (let [known, inVain] = [0, 0]; !isSettled() && wakesMs.length < mostWakes;) {
    const reply = await send(target, `${self}?wait=3600&after=${known}`)
    const task = taskOf(reply)
    withinBound(target, reply.tookMs)
    const isEarly = reply.tookMs < target.timing.longPollMs * 0.9
    // A server that holds as many answers as it may, or leaves, answers early. It does not a second time in a row.
    inVain = isEarly && task.version <= known && !isTerminal(task.status) ? inVain + 1 : 0
    must(inVain < mostInVain, `woken at version ${known} for nothing, twice in a row`)
    // The first is of a client that knows nothing: it has news at once.
    if (inVain === 0 && known > 0) wakesMs.push(reply.tookMs)
    if (isTerminal(task.status)) break
    // What is known is new: an answer that brings more was held, or else all were in vain.
    const read = await send(target, self)
    readsMs.push(read.tookMs)
    known = taskOf(read).version
  }
  return { wakesMs, readsMs }
}

/**
 * Where a plain read takes as long as the task takes to go on, any answer brings news, whether it was held or not. Of all pairs
 * of a long poll and a plain read the poll must have taken longer in three of four: Mann and Whitney's U.
 */
function isHeld({ wakesMs, readsMs }: Waits): boolean {
  const longer = wakesMs.reduce((sum, wakeMs) => sum + readsMs.filter((readMs) => wakeMs > readMs).length, 0)
  return 4 * longer >= 3 * wakesMs.length * readsMs.length
}

/** A place that no log has, and what is no place. */
const impossible = ['999999', '-1', 'abc'] as const

/** The first answer that is not of a front end that is busy. */
async function firstAnswer(target: Target, place: string) {
  for (;;) {
    const reply = await send(target, place, { once: true })
    if (!isBusy(reply) && !isLater(reply)) return { ...reply, repeated: 0 }
    await sleep(Math.max(adviceMs(reply.headers) ?? 0, 100), target.signal)
  }
}

function seqs(events: readonly TaskEvent[]): readonly number[] {
  return events.map(({ seq }) => seq)
}

async function endedTask(target: Target, about: string) {
  const key = newKey(about)
  const { task_id } = acceptedTask(await submit(target, key, target.bodyFor(key)))
  return readEnd(target, task_id)
}

function withinBound({ timing }: Target, tookMs: number): void {
  const limitMs = timing.longPollMs + Math.max(2 * slackMs, timing.longPollMs * 0.2)
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
