import { sleep } from '../../../patterns/contract/types/timer.ts'
import { isTerminal } from '../../../patterns/contract/types/task.ts'
import { contractCase, type CaseGroup, type Target } from '../case.ts'
import { must, mustBe, Undecided } from '../expect.ts'
import { isEnd, newKey, readEnd, readEvents, send, start, taskOf } from '../http.ts'

const source = 'async-api 5.2, 5.4'
/** In one round. */
const races = 12
const mostRounds = 5

export default {
  name: 'cancelling',
  summary: 'cancelling is idempotent, and races nobody into two ends',
  cases: [
    contractCase({
      name: 'once',
      proves:
        'cancelling is answered 202 until the task has ended, and ends it once; repeated, it is 200 with the same end',
      source,
      needs: [],
      quick: true,
      async check(target) {
        const { taskId } = await start(target, newKey('cancel'), { long: true })
        const first = await cancel(target, taskId)
        // A server that can end it at once may do so.
        const { status } = taskOf(first)
        mustBe('the first answer', [first.status, status], status === 'cancelled' ? [200, status] : [202, 'cancelling'])
        mustBe('the end', (await readEnd(target, taskId)).status, 'cancelled')
        const second = await cancel(target, taskId)
        mustBe('the second answer', [second.status, taskOf(second).status], [200, 'cancelled'])
        const types = (await readEvents(target, taskId)).map(({ type }) => type)
        // A step that was done already may be reported in between.
        const told = types.slice(types.indexOf('task.cancel_requested')).filter((type) => type !== 'task.progress')
        mustBe('the events since it was asked for', told, ['task.cancel_requested', 'task.cancelled'])
      },
    }),
    contractCase({
      name: 'ended',
      proves: 'cancelling a task that has ended changes nothing',
      source,
      needs: [],
      quick: true,
      async check(target) {
        const { taskId } = await start(target, newKey('cancel-ended'))
        const end = await readEnd(target, taskId)
        const reply = await cancel(target, taskId)
        mustBe('the answer', [reply.status, taskOf(reply)], [200, end])
        mustBe('the task', await readEnd(target, taskId), end)
      },
    }),
    contractCase({
      name: 'race',
      proves: 'tasks that are cancelled in the moment in which they complete have one end each, and keep it',
      source: `${source}, 5.9`,
      needs: [],
      alone: true,
      async check(target) {
        const sides: string[] = []
        for (let [round, atMs] = [0, await measure(target)]; round < mostRounds; round++) {
          const ends = await Promise.all(Array.from({ length: races }, (_, i) => race(target, atMs, i)))
          const cancelled = ends.filter((status) => status === 'cancelled').length
          if (cancelled > 0 && cancelled < races) return
          atMs *= cancelled > 0 ? 1.3 : 0.7
          sides.push(cancelled > 0 ? 'cancelled' : 'completed')
        }
        throw new Undecided(`no race was met: in rounds of ${races} tasks all were ${sides.join(', ')}`)
      },
    }),
  ],
} satisfies CaseGroup

function cancel(target: Target, taskId: string) {
  return send(target, `/v1/tasks/${taskId}:cancel`, { method: 'POST' })
}

/** How long a task takes from its submission to its end, on this machine beside as many others. */
async function measure(target: Target): Promise<number> {
  const began = performance.now()
  const times = await Promise.all(
    Array.from({ length: races }, async () => {
      await readEnd(target, (await start(target, newKey('race-measure'))).taskId)
      return performance.now() - began
    }),
  )
  return Math.min(...times)
}

/** Cancelled from a little before `atMs` to a little after, one after another. */
async function race(target: Target, atMs: number, ordinal: number): Promise<string> {
  const began = performance.now()
  const { taskId } = await start(target, newKey('race'))
  const place = 0.7 + 0.6 * (ordinal / (races - 1))
  await sleep(Math.max(0, atMs * place - (performance.now() - began)))
  const answer = taskOf(await cancel(target, taskId))
  const end = await readEnd(target, taskId)
  if (isTerminal(answer.status)) mustBe('an end that was told, read again', end.status, answer.status)
  await cancel(target, taskId)
  const events = await readEvents(target, taskId)
  mustBe('terminal events', events.filter(isEnd).length, 1)
  must(isEnd(events.at(-1)!), `${events.at(-1)!.type} follows the end`)
  mustBe('the end in the log and in the task', events.at(-1)!.status, end.status)
  mustBe('the task after all that', (await readEnd(target, taskId)).version, end.version)
  return end.status
}
