import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { planTask } from '../../patterns/agent/plan.ts'
import type { Backend } from '../../patterns/contract/engine/backend.ts'
import { controlOf } from '../../patterns/contract/engine/control.ts'
import { canonical } from '../../patterns/contract/types/canonical.ts'
import type { Command } from '../../patterns/contract/types/command.ts'
import { digestOf } from '../../patterns/contract/types/context.ts'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { foldEvents } from '../../patterns/contract/types/fold.ts'
import type { ProblemError } from '../../patterns/contract/types/problems.ts'
import type { Task, TaskRequest } from '../../patterns/contract/types/task.ts'
import { type EngineCluster, startCluster, type Worker } from '../support/engine-cluster.ts'
import { presentEnginesOfOwnCode } from '../support/engines.ts'
import { rightAnswer } from '../support/tools.ts'

/** 300 s of work in 3.75 s; its longest step is 0.7 s. */
const timeScale = 80
const longestStepMs = 700

const interrupt = (id = 'stop'): Command => ({ id, type: 'interrupt' })
const resume = (id = 'go'): Command => ({ id, type: 'resume' })
const say = (id: string, value: string): Command => ({
  id,
  type: 'steer',
  patch: [{ op: 'add', path: '/instruction', value }],
})
const memory = { instruction: 'be thorough' }

const commandedIn = (log: readonly TaskEvent[]): unknown[] =>
  log.flatMap(({ type, data }) => (type === 'task.commanded' ? (data['command'] as Command).id : []))
const answersIn = (log: readonly TaskEvent[]): readonly TaskEvent[] =>
  log.filter(({ data }) => typeof data['command'] === 'string')

/** Legal, and each command on record has one answer, in their order. */
function expectAnswered(log: readonly TaskEvent[]): Task {
  expect(answersIn(log).map(({ data }) => data['command'])).toEqual(commandedIn(log))
  return foldEvents(log)
}

// An engine with its servers waits for most of a test.
vi.setConfig({ maxConcurrency: 3 })
const inTurn = { concurrent: false }
let ordinal = 0

