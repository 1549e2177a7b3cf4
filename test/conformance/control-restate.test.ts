import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { planTask } from '../../patterns/agent/plan.ts'
import type { Backend } from '../../patterns/contract/engine/backend.ts'
import { commandsIn } from '../../patterns/contract/engine/commands.ts'
import type { Command } from '../../patterns/contract/types/command.ts'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { foldEvents } from '../../patterns/contract/types/fold.ts'
import { ProblemError } from '../../patterns/contract/types/problems.ts'
import { isTerminal, type TaskRequest } from '../../patterns/contract/types/task.ts'
import restate from '../../patterns/engines/restate/engine.ts'
import { type EngineCluster, startCluster } from '../support/engine-cluster.ts'
import { presentEngines } from '../support/engines.ts'
import { type FaultPoints, openFaultPoints } from '../support/fault-points.ts'
import { type SupervisedNode, superviseNode } from '../support/supervised-node.ts'
import { rightAnswer } from '../support/tools.ts'

/** Three steps in 0.4 s, twelve in 3.75 s. */
const timeScale = 80
const isPresent = (await presentEngines()).some(({ name }) => name === restate.name)
const memory = { instruction: 'be thorough' }
const brief: Command = {
  id: 'turn',
  type: 'steer',
  patch: [{ op: 'replace', path: '/instruction', value: 'be brief' }],
}
const inTime = () => AbortSignal.timeout(60_000)

