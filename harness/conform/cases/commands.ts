import type { Command } from '../../../patterns/contract/types/command.ts'
import { isTerminal } from '../../../patterns/contract/types/task.ts'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import { contractCase, type CaseGroup, type Target } from '../case.ts'
import { readSnapshot } from '../context.ts'
import {
  acknowledge,
  acknowledged,
  answersIn,
  answerTo,
  cancel,
  interrupt,
  type Log,
  onRecord,
  openLog,
  patienceMs,
  put,
  readMore,
  recordedIn,
  seen,
  startNow,
  tooShort,
} from '../control.ts'
import { must, mustBe, mustBeOneOf, NotApplicable } from '../expect.ts'
import { send } from '../http.ts'
import { mustBeProblem } from '../problem.ts'
import { isEnd, readEnd, readEveryMs, readTask } from '../tasks.ts'

const source = 'docs/contract.md#commands'

export default {
  name: 'commands',
  summary: 'a running agent is stopped, and goes on: each command once, in order, with one answer in the log',
  cases: [
    contractCase({
      name: 'acknowledged',
      proves:
        'a command that is acknowledged is on record and has one answer: an interruption stops the agent, a continuation lets it go on',
      source: `${source}; docs/contract.md#states`,
      needs: ['commands'],
      async check(target) {
        const log = await openLog(target, await startNow(target, 'commands', { long: true }))
        const stopped = await interrupt(target, log, 'stop')
        const { status, version } = await readTask(target, log.taskId)
        mustBe('the state of an agent that was stopped', [status, version], ['input_required', stopped.seq])
        // As long as a step may take that goes on all the same.
        await sleep(Math.min(2_000, 30_000 / target.timeScale), target.signal)
        await readMore(target, log)
        mustBe('events while the agent stands still', typesSince(log, stopped.seq), [])
        await acknowledge(target, log.taskId, { id: 'go', type: 'resume' })
        const went = await answerTo(target, log, 'go')
        mustBe('the answer to a continuation', [went.type, went.status], ['task.continued', 'running'])
        const next = await seen(target, log, () => true, { withinMs: patienceMs(target), after: went.seq })
        must(next !== undefined, 'an agent that goes on does nothing')
        await cancel(target, log.taskId)
      },
    }),
    contractCase({
      name: 'once',
      proves:
        'one id is one command, however often it is sent: one record, one answer; another command of that id is 422',
      source,
      needs: ['commands'],
      async check(target) {
        const log = await openLog(target, await startNow(target, 'command-once', { long: true }))
        const stop: Command = { id: 'stop', type: 'interrupt' }
        const replies = await Promise.all(Array.from({ length: 5 }, () => acknowledge(target, log.taskId, stop)))
        must(replies.filter((replayed) => !replayed).length <= 1, 'one id was taken for the first time more than once')
        await answerTo(target, log, 'stop')
        mustBe('replayed of a repetition', await acknowledge(target, log.taskId, stop), true)
        const other = await put(target, log.taskId, { id: 'stop', type: 'resume' })
        mustBeProblem('another command of the same id', other, 422, 'command-id-reused')
        await readMore(target, log)
        mustBe('commands on record', recordedIn(log), ['stop'])
        mustBe('answers', idsOf(answersIn(log)), ['stop'])
        mustBe('the state', (await readTask(target, log.taskId)).status, 'input_required')
        await cancel(target, log.taskId)
      },
    }),
    contractCase({
      name: 'order',
      proves: 'commands are on record in the order in which they were acknowledged, and are answered in it',
      source,
      needs: ['commands'],
      async check(target) {
        const log = await openLog(target, await startNow(target, 'command-order', { long: true }))
        const ids = ['a', 'b', 'c', 'd', 'e', 'f']
        for (const [i, id] of ids.entries())
          await acknowledge(target, log.taskId, { id, type: i % 2 === 0 ? 'interrupt' : 'resume' })
        for (const id of ids) await answerTo(target, log, id)
        mustBe('commands on record', recordedIn(log), ids)
        mustBe('answers', idsOf(answersIn(log)), ids)
        await cancel(target, log.taskId)
      },
    }),
    contractCase({
      name: 'steer',
      proves:
        'a patch that steers is in the memory, whole; one that does not apply is void, and nothing of it is there',
      source: `${source}; docs/contract.md#context; RFC 6902 5`,
      needs: ['commands', 'memory'],
      async check(target) {
        const log = await openLog(target, await startNow(target, 'steer', { long: true, memory: { instruction: 'x' } }))
        const patch = [{ op: 'add' as const, path: '/steered', value: { to: ['be brief'] } }]
        must(!('steered' in (await readSnapshot(target, log.taskId)).document), 'a memory has what nobody has added')
        await acknowledge(target, log.taskId, { id: 'turn', type: 'steer', patch })
        const { type, data } = await answerTo(target, log, 'turn')
        mustBe('the answer to a patch', [type, data['patch']], ['context.patch', patch])
        const { document, version } = await readSnapshot(target, log.taskId)
        must(version >= Number(data['version']), `the memory is at version ${version}, before its patch`)
        mustBe('what was added to the memory', (document as { steered?: unknown }).steered, { to: ['be brief'] })
        const half = [
          { ...patch[0]!, path: '/half' },
          { op: 'remove' as const, path: '/not/there' },
        ]
        await acknowledge(target, log.taskId, { id: 'half', type: 'steer', patch: half })
        mustBe(
          'the answer to a patch that does not apply',
          (await answerTo(target, log, 'half')).type,
          'task.command_void',
        )
        must(!('half' in (await readSnapshot(target, log.taskId)).document), 'half of a patch is in the memory')
        await cancel(target, log.taskId)
        const without = await startNow(target, 'steer-without', { long: true })
        const refused = await put(target, without, { id: 'turn', type: 'steer', patch })
        mustBeProblem('a patch where there is no memory', refused, 400, 'validation')
        await cancel(target, without)
      },
    }),
    contractCase({
      name: 'answered',
      proves:
        'a command at the end of the work is refused with 409, or answered before the end: none is lost in between',
      source,
      needs: ['commands'],
      async check(target) {
        const taken = await Promise.all(Array.from({ length: 4 }, () => commandUntilEnd(target)))
        if (taken.every((count) => count === 0)) throw new NotApplicable(tooShort)
      },
    }),
    contractCase({
      name: 'ended',
      proves: 'a task that has ended takes no commands (409), and stays as it is',
      source,
      needs: ['commands'],
      async check(target) {
        const taskId = await startNow(target, 'command-ended')
        const end = await readEnd(target, taskId)
        const reply = await put(target, taskId, { id: 'late', type: 'interrupt' })
        mustBeProblem('a command to a task that has ended', reply, 409, 'task-ended')
        mustBe('its version after that', (await readTask(target, taskId)).version, end.version)
        mustBe('commands on record', recordedIn(await openLog(target, taskId)), [])
      },
    }),
    contractCase({
      name: 'cancelled',
      proves: 'a task whose agent stands still can be cancelled, and takes no command any more from then on',
      source: `${source}; docs/contract.md#cancelling`,
      needs: ['commands'],
      async check(target) {
        const log = await openLog(target, await startNow(target, 'command-cancelled', { long: true }))
        await interrupt(target, log, 'stop')
        mustBeOneOf('cancelling what stands still', (await cancel(target, log.taskId)).status, [200, 202])
        const late = await put(target, log.taskId, { id: 'late', type: 'resume' })
        mustBeProblem('a command to a task that was cancelled', late, 409, 'task-ended')
        const end = await seen(target, log, isEnd, { withinMs: patienceMs(target) })
        mustBe('the end of a task that stood still and was cancelled', end?.status, 'cancelled')
        mustBe('answers', idsOf(answersIn(log)), ['stop'])
      },
    }),
    contractCase({
      name: 'malformed',
      proves: 'what is no command is refused, and nothing of it is on record',
      source: `${source}; docs/contract.md#problems`,
      needs: ['commands'],
      quick: true,
      async check(target) {
        const taskId = await startNow(target, 'command-malformed', { long: true })
        for (const [what, body] of malformed)
          mustBeProblem(`a command with ${what}`, await put(target, taskId, body), 400, 'validation')
        const text = { headers: { 'content-type': 'text/plain' } }
        const wish = { id: 'x', type: 'resume' }
        mustBeProblem('text', await put(target, taskId, wish, text), 415, 'unsupported-media-type')
        const unknown = await send(target, '/v1/tasks/none/commands', { method: 'POST', body: wish })
        mustBeProblem('a command to an unknown task', unknown, 404, 'not-found')
        mustBe('commands on record', recordedIn(await openLog(target, taskId)), [])
        await cancel(target, taskId)
      },
    }),
    contractCase({
      name: 'durable',
      proves: 'a command that was acknowledged is on record after everything was killed at once, and is answered once',
      source: `${source}; docs/contract.md#durability`,
      needs: ['commands', 'restart', 'durable'],
      async check(target, { restart }) {
        const stop: Command = { id: 'stop', type: 'interrupt' }
        const log = await openLog(target, await startNow(target, 'command-durable', { long: true }))
        await acknowledge(target, log.taskId, stop)
        await restart()
        mustBe('replayed of a repetition', await acknowledge(target, log.taskId, stop), true)
        const stopped = await afterRestart(target, log, 'stop')
        mustBe('the state after the command', stopped, 'input_required')
        await acknowledge(target, log.taskId, { id: 'go', type: 'resume' })
        await restart()
        await afterRestart(target, log, 'go')
        mustBe('commands on record', recordedIn(log), ['stop', 'go'])
        mustBe('answers', idsOf(answersIn(log)), ['stop', 'go'])
        await cancel(target, log.taskId)
      },
    }),
  ],
} satisfies CaseGroup