describe.concurrent.each(await presentEnginesOfOwnCode())('engine $name', (engine) => {
  let cluster: EngineCluster
  let backend: Backend
  let worker: Worker | undefined

  beforeAll(async () => {
    cluster = await startCluster(engine, timeScale)
    if (engine.executor === 'worker') worker = await cluster.startWorker()
    backend = await cluster.openApi()
  })
  beforeEach((context) => context.skip(!backend.command, `${engine.name} takes no commands`))
  afterAll(async () => {
    await backend?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  async function submit(asked: Partial<TaskRequest> = {}, profile = 'research-write'): Promise<string> {
    const key = `control-${process.pid}-${++ordinal}`
    const request = { type: 'agent' as const, input: { seed: 7, profile, job: key }, ...asked }
    return (await backend.submit({ key, request, fingerprint: canonical(request) })).task.task_id
  }
  const command = (taskId: string, one: Command) => backend.command!(taskId, one)
  const logOf = (taskId: string) => Array.fromAsync(backend.follow(taskId, 0, AbortSignal.timeout(60_000)))
  const effectsOf = (taskId: string) => cluster.effects.filter((effect) => effect.taskId === taskId)

  /** The first such event, as soon as it is there. */
  async function seen(taskId: string, isIt: (event: TaskEvent) => unknown): Promise<TaskEvent> {
    for await (const event of backend.follow(taskId, 0, AbortSignal.timeout(60_000))) if (isIt(event)) return event
    throw new Error('the log has ended without it')
  }
  const stepDone = (taskId: string, step: number) =>
    seen(taskId, ({ type, data }) => type === 'task.progress' && data['step'] === step)
  const answerTo = (taskId: string, { id }: Command) => seen(taskId, ({ data }) => data['command'] === id)

  /** A task that stands still, since its first step was done. */
  async function standingStill(asked: Partial<TaskRequest> = {}): Promise<string> {
    const taskId = await submit(asked)
    await stepDone(taskId, 1)
    await command(taskId, interrupt())
    expect(await answerTo(taskId, interrupt())).toMatchObject({ type: 'task.interrupted', status: 'input_required' })
    return taskId
  }

  /** It has ended with the right result, and every command of it has its answer. */
  async function expectCompleted(taskId: string): Promise<readonly TaskEvent[]> {
    const log = await logOf(taskId)
    const task = expectAnswered(log)
    expect(task).toMatchObject({ status: 'completed', result: { digest: rightAnswer(task.input) } })
    expect(await backend.read(taskId)).toEqual(task)
    return log
  }

  test('an interrupted agent begins no step until it is resumed', inTurn, async () => {
    const taskId = await standingStill()
    const effects = effectsOf(taskId).length
    await delay(2 * longestStepMs)
    expect(effectsOf(taskId)).toHaveLength(effects)
    expect(await backend.read(taskId)).toMatchObject({ status: 'input_required', status_reason: 'asked' })
    expect(await command(taskId, resume())).toEqual({ replayed: false })
    await expectCompleted(taskId)
  })

  test('a command is one by its id, and an ended task takes none', inTurn, async () => {
    const taskId = await standingStill()
    const again = await Promise.all(Array.from({ length: 10 }, () => command(taskId, resume())))
    expect(again.map((ack) => ack?.replayed)).toContain(false)
    expect(await command(taskId, interrupt())).toEqual({ replayed: true })
    await expect(command(taskId, resume('stop'))).rejects.toMatchObject({ kind: 'command-id-reused' })
    await expect(command(taskId, say('turn', 'be brief'))).rejects.toMatchObject({ kind: 'validation' })
    expect(commandedIn(await expectCompleted(taskId))).toEqual(['stop', 'go'])
    expect(await command(taskId, resume())).toEqual({ replayed: true })
    await expect(command(taskId, interrupt('late'))).rejects.toMatchObject({ kind: 'task-ended' })
    expect(await command('task_none', interrupt())).toBeUndefined()
  })

  test('a memory is steered in order, and every version has its digest', inTurn, async () => {
    const taskId = await submit({ memory })
    for (const nth of [1, 2, 3]) await command(taskId, say(`turn-${nth}`, `say it ${nth} times`))
    const log = await expectCompleted(taskId)
    const patches = log.flatMap((event, i) => (event.type === 'context.patch' ? [{ event, i }] : []))
    expect(patches).toHaveLength(3 + 12)
    for (const [nth, { event, i }] of patches.entries()) {
      const { context } = controlOf(log.slice(0, i + 1))
      expect(event.data).toMatchObject({ base: nth + 1, version: nth + 2, digest: digestOf(context!) })
    }
    const { notes } = controlOf(log).context!.document as { notes: Record<string, { instruction: string }> }
    expect(notes['12']).toMatchObject({ instruction: 'say it 3 times' })
  })

  test('a budget is never overdrawn: the agent waits for more, and goes on by itself', inTurn, async () => {
    const costs = planTask({ seed: 7, profile: 'smoke' }, 1).steps.map(({ credits }) => credits)
    const [first, ...rest] = costs.map((_, i) => costs.slice(0, i + 1).reduce((a, b) => a + b))
    const taskId = await submit({ budget: { credits: first!, on_exhausted: 'wait' } }, 'smoke')
    const stopped = await seen(taskId, ({ type }) => type === 'task.interrupted')
    expect(stopped.data).toEqual({ reason: 'budget-exhausted' })
    await command(taskId, { id: 'more', type: 'top_up', credits: rest.at(-1)! - first! })
    const { credits_used, credits_granted } = foldEvents(await expectCompleted(taskId))
    expect([credits_used, credits_granted]).toEqual([rest.at(-1), rest.at(-1)])
    expect(effectsOf(taskId)).toHaveLength(costs.length)
    const failing = await submit({ budget: { credits: first!, on_exhausted: 'fail' } }, 'smoke')
    expect(expectAnswered(await logOf(failing))).toMatchObject({ status: 'failed', status_reason: 'budget-exhausted' })
    expect(effectsOf(failing)).toHaveLength(1)
  })

  test('an agent that stands still can be cancelled', inTurn, async () => {
    const taskId = await standingStill()
    await backend.cancel(taskId)
    expect(expectAnswered(await logOf(taskId)).status).toBe('cancelled')
    await expect(command(taskId, resume())).rejects.toMatchObject({ kind: 'task-ended' })
  })

  test('a deadline passes while the agent stands still', inTurn, async () => {
    const taskId = await standingStill({ deadline_s: 6 * timeScale })
    const { status, updated_at, created_at } = expectAnswered(await logOf(taskId))
    expect(status).toBe('expired')
    expect(Date.parse(updated_at) - Date.parse(created_at)).toBeGreaterThanOrEqual(6000)
  })

  test('what is acknowledged is answered before the end, what is refused is not on record', inTurn, async () => {
    await Promise.all(Array.from({ length: 8 }, () => submit({ memory }, 'smoke').then(commandUntilRefused)))
  })

  /** Up to its end, one after the other: the last ones race with it. */
  async function commandUntilRefused(taskId: string): Promise<void> {
    const taken: string[] = []
    for (let refused = ''; refused !== 'task-ended';) {
      // An engine in this process needs a turn of its own.
      await delay(5)
      const id = `turn-${taken.length + 1}`
      refused = await command(taskId, say(id, id)).then(
        () => '',
        (error: unknown) => (error as ProblemError).kind,
      )
      if (refused === '') taken.push(id)
      // Nobody knows yet, or not now: the same command again.
      else expect(['task-ended', 'interrupted', 'temporary-reduced-capacity']).toContain(refused)
    }
    expect(commandedIn(await expectCompleted(taskId))).toEqual(taken)
  }

  if (engine.promises.includes('no-lost-task') && engine.executor === 'worker')
    describe('survives', () => {
      async function replaceWorker(): Promise<void> {
        worker!.signal('SIGKILL')
        await worker!.ended
        worker = await cluster.startWorker()
      }

      /** As a client would: again, as long as nobody knows, or not now. */
      async function untilTaken(taskId: string, ...commands: readonly Command[]): Promise<void> {
        for (const one of commands)
          for (let isTaken = false; !isTaken;)
            isTaken = await command(taskId, one).then(
              () => true,
              (error: unknown) => {
                expect(['interrupted', 'temporary-reduced-capacity']).toContain((error as ProblemError).kind)
                return false
              },
            )
      }

      test('SIGKILL of the worker of an agent that stands still, and a new API node', inTurn, async () => {
        const taskId = await standingStill()
        await replaceWorker()
        await backend[Symbol.asyncDispose]()
        backend = await cluster.openApi()
        expect(await command(taskId, interrupt())).toEqual({ replayed: true })
        expect(await backend.read(taskId)).toMatchObject({ status: 'input_required' })
        await command(taskId, resume())
        await expectCompleted(taskId)
        if (engine.promises.includes('effect-once')) expect(effectsOf(taskId)).toHaveLength(12)
      })

      test('SIGKILL of the worker between commands and their answers', inTurn, async () => {
        const taskId = await submit({ memory })
        await stepDone(taskId, 3)
        worker!.signal('SIGKILL')
        await worker!.ended
        // An engine whose mailbox is with its workers takes them once there is one again.
        const taken = untilTaken(taskId, say('turn', 'be brief'), interrupt())
        worker = await cluster.startWorker()
        await taken
        expect(await answerTo(taskId, interrupt())).toMatchObject({ type: 'task.interrupted' })
        await command(taskId, resume())
        await expectCompleted(taskId)
      })

      test('a restart of its server while the agent stands still', inTurn, async () => {
        const taskId = await standingStill()
        await cluster.stopServer()
        await cluster.startServer()
        await command(taskId, resume())
        await expectCompleted(taskId)
      })
    })
})
