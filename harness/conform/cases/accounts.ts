import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import { isTerminal, type Task } from '../../../patterns/contract/types/task.ts'
import {
  askAccount,
  type Balance,
  balanceIn,
  isReplayed,
  pathOfAccount,
  principalOf,
  readBalance,
  topUp,
  totalOf,
} from '../accounts.ts'
import { contractCase, type CaseGroup, type Target } from '../case.ts'
import { openLog, patienceMs, seen, startNow } from '../control.ts'
import { must, mustBe, NotApplicable, undecidedUnless } from '../expect.ts'
import { mustBeFresh } from '../headers.ts'
import { send, type SendOptions } from '../http.ts'
import { mustBeProblem } from '../problem.ts'
import { newKey, readEnd, readTask } from '../tasks.ts'

const source = 'docs/contract.md#accounts'
const exhausted = 'balance-exhausted'

export default {
  name: 'accounts',
  summary: 'tasks are paid from the account of who submits them: no more than there is, and each top-up once',
  cases: [
    contractCase({
      name: 'shown',
      proves: 'an account shows whose it is, what is left, held and spent, and no cache keeps that',
      source,
      needs: ['accounts'],
      quick: true,
      async check(target) {
        const reply = await askAccount(target)
        const { principal } = balanceIn('the account', reply)
        mustBe('whose account it is', principal, principalOf(target))
        mustBeFresh('the account', reply.headers)
      },
    }),
    contractCase({
      name: 'unknown',
      proves: 'an account that there is not is 404, and whoever has no token is told 401',
      source: `${source}; docs/contract.md#problems`,
      needs: ['accounts'],
      quick: true,
      async check(target) {
        const nobody = pathOfAccount(newKey('nobody'))
        const added: SendOptions = { method: 'POST', body: { id: newKey('nobody'), credits: 1 } }
        mustBeProblem('an account that there is not', await send(target, nobody), 404, 'not-found')
        const reply = await send(target, `${nobody}/top-ups`, added)
        // Who may not top up learns nothing of what there is.
        if (reply.status !== 403) mustBeProblem('a top-up of it', reply, 404, 'not-found')
        if (target.token === undefined) return
        const own = pathOfAccount(principalOf(target))
        mustBeProblem('no token', await send(target, own, { token: null }), 401, 'unauthorized')
        const unasked = await send(target, `${own}/top-ups`, { ...added, token: null })
        mustBeProblem('no token, a top-up', unasked, 401, 'unauthorized')
      },
    }),
    contractCase({
      name: 'paid',
      proves: 'what a task uses is spent when it has ended, and no credit is made or lost by it',
      source,
      needs: ['accounts'],
      alone: true,
      async check(target) {
        const before = await readBalance(target)
        const [task] = await stillOf(target, [await startNow(target, 'paid')])
        if (task!.status === 'input_required') throw new NotApplicable('its balance does not cover a task')
        const after = await readBalance(target)
        const used = task!.credits_used
        if (!(used > 0)) throw new NotApplicable('its tasks cost nothing')
        must(
          after.spent - before.spent >= used,
          `a task used ${used} credits, and ${after.spent - before.spent} are spent`,
        )
        mustBe('all that is left, held and spent', totalOf(after), totalOf(before))
      },
    }),
    contractCase({
      name: 'adds',
      proves: 'a top-up adds its credits once: the same again adds nothing, and another amount under its id is refused',
      source: `${source}; docs/contract.md#problems`,
      needs: ['accounts'],
      alone: true,
      async check(target) {
        const before = totalOf(await readBalance(target))
        const wanted = { id: newKey('adds'), credits: 3 }
        const first = await topUp(target, wanted)
        mustBe('all that there is after a top-up of 3', totalOf(balanceIn('a top-up', first)), before + 3)
        must(!isReplayed(first) || first.repeated > 0, 'a first top-up is answered as a repetition')
        const again = await topUp(target, wanted)
        mustBe('all that there is after the same top-up', totalOf(balanceIn('it again', again)), before + 3)
        must(isReplayed(again), 'a repeated top-up is answered without Command-Replayed: true')
        const other = await topUp(target, { ...wanted, credits: 4 })
        mustBeProblem('its id with another amount', other, 422, 'command-id-reused')
        mustBe('all that there is afterwards', totalOf(await readBalance(target)), before + 3)
      },
    }),
    contractCase({
      name: 'once',
      proves: 'a top-up that comes eight times at once adds once',
      source,
      needs: ['accounts'],
      alone: true,
      async check(target) {
        const before = totalOf(await readBalance(target))
        const wanted = { id: newKey('once'), credits: 2 }
        const replies = await Promise.all(Array.from({ length: 8 }, () => topUp(target, wanted)))
        for (const reply of replies) balanceIn('a top-up', reply)
        mustBe('all that there is afterwards', totalOf(await readBalance(target)), before + 2)
      },
    }),
    contractCase({
      name: 'refused',
      proves: 'a top-up that is none is refused, and adds nothing',
      source: `${source}; docs/contract.md#problems`,
      needs: ['accounts'],
      alone: true,
      async check(target) {
        const before = totalOf(await readBalance(target))
        for (const body of malformed) mustBeProblem(`a top-up ${body}`, await topUp(target, body), 400, 'validation')
        const text = await topUp(target, { id: 'none', credits: 1 }, { headers: { 'content-type': 'text/plain' } })
        mustBeProblem('a top-up that is text', text, 415, 'unsupported-media-type')
        mustBe('all that there is afterwards', totalOf(await readBalance(target)), before)
      },
    }),
    contractCase({
      name: 'waits',
      proves:
        'tasks spend no more than there is: one that is not covered asks for input, and goes on by itself when it is',
      source: `${source}; docs/contract.md#states`,
      needs: ['accounts'],
      alone: true,
      async check(target) {
        const { cost, status } = await costOfOne(target)
        const before = await readBalance(target)
        const count = Math.floor(before.credits / cost) + 1
        if (count > mostTasks)
          throw new NotApplicable(`its account has ${before.credits} credits, which ${mostTasks} tasks do not use up`)
        // Before they are used up: who may not add to it must not be left with none.
        await topUp(target, '{}')
        const ids = await Promise.all(Array.from({ length: count }, () => startNow(target, 'waits')))
        try {
          await mustHaveStopped(target, ids, before)
          balanceIn('a top-up', await topUp(target, { id: newKey('waits'), credits: count * cost }))
          await mustGoOn(target, ids, status)
        } catch (error) {
          // A second try, where a busy machine spoiled the first, has the same account, and so have the other cases.
          await topUp(target, { id: newKey('gives-back'), credits: count * cost })
          throw error
        }
      },
    }),
  ],
} satisfies CaseGroup

