import { contractCase, type CaseGroup, type Target } from '../case.ts'
import { mustBe, NotApplicable } from '../expect.ts'
import { acceptedTask, isEnd, newKey, pathOf, readEnd, readEvents, start, submit } from '../tasks.ts'
import { mustBeProblem } from '../problem.ts'
import { send } from '../http.ts'
import { openSocket, readSocket } from '../socket.ts'
import { openStream, readStream, untilRead } from '../stream.ts'

export default {
  name: 'restarts',
  summary: 'SIGKILL for every node of ours, and a new start',
  cases: [
    contractCase({
      name: 'durable-before-202',
      proves: 'a task that was accepted is there after everything was killed at once, and completes',
      source: 'docs/contract.md#durability',
      needs: ['restart', 'durable'],
      async check(target, { restart }) {
        // What an undisturbed task comes to: work that fails by itself fails after a restart too.
        const usual = await readEnd(target, (await start(target, newKey('undisturbed'))).taskId)
        const started = await Promise.all(Array.from({ length: 5 }, () => start(target, newKey('durable'))))
        await restart()
        for (const { taskId } of started) {
          mustBe(`the end of ${taskId}`, (await readEnd(target, taskId)).status, usual.status)
          await mustBeWhole(target, taskId)
        }
      },
    }),
    contractCase({
      name: 'idempotent',
      proves: 'a key means the same task after a restart, and another body is still refused',
      source: 'docs/contract.md#durability',
      needs: ['restart', 'durable'],
      async check(target, { restart }) {
        const key = newKey('key-restart')
        const { taskId } = await start(target, key)
        await restart()
        mustBe('the task', acceptedTask(await submit(target, key, target.bodyFor(key))).task_id, taskId)
        const other = await submit(target, key, target.bodyFor(key, { deadlineS: 3600 }))
        mustBeProblem('another body', other, 422, 'idempotency-key-reused')
      },
    }),
    contractCase({
      name: 'stream-resumes',
      proves: 'a stream that was cut by a restart resumes at its cursor: no event twice, none missing',
      source: 'docs/contract.md#durability',
      needs: ['restart', 'durable', 'stream'],
      async check(target, { restart }) {
        const { self, taskId } = await start(target, newKey('stream-restart'), { long: true })
        const before = await openStream(target, `${self}/events`)
        await untilRead(target, before, () => before.events.length >= 3)
        if (before.events.some(isEnd)) throw new NotApplicable(tooShort)
        await restart()
        before.close()
        const after = before.events.some(isEnd)
          ? []
          : (await readStream(target, `${self}/events`, { 'last-event-id': before.ids.at(-1)! })).events
        mustBe('events', [...before.events, ...after], await mustBeWhole(target, taskId))
      },
    }),
    contractCase({
      name: 'socket-resumes',
      proves: 'a socket that was cut by a restart resumes at its last_seq: no event twice, none missing',
      source: 'docs/contract.md#durability',
      needs: ['restart', 'durable', 'socket'],
      async check(target, { restart }) {
        const { self, taskId } = await start(target, newKey('socket-restart'), { long: true })
        const before = await openSocket(target, self)
        await untilRead(target, { ended: before.closed }, () => before.events.length >= 3)
        if (before.events.some(isEnd)) throw new NotApplicable(tooShort)
        await restart()
        before.socket.terminate()
        const after = await readSocket(target, self, before.events.at(-1)!.seq)
        mustBe('close code', after.code, 1000)
        mustBe('events', [...before.events, ...after.events], await mustBeWhole(target, taskId))
      },
    }),
    contractCase({
      name: 'forgotten',
      proves:
        'where nothing is promised, a task is gone (404) and its key means a new one, or it is known and so is its key',
      source: 'docs/contract.md#durability',
      needs: ['restart', 'forgetful'],
      async check(target, { restart }) {
        const key = newKey('forgotten')
        const { taskId } = await start(target, key)
        await restart()
        const reply = await send(target, pathOf(taskId), { once: true })
        if (reply.status !== 200) mustBeProblem('what was forgotten', reply, 404, 'not-found')
        const again = acceptedTask(await submit(target, key, target.bodyFor(key)))
        mustBe('the key means the same task', again.task_id === taskId, reply.status === 200)
      },
    }),
  ],
} satisfies CaseGroup

const tooShort = 'its tasks end before anything can be restarted'

/** Its log, which has no gap. */
async function mustBeWhole(target: Target, taskId: string) {
  const events = await readEvents(target, taskId)
  mustBe(
    'seq',
    events.map(({ seq }) => seq),
    Array.from({ length: events.length }, (_, i) => i + 1),
  )
  return events
}
