import { isTerminal, type Task } from '../../../patterns/contract/types/task.ts'
import { contractCase, type CaseGroup, type Target } from '../case.ts'
import { answerTo, cancel, openLog, put } from '../control.ts'
import { must, mustBe, mustBeOneOf, NotApplicable } from '../expect.ts'
import { askNamed, isSpawned, mustBeStopped, namedIn, startFamily, submitted, wholeOf, within } from '../family.ts'
import { mustHaveStatus, send } from '../http.ts'
import { mustBeProblem } from '../problem.ts'
import { mustShowSame, newKey, noteAccepted, pathOf, readEnd, readTask, taskOf } from '../tasks.ts'

const source = 'docs/contract.md#sub-tasks'
const tooMany = ['spawn-depth-exceeded', 'spawn-width-exceeded']

export default {
  name: 'sub-tasks',
  summary: 'what an agent starts is named, can be read like any task, and ends when what is above it is cancelled',
  cases: [
    contractCase({
      name: 'named',
      proves: 'a log names each sub-task once, with the step before which it is started, while its task runs',
      source: `${source}; docs/contract.md#events`,
      needs: [],
      async check(target) {
        const log = await wholeOf(target, await startFamily(target, 'named', { family: 'ending' }))
        const ids = namedIn(log)
        mustBe('the ids of sub-tasks in a log', [...new Set(ids)], ids)
        must(!ids.includes(log.taskId), 'a task is not its own sub-task')
        for (const { data, status } of log.events.filter(isSpawned)) {
          const { step } = data
          must(Number.isSafeInteger(step) && Number(step) >= 1, `task.spawned: step ${String(step)}, must be a step`)
          must(data['input'] !== undefined, 'task.spawned: input is not there')
          mustBe('the state at a task.spawned', status, 'running')
        }
      },
    }),
    contractCase({
      name: 'resource',
      proves: 'a sub-task can be read like any task, by who may read its parent, and says which that is',
      source: `${source}; docs/contract.md#reading; docs/contract.md#problems`,
      needs: [],
      async check(target) {
        const log = await wholeOf(target, await startFamily(target, 'resource', { family: 'ending' }))
        const parent = await readTask(target, log.taskId)
        if (parent.status !== 'completed') throw new NotApplicable(`a task that starts others ends as ${parent.status}`)
        for (const taskId of namedIn(log)) await mustBeSubTask(target, taskId, parent)
      },
    }),
    contractCase({
      name: 'cancelled',
      proves: 'a cancellation holds for all tasks below: each that has not ended is cancelled',
      source: `${source}; docs/contract.md#cancelling`,
      needs: [],
      async check(target) {
        const log = await startFamily(target, 'cancelled', { family: 'endless', deadlineS: longestS })
        await within(target, log, async () => {
          const [first] = namedIn(log)
          await mustGoOn(target, first!)
          const { status } = taskOf(await cancel(target, log.taskId))
          if (status !== 'cancelling' && status !== 'cancelled') throw new NotApplicable(tooShort)
          await mustBeStopped(target, first!)
          await wholeOf(target, log)
          for (const taskId of namedIn(log).slice(1)) await mustBeStopped(target, taskId)
        })
      },
    }),
    contractCase({
      name: 'cancelled-later',
      proves: 'a task that has ended and is cancelled stays as it is, and what it has started is cancelled',
      source,
      needs: ['commands'],
      async check(target) {
        const log = await startFamily(target, 'later', { family: 'ending' })
        await within(target, log, async () => {
          const stopped = await interrupted(target, namedIn(log)[0]!)
          const end = await readEnd(target, log.taskId)
          const reply = await cancel(target, log.taskId)
          mustBe('the answer to who cancels a task that has ended', reply.status, 200)
          mustShowSame('the answer', taskOf(reply), end)
          await mustBeStopped(target, stopped)
          mustShowSame('the task that had ended', await readTask(target, log.taskId), end)
        })
      },
    }),
    contractCase({
      name: 'too-many',
      proves: 'a step that would start too many fails its task, which says so, and starts none of them',
      source,
      needs: [],
      async check(target) {
        if (hasOwnInput(target)) throw new NotApplicable('its input is its own: nobody here can ask for too many')
        const log = await wholeOf(target, await openLog(target, await submitted(target, 'many', { family: 'tooMany' })))
        const { status, status_reason: reason } = await readTask(target, log.taskId)
        if (status === 'completed') throw new NotApplicable('it starts as many as are asked for')
        mustBe('the end of a task that would start too many', status, 'failed')
        mustBeOneOf('status_reason of a task that would start too many', reason, tooMany)
        mustBe('the sub-tasks that it has started', namedIn(log), [])
      },
    }),
  ],
} satisfies CaseGroup

/** Where nothing is cancelled, the endless one ends of itself: at time scale 1 in less than the time of a case. */
const longestS = 900
const tooShort = 'its tasks end too soon to be cancelled'

async function mustBeSubTask(target: Target, taskId: string, parent: Task): Promise<void> {
  const reply = await askNamed(target, taskId)
  mustHaveStatus('a sub-task', reply, 200)
  const early = taskOf(reply)
  mustBe('parent of a sub-task', early.parent, parent.task_id)
  if (parent.principal !== undefined) mustBe('principal of a sub-task', early.principal, parent.principal)
  const end = await readEnd(target, taskId)
  const { events } = await wholeOf(target, await openLog(target, taskId))
  const last = events.at(-1)
  const told = [events[0]?.seq, events[0]?.type, last?.seq, last?.status]
  mustBe('the log of a sub-task', told, [1, 'task.created', end.version, end.status])
  if (target.token === undefined) return
  for (const place of [pathOf(taskId), `${pathOf(taskId)}/events?after=0`])
    mustBeProblem('a sub-task without a token', await send(target, place, { token: null }), 401, 'unauthorized')
}

/** Throws NotApplicable for a sub-task that cannot be cancelled any more, and for one that cannot be read: another case is about that. */
async function mustGoOn(target: Target, taskId: string): Promise<void> {
  const reply = await askNamed(target, taskId)
  const { status } = reply
  if (status !== 200) throw new NotApplicable(`it answers ${status} to who asks for a sub-task`)
  if (isTerminal(taskOf(reply).status)) throw new NotApplicable(tooShort)
}

/** A sub-task that stands still, so that its parent ends before it. It works for no longer than that: nothing is read before. */
async function interrupted(target: Target, taskId: string): Promise<string> {
  noteAccepted(target, taskId)
  const { status } = await put(target, taskId, { id: 'stop', type: 'interrupt' })
  if (status !== 202) throw new NotApplicable(`it answers ${status} to who interrupts a sub-task`)
  const { type } = await answerTo(target, await openLog(target, taskId), 'stop')
  if (type !== 'task.interrupted') throw new NotApplicable(tooShort)
  return taskId
}

/** What is asked for is the same, whatever work is wanted. */
function hasOwnInput(target: Target): boolean {
  const key = newKey('many')
  const [one, other] = [target.bodyFor(key), target.bodyFor(key, { family: 'tooMany' })]
  return JSON.stringify(one.input) === JSON.stringify(other.input)
}