/** Of the tasks that use up an account. */
const mostTasks = 80

const malformed = [
  '{"id":"none","credits":0}',
  '{"id":"none","credits":-1}',
  '{"id":"none","credits":1.5}',
  '{"id":"none","credits":1e999}',
  '{"id":"none","credits":"5"}',
  '{"id":"none"}',
  '{"id":"no name","credits":5}',
  '{"credits":5}',
  '7',
]

/** What a task costs of the kind that is submitted under a key of this length, and how it ends. */
async function costOfOne(target: Target): Promise<{ readonly cost: number; readonly status: Task['status'] }> {
  const [task] = await stillOf(target, [await startNow(target, 'waits')])
  const { credits_used: cost, status } = task!
  if (status === 'input_required') throw new NotApplicable('its balance does not cover a task')
  if (!(cost >= 1)) throw new NotApplicable('its tasks cost nothing')
  return { cost, status }
}

/** Tasks when each has ended, or waits for somebody. */
async function stillOf(target: Target, ids: readonly string[]): Promise<readonly Task[]> {
  const standsStill = ({ status }: TaskEvent): boolean => status === 'input_required' || isTerminal(status)
  const wait = async (taskId: string): Promise<Task> => {
    await seen(target, await openLog(target, taskId), standsStill, { withinMs: Infinity })
    return readTask(target, taskId)
  }
  return Promise.all(ids.map(wait))
}

async function mustHaveStopped(target: Target, ids: readonly string[], before: Balance): Promise<void> {
  const tasks = await stillOf(target, ids)
  const used = tasks.reduce((sum, { credits_used: one }) => sum + (one ?? 0), 0)
  must(used <= before.credits, `tasks have used ${used} credits of an account that had ${before.credits}`)
  const stopped = tasks.filter(({ status }) => status === 'input_required')
  undecidedUnless(stopped.length > 0, `its tasks cost ${used} together, and the account had ${before.credits} for them`)
  for (const { status_reason: reason } of stopped) mustBe('why a task without credits stands still', reason, exhausted)
  const after = await readBalance(target)
  mustBe('all that is left, held and spent', totalOf(after), totalOf(before))
}

async function mustGoOn(target: Target, ids: readonly string[], wanted: Task['status']): Promise<void> {
  const goes = ({ type, status }: TaskEvent): boolean => type === 'task.continued' || isTerminal(status)
  for (const taskId of ids) {
    const went = await seen(target, await openLog(target, taskId), goes, { withinMs: patienceMs(target) })
    must(went !== undefined, 'there are credits for its next step, and a task does not go on')
  }
  for (const taskId of ids) mustBe('the end of a task that was paid', (await readEnd(target, taskId)).status, wanted)
}