const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`

const malformed: readonly (readonly [string, unknown])[] = [
  ['no fields', {}],
  ['half a body', '{"id":'],
  ['no id', { type: 'interrupt' }],
  ['an id with a space', { id: 'a b', type: 'interrupt' }],
  ['an id that begins with a dot', { id: '.x', type: 'interrupt' }],
  ['an id of 65 characters', { id: 'x'.repeat(65), type: 'interrupt' }],
  ['a type that is none', { id: 'x', type: 'explode' }],
  ['an unknown field', { id: 'x', type: 'interrupt', more: 1 }],
  ['nothing to add', { id: 'x', type: 'top_up', credits: 0 }],
  ['less to add', { id: 'x', type: 'top_up', credits: -1 }],
  ['more than there is', '{"id":"x","type":"top_up","credits":1e999}'],
  ['no patch', { id: 'x', type: 'steer' }],
  ['a patch that is none', { id: 'x', type: 'steer', patch: [{ op: 'add', value: 1 }] }],
  ['a patch of no operation', { id: 'x', type: 'steer', patch: [] }],
  ['lists in lists in lists', `{"id":"x","type":"steer","patch":${deep}}`],
]

function typesSince({ events }: Log, seq: number): readonly string[] {
  return events.filter((event) => event.seq > seq).map(({ type }) => type)
}

function idsOf(answers: Log['events'] | readonly { readonly data: Record<string, unknown> }[]): readonly unknown[] {
  return answers.map(({ data }) => data['command'])
}

/** Commands that change nothing, one after another, until the task has ended; how many it took. */
async function commandUntilEnd(target: Target): Promise<number> {
  const log = await openLog(target, await startNow(target, 'command-race'))
  const taken: string[] = []
  for (let nth = 1; ; nth++) {
    const id = `n${nth}`
    const { status } = await readTask(target, log.taskId)
    if ((await acknowledged(target, log.taskId, { id, type: 'resume' })) === undefined) break
    must(!isTerminal(status), `a task that is ${status} takes a command`)
    taken.push(id)
    await sleep(readEveryMs(target), target.signal)
  }
  await readEnd(target, log.taskId)
  await readMore(target, log)
  mustBe('commands on record at the end', recordedIn(log), taken)
  mustBe('answers before the end', idsOf(answersIn(log)), taken)
  for (const id of taken) onRecord(log, id)
  return taken.length
}

/** The state after the answer to a command. Work is taken over in its own time: nothing here says how soon. */
async function afterRestart(target: Target, log: Log, id: string): Promise<string | undefined> {
  const answer = await seen(target, log, ({ data }) => data['command'] === id, { withinMs: Infinity })
  must(answer !== undefined, `the task has ended without an answer to ${id}`)
  return answer.status
}
