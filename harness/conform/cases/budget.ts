import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import { isTerminal, type Task } from '../../../patterns/contract/types/task.ts'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import { contractCase, type CaseGroup, type Target, type Work } from '../case.ts'
import {
  acknowledge,
  answerTo,
  cancel,
  type Log,
  openLog,
  patienceMs,
  put,
  readMore,
  recordedIn,
  seen,
  startNow,
  tooShort,
} from '../control.ts'
import { must, mustBe, NotApplicable, undecidedUnless } from '../expect.ts'
import { mustBeProblem } from '../problem.ts'
import { newKey, raceMs, readEnd, readTask, submit } from '../tasks.ts'

const source = 'docs/contract.md#budget'
const exhausted = 'budget-exhausted'

export default {
  name: 'budget',
  summary: 'a task spends no more than it has: it waits for more, or fails, before the step that would',
  cases: [
    contractCase({
      name: 'waits',
      proves: 'a task whose budget does not cover its next step asks for input; topped up, it goes on to its end',
      source: `${source}; docs/contract.md#states`,
      needs: ['budget', 'commands'],
      async check(target) {
        const { cost, status } = await freeTask(target)
        const credits = cost - 1
        const log = await openLog(target, await known(target, { budget: { credits, on_exhausted: 'wait' } }))
        const stopped = await stillOf(target, log)
        mustHaveStopped(stopped, credits)
        mustBe('a task without credits', [stopped.status, stopped.status_reason], ['input_required', exhausted])
        await acknowledge(target, log.taskId, { id: 'go', type: 'resume' })
        const refused = await answerTo(target, log, 'go')
        mustBe('the answer to who lets it go on without', refused.type, 'task.command_void')
        await acknowledge(target, log.taskId, { id: 'more', type: 'top_up', credits: 1 })
        const added = await answerTo(target, log, 'more')
        mustBe('the answer to more', [added.type, added.data['credits']], ['task.topped_up', 1])
        const goesOn = ({ type, status: now }: TaskEvent): boolean => type === 'task.continued' || isTerminal(now)
        const went = await seen(target, log, goesOn, { withinMs: patienceMs(target), after: added.seq })
        must(went !== undefined, 'a task that got what its next step costs does not go on')
        const end = await readEnd(target, log.taskId)
        mustBe('the end of a task that got what it costs', end.status, status)
        mustBeGranted(end, cost)
        mustHaveSpent(end, cost)
      },
    }),
    contractCase({
      name: 'fails',
      proves: 'a task that is to fail when its budget is exhausted does, with that reason, and has not spent more',
      source,
      needs: ['budget'],
      async check(target) {
        const credits = (await freeTask(target)).cost - 1
        const taskId = await known(target, { budget: { credits, on_exhausted: 'fail' } })
        const end = await stillOf(target, await openLog(target, taskId))
        mustHaveStopped(end, credits)
        mustBe('the end', [end.status, end.status_reason], ['failed', exhausted])
      },
    }),
    contractCase({
      name: 'covers',
      proves: 'a budget that covers the work changes nothing of it',
      source,
      needs: ['budget'],
      async check(target) {
        const { cost, status } = await freeTask(target)
        const end = await readEnd(target, await known(target, { budget: { credits: cost, on_exhausted: 'fail' } }))
        mustHaveSpent(end, cost)
        mustBe('the end', end.status, status)
        mustBeGranted(end, cost)
      },
    }),
    contractCase({
      name: 'none',
      proves: 'a task without a budget is given no more of it: a top-up is refused, and not on record',
      source: `${source}; docs/contract.md#commands`,
      needs: ['budget', 'commands'],
      quick: true,
      async check(target) {
        const log = await openLog(target, await startNow(target, 'no-budget', { long: true }))
        const reply = await put(target, log.taskId, { id: 'more', type: 'top_up', credits: 2 })
        if (reply.status === 409) throw new NotApplicable(tooShort)
        mustBeProblem('a top-up where there is no budget', reply, 400, 'validation')
        await readMore(target, log)
        mustBe('the commands on record', recordedIn(log), [])
        await cancel(target, log.taskId)
      },
    }),
    contractCase({
      name: 'refused',
      proves: 'a budget that is none is refused when it is submitted',
      source: `${source}; docs/contract.md#problems`,
      needs: ['budget'],
      quick: true,
      async check(target) {
        for (const budget of malformed) {
          const key = newKey('budget-refused')
          const body = JSON.stringify(target.bodyFor(key)).replace(/\}$/, `,"budget":${budget}}`)
          mustBeProblem(`a budget ${budget}`, await submit(target, key, body), 400, 'validation')
        }
      },
    }),
  ],
} satisfies CaseGroup

const malformed = [
  '{"credits":0}',
  '{"credits":-1}',
  '{"credits":1.5}',
  '{"credits":1e999}',
  '{"credits":1000000001}',
  '{"credits":"5"}',
  '{}',
  '7',
  '{"credits":5,"on_exhausted":"explode"}',
  '{"credits":5,"more":1}',
]

/** The task when it has ended, or waits for somebody. */
async function stillOf(target: Target, log: Log): Promise<Task> {
  const standsStill = ({ status }: TaskEvent): boolean => status === 'input_required' || isTerminal(status)
  await seen(target, log, standsStill, { withinMs: Infinity })
  return readTask(target, log.taskId)
}

/** What such a task costs, and how it ends, where nobody counts. */
async function freeTask(target: Target): Promise<{ readonly cost: number; readonly status: Task['status'] }> {
  const { credits_used: used, status } = await readEnd(target, await startNow(target, 'cost'))
  const cost = Math.ceil(used ?? 0)
  if (cost < 2) throw new NotApplicable('its tasks cost less than two credits')
  return { cost, status }
}

/** A task with a budget, by its id. Nobody knows it where the service answers only at the end, which may not come. */
async function known(target: Target, work: Work): Promise<string> {
  const late = sleep(2 * raceMs(target), target.signal).then(() => {
    throw new NotApplicable('it answers a submission at the end of its task alone')
  })
  late.catch(() => {})
  return Promise.race([startNow(target, 'budget', work), late])
}

/** A service need not show it. */
function mustBeGranted({ credits_granted: granted }: Task, wanted: number): void {
  if (typeof granted === 'number') mustBe('credits_granted', granted, wanted)
}

function mustHaveSpent({ credits_used: used }: Task, most: number): void {
  must(used <= most, `${used} credits are spent, of ${most}`)
}

/** Throws Undecided for a task that was done with less than another one cost. */
function mustHaveStopped(task: Task, credits: number): void {
  mustHaveSpent(task, credits)
  undecidedUnless(task.status !== 'completed', `it cost ${task.credits_used}, and another one ${credits + 1}`)
}