describe.skipIf(!isPresent)('commands to a task of restate', () => {
  let cluster: EngineCluster
  let points: FaultPoints
  let worker: SupervisedNode
  let apis: Backend[]
  const api = (): Backend => apis[0]!

  beforeAll(async () => {
    points = await openFaultPoints()
    cluster = await startCluster(restate, timeScale)
    const { workerPort: port, settings } = cluster
    const own = { node: 'worker-0', listen: { host: '127.0.0.1', port } }
    const place = { name: own.node, system: settings.system, url: `http://127.0.0.1:${port}` }
    worker = superviseNode(place, () => cluster.spawnNode('work', own, points.env))
    await worker.ready()
    apis = [await cluster.openApi(), await cluster.openApi()]
  })
  afterEach(() => points.disarm())
  afterAll(async () => {
    for (const one of apis ?? []) await one[Symbol.asyncDispose]()
    await worker?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
    await points?.[Symbol.asyncDispose]()
  })

  async function submit(asked: Partial<TaskRequest> = {}, profile = 'smoke'): Promise<string> {
    const key = randomUUID()
    const input = { seed: 7, profile, job: key }
    const request = { type: 'agent' as const, input, ...asked }
    return (await api().submit({ key, request, fingerprint: key })).task.task_id
  }

  /** As a client does: until it is answered. */
  async function put(taskId: string, command: Command, by = api()): Promise<'taken' | 'refused'> {
    for (const signal = inTime(); ; await delay(20, undefined, { signal }))
      try {
        expect(await by.command!(taskId, command)).toBeDefined()
        return 'taken'
      } catch (error) {
        if (!(error instanceof ProblemError)) throw error
        if (error.kind === 'task-ended') return 'refused'
        if (error.kind !== 'temporary-reduced-capacity') throw error
      }
  }

  /** The log until its first event of this type. */
  async function until(taskId: string, type: TaskEvent['type'], nth = 1): Promise<readonly TaskEvent[]> {
    const seen: TaskEvent[] = []
    for await (const event of api().follow(taskId, 0, inTime())) {
      seen.push(event)
      if (seen.filter((one) => one.type === type).length === nth) return seen
    }
    throw new Error(`no ${type} in ${seen.map((one) => one.type).join()}`)
  }

  async function endOf(taskId: string): Promise<readonly TaskEvent[]> {
    const log = await Array.fromAsync(api().follow(taskId, 0, inTime()))
    expectSound(log)
    return log
  }

  const stepsDone = (taskId: string): readonly number[] =>
    cluster.effects.filter((effect) => effect.taskId === taskId).map(({ step }) => step)

  function expectCompleted(log: readonly TaskEvent[]): void {
    const task = foldEvents(log)
    expect(task).toMatchObject({ status: 'completed', result: { digest: rightAnswer(task.input) } })
  }

  test('an agent is interrupted, steered and resumed, and does nothing in between', async () => {
    const taskId = await submit({ memory })
    await put(taskId, { id: 'stop', type: 'interrupt' })
    await until(taskId, 'task.interrupted')
    const done = stepsDone(taskId).length
    await put(taskId, brief)
    await until(taskId, 'context.patch', done + 1)
    await delay(500)
    expect(await api().read(taskId)).toMatchObject({ status: 'input_required', status_reason: 'asked' })
    expect(stepsDone(taskId)).toHaveLength(done)
    await put(taskId, { id: 'go', type: 'resume' })
    const log = await endOf(taskId)
    expectCompleted(log)
    expect(stepsDone(taskId)).toEqual([1, 2, 3])
    expect(foldEvents(log)).toMatchObject({ context_version: 5, attempt: 1 })
    expect(answersIn(log)).toEqual(['task.interrupted', 'context.patch', 'task.continued'])
  })

  test('after an acknowledged interruption at most the step in flight is done', async () => {
    const tasks = await Promise.all(Array.from({ length: 20 }, () => submit({}, 'research-write')))
    const interrupted = tasks.map(async (taskId, i) => {
      await delay(50 * i)
      await put(taskId, { id: 'stop', type: 'interrupt' })
      const atMost = stepsDone(taskId).length + 1
      await until(taskId, 'task.interrupted')
      expect(stepsDone(taskId).length).toBeLessThanOrEqual(atMost)
      await put(taskId, { id: 'go', type: 'resume' })
      expectCompleted(await endOf(taskId))
    })
    await Promise.all(interrupted)
  })

  test("commands that come on each other's heels are all answered while the agent stands still", async () => {
    const heels = async (): Promise<void> => {
      const taskId = await submit({ memory })
      await put(taskId, { id: 'stop', type: 'interrupt' })
      for (let i = 0; i < 5; i++) await put(taskId, { ...brief, id: `turn-${i}` })
      await put(taskId, { id: 'go', type: 'resume' })
      const log = await endOf(taskId)
      expectCompleted(log)
      expect(commandsIn(log)).toHaveLength(7)
    }
    await Promise.all(Array.from({ length: 10 }, heels))
  })

  test('a budget stops the agent before the step that it does not cover, and a top-up lets it go on', async () => {
    const costs = planTask({ seed: 7, profile: 'smoke' }, timeScale).steps.map(({ credits }) => credits)
    const taskId = await submit({ budget: { credits: costs[0]!, on_exhausted: 'wait' } })
    const stopped = await until(taskId, 'task.interrupted')
    expect(foldEvents(stopped)).toMatchObject({ status_reason: 'budget-exhausted', credits_used: costs[0] })
    await delay(300)
    expect(stepsDone(taskId)).toEqual([1])
    await put(taskId, { id: 'some', type: 'top_up', credits: costs[1]! })
    await until(taskId, 'task.interrupted', 2)
    expect(stepsDone(taskId)).toEqual([1, 2])
    await put(taskId, { id: 'more', type: 'top_up', credits: 100 })
    expectCompleted(await endOf(taskId))
  })

  test('a budget that is to fail the task does', async () => {
    const taskId = await submit({ budget: { credits: 1, on_exhausted: 'fail' } })
    expect(foldEvents(await endOf(taskId))).toMatchObject({ status: 'failed', status_reason: 'budget-exhausted' })
    expect(stepsDone(taskId)).toEqual([1])
  })

  test.each([
    ['cancelled', 'task.cancelled', {}],
    ['expired', 'task.expired', { deadline_s: 80 }],
  ] as const)('an agent that stands still can be %s', async (_, end, asked) => {
    const taskId = await submit({ ...asked, memory })
    await put(taskId, { id: 'stop', type: 'interrupt' })
    await until(taskId, 'task.interrupted')
    const done = stepsDone(taskId).length
    if (end === 'task.cancelled') await api().cancel(taskId)
    const log = await endOf(taskId)
    expect(log.at(-1)!.type).toBe(end)
    expect(stepsDone(taskId)).toHaveLength(done)
    expect(await put(taskId, { id: 'go', type: 'resume' })).toBe('refused')
  })

  test('an agent stands still across the death of its worker, and nothing of that is in its log', async () => {
    const taskId = await submit({ memory }, 'research-write')
    await put(taskId, { id: 'stop', type: 'interrupt' })
    const stopped = await until(taskId, 'task.interrupted')
    worker.signal('SIGKILL')
    await worker.ready()
    await delay(500)
    expect(await api().events(taskId, 0)).toEqual(stopped)
    await put(taskId, brief)
    await put(taskId, { id: 'go', type: 'resume' })
    const log = await endOf(taskId)
    expectCompleted(log)
    expect(stepsDone(taskId)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
    expect(log.filter(({ type }) => type === 'task.resumed')).toHaveLength(1)
  })

  test.each(
    ['restate.command', 'restate.close', 'restate.append'].flatMap((name) =>
      [1, 2, 4, 6].flatMap((nth) => ['before', 'after'].map((when) => ({ point: `${name}.${when}`, nth }))),
    ),
  )('killed at passing $nth of $point: each command is answered once', async ({ point, nth }) => {
    const before = worker.kills
    const taskId = await submit({ memory })
    await points.arm(point, nth, 1)
    await put(taskId, { id: 'stop', type: 'interrupt' })
    await put(taskId, brief)
    // Asked again by a client that has lost the answer.
    await put(taskId, brief)
    await put(taskId, { id: 'go', type: 'resume' })
    const log = await endOf(taskId)
    // Whoever passes the point more rarely dies with the tasks after this one.
    for (let more = 0; (await points.pending()) > 0 && more < 6; more++) {
      const other = await submit()
      await put(other, { id: 'any', type: 'resume' })
      expectCompleted(await endOf(other))
    }
    expect(worker.kills).toBe(before + 1)
    expectCompleted(log)
    expect(commandsIn(log).map(({ id }) => id)).toEqual(['stop', 'turn', 'go'])
    expect(new Set(stepsDone(taskId))).toEqual(new Set([1, 2, 3]))
    await worker.ready()
  })

  test('a worker that dies five times while ten tasks are commanded loses and repeats no command', async () => {
    const tasks = await Promise.all(Array.from({ length: 10 }, () => submit({ memory }, 'research-write')))
    const before = worker.kills
    const commanded = tasks.map(async (taskId, i) => {
      const ids: string[] = []
      for (let nth = 0; nth < 8; nth++) {
        const type = (['interrupt', 'steer', 'resume', 'steer'] as const)[nth % 4]!
        const command = type === 'steer' ? { ...brief, id: `c${nth}` } : { id: `c${nth}`, type }
        if ((await put(taskId, command, apis[i % 2])) === 'taken') ids.push(command.id)
        await delay(100)
      }
      return ids
    })
    const dying = async (): Promise<void> => {
      for (let nth = 0; nth < 5; nth++) {
        await delay(700)
        worker.signal('SIGKILL')
        await worker.ready()
      }
    }
    const [ids] = await Promise.all([Promise.all(commanded), dying()])
    expect(worker.kills).toBe(before + 5)
    for (const [i, taskId] of tasks.entries()) {
      const log = await endOf(taskId)
      expectCompleted(log)
      expect(commandsIn(log).map(({ id }) => id)).toEqual(ids[i])
      expect(new Set(stepsDone(taskId)).size).toBe(12)
    }
  })

  test('fifty tasks end while they are commanded: each command is taken and answered, or refused', async () => {
    const budget = { credits: 3, on_exhausted: 'wait' as const }
    const tasks = await Promise.all(Array.from({ length: 50 }, () => submit({ memory, budget })))
    await Promise.all(tasks.map((taskId) => until(taskId, 'task.interrupted')))
    const ended = await Promise.all(tasks.map((taskId, i) => raceTheEnd(taskId, apis[i % 2]!)))
    for (const { log, taken } of ended) {
      expectCompleted(log)
      expect(commandsIn(log).map(({ id }) => id)).toEqual(['more', ...taken])
    }
    const raced = ended.flatMap(({ log }) => log).filter(({ data }) => data['reason'] === 'the task has ended')
    expect(raced.length).toBeGreaterThan(0)
  })

  /** Its last step, and one command after the other until one is refused. */
  async function raceTheEnd(taskId: string, by: Backend) {
    const taken: string[] = []
    await put(taskId, { id: 'more', type: 'top_up', credits: 1 }, by)
    for (let i = 0; (await put(taskId, { id: `c${i}`, type: 'resume' }, by)) === 'taken'; i++) taken.push(`c${i}`)
    return { log: await endOf(taskId), taken }
  }

  test('two API nodes at once make one order, and one command of one id', async () => {
    const taskId = await submit({ memory }, 'research-write')
    await until(taskId, 'task.started')
    const fill = async (by: Backend, name: string): Promise<void> => {
      for (let i = 0; i < 12; i++) await put(taskId, { ...brief, id: `${name}-${i}` }, by)
    }
    const same = apis.map((by) => by.command!(taskId, { id: 'same', type: 'resume' }))
    await Promise.all([...same, fill(apis[0]!, 'a'), fill(apis[1]!, 'b')])
    const other = { id: 'same', type: 'interrupt' } as const
    await expect(apis[1]!.command!(taskId, other)).rejects.toMatchObject({ kind: 'command-id-reused' })
    expect(await apis[1]!.command!(taskId, { id: 'same', type: 'resume' })).toEqual({ replayed: true })
    const log = await endOf(taskId)
    expectCompleted(log)
    const ids = commandsIn(log).map(({ id }) => id)
    expect(ids).toHaveLength(25)
    for (const name of ['a', 'b'])
      expect(ids.filter((id) => id.startsWith(`${name}-`))).toEqual(
        Array.from({ length: 12 }, (_, i) => `${name}-${i}`),
      )
  })

  test('a task without commands has one entry more in its journal than one that takes none', async () => {
    const taskId = await submit()
    const log = await endOf(taskId)
    const entries = await ask(
      `select entry_type from sys_journal where id in
      (select id from sys_invocation where target_service_key = '${taskId}' and target_handler_name = 'run')`,
    )
    const count = (type: string): number => entries.filter((entry) => entry['entry_type'] === type).length
    // One for its next command, which used to be that for its cancellation. One for each event, and one for the end of the mailbox.
    expect(count('Command: GetPromise')).toBe(1)
    expect(count('Command: CompletePromise')).toBe(log.length + 1)
    expect(count('Command: PeekPromise')).toBe(0)
  })

  test('a task that has ended takes no commands, also when the server has forgotten it', async () => {
    const taskId = await submit()
    await endOf(taskId)
    expect(await put(taskId, { id: 'late', type: 'resume' })).toBe('refused')
    const [run] = await ask(
      `select id from sys_invocation where target_service_key = '${taskId}' and target_handler_name = 'run'`,
    )
    const purge = `${cluster.settings.engineControlUrl}/invocations/${String(run!['id'])}/purge`
    expect((await fetch(purge, { method: 'PATCH' })).ok).toBe(true)
    expect(await api().command!(taskId, { id: 'late', type: 'resume' })).toBeUndefined()
    expect(await api().command!('task_none', { id: 'late', type: 'resume' })).toBeUndefined()
  })

  test('no worker has died by itself', () => expect(worker.failures).toEqual([]))

  async function ask(query: string): Promise<readonly Record<string, unknown>[]> {
    const answer = await fetch(`${cluster.settings.engineControlUrl}/query`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'application/json' },
      body: JSON.stringify({ query }),
    })
    return ((await answer.json()) as { rows: readonly Record<string, unknown>[] }).rows
  }
})

/** Gapless, never back in time, one end and that the last. Each command is answered once, in order, after it and before the end. */
function expectSound(log: readonly TaskEvent[]): void {
  foldEvents(log)
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, i) => i + 1))
  expect(log.map(({ time }) => time)).toEqual(log.map(({ time }) => time).toSorted())
  expect(log.filter(({ status }) => isTerminal(status))).toEqual([log.at(-1)])
  const answered = log.flatMap(({ data }) => (typeof data['command'] === 'string' ? [data['command']] : []))
  expect(answered).toEqual(commandsIn(log).map(({ id }) => id))
  for (const { id } of commandsIn(log)) {
    const at = (isIt: (event: TaskEvent) => boolean): number => log.findIndex(isIt)
    const asked = at(({ data }) => (data['command'] as Command | undefined)?.id === id)
    const answered = at(({ data }) => data['command'] === id)
    expect(asked).toBeLessThan(answered)
    // The step that was in flight.
    expect(log.slice(asked, answered).filter(({ type }) => type === 'task.progress').length).toBeLessThanOrEqual(1)
  }
}

function answersIn(log: readonly TaskEvent[]): readonly string[] {
  return log.filter(({ data }) => typeof data['command'] === 'string').map(({ type }) => type)
}
