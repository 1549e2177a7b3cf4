import { sleep } from '../../../patterns/contract/types/timer.ts'
import { isTerminal } from '../../../patterns/contract/types/task.ts'
import { contractCase, type CaseGroup, type Target } from '../case.ts'
import { must, mustBe, NotApplicable, Undecided } from '../expect.ts'
import { isEnd, mustShowSame, newKey, pathOf, raceMs, readEnd, readEvents, start, taskOf } from '../tasks.ts'
import { mustHaveStatus, send } from '../http.ts'

const source = 'docs/contract.md#cancelling'
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
        const { status } = taskOf(first)
        if (status !== 'cancelled' && isTerminal(status)) throw new NotApplicable(tooShort)
        // A server that can end it at once may do so.
        mustBe('the first answer', [first.status, status], status === 'cancelled' ? [200, status] : [202, 'cancelling'])
        const askedAt = performance.now()
        const end = await readEnd(target, taskId)
        const tookMs = performance.now() - askedAt
        // Work may win the race. It is none where the work goes on.
        if (end.status !== 'cancelled' && tookMs < raceMs(target)) throw new NotApplicable(tooShort)
        mustBe(`the end, ${Math.round(tookMs)} ms after it was cancelled`, end.status, 'cancelled')
        const second = await cancel(target, taskId)
        mustBe('the second answer', [second.status, taskOf(second).status], [200, 'cancelled'])
        const types = (await readEvents(target, taskId)).map(({ type }) => type)
        // What was done already may be reported in between.
        const told = types.slice(types.indexOf('task.cancel_requested')).filter((type) => turns.has(type))
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
        mustHaveStatus('the answer', reply, 200)
        mustShowSame('the answer', taskOf(reply), end)
        mustShowSame('the task', await readEnd(target, taskId), end)
      },
    }),
    contractCase({
      name: 'race',
      proves: 'tasks that are cancelled in the moment in which they complete have one end each, and keep it',
      source: 'docs/contract.md#cancelling; docs/contract.md#states',
      needs: [],
      alone: true,
      async check(target) {
        const sides: string[] = []
        for (let [round, atMs] = [0, await measure(target)]; round < mostRounds; round++) {
          const ends = await Promise.all(
            Array.from({ length: races }, (_, i) => race(target, atMs * momentOf(i, round))),
          )
          const cancelled = ends.filter((status) => status === 'cancelled').length
          if (cancelled > 0 && cancelled < races) return
          if (ends.every((status) => status !== 'cancelled' && status !== 'completed'))
            throw new NotApplicable(`its tasks end as ${ends[0]!}: there is no completion to race with`)
          atMs *= cancelled > 0 ? 1.3 : 0.7
          sides.push(cancelled > 0 ? 'cancelled' : 'completed')
        }
        throw new Undecided(`no race was met: in rounds of ${races} tasks all were ${sides.join(', ')}`)
      },
    }),
  ],
} satisfies CaseGroup

const tooShort = 'its tasks end too soon to be cancelled'

/** Events that change the state of a task. */
const turns: ReadonlySet<string> = new Set([
  'task.cancel_requested',
  'task.completed',
  'task.failed',
  'task.cancelled',
  'task.expired',
  'task.rejected',
])

function cancel(target: Target, taskId: string) {
  return send(target, `${pathOf(taskId)}:cancel`, { method: 'POST' })
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

/** From a little before the moment to a little after, one after another; further around it in every round. */
function momentOf(ordinal: number, round: number): number {
  const width = 0.3 + 0.15 * round
  return 1 - width + 2 * width * (ordinal / (races - 1))
}

/** Cancelled so long after its submission. */
async function race(target: Target, atMs: number): Promise<string> {
  const began = performance.now()
  const { taskId } = await start(target, newKey('race'))
  await sleep(Math.max(0, atMs - (performance.now() - began)), target.signal)
  const answer = taskOf(await cancel(target, taskId))
  const end = await readEnd(target, taskId)
  if (isTerminal(answer.status)) mustBe('an end that was told, read again', end.status, answer.status)
  await cancel(target, taskId)
  const events = await readEvents(target, taskId)
  mustBe('terminal events', events.filter(isEnd).length, 1)
  const last = events.at(-1)
  must(last !== undefined && isEnd(last), `${last?.type} follows the end`)
  mustBe('the end in the log and in the task', last.status, end.status)
  mustBe('the task after all that', (await readEnd(target, taskId)).version, end.version)
  return end.status
}
