import { randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import { expect, vi } from 'vitest'
import type { Effect } from '../../../patterns/agent/step.ts'
import type { Backend } from '../../../patterns/contract/engine/backend.ts'
import type { Command, CommandAck } from '../../../patterns/contract/types/command.ts'
import { digestOf, openContext, type Patch } from '../../../patterns/contract/types/context.ts'
import { patchContext } from '../../../patterns/contract/engine/patch-context.ts'
import type { EventType, TaskEvent } from '../../../patterns/contract/types/events.ts'
import { foldEvents } from '../../../patterns/contract/types/fold.ts'
import { ProblemError } from '../../../patterns/contract/types/problems.ts'
import { isTerminal, type TaskRequest } from '../../../patterns/contract/types/task.ts'
import { rightAnswer } from '../../support/tools.ts'
import { untilAccepted } from '../../support/until-accepted.ts'

/** An engine with one worker, at 80 times the speed: a task of five minutes takes 3.75 s, in twelve steps. */
export interface ControlScene {
  readonly backend: Backend
  /** Executions of steps, in the order of arrival. */
  readonly effects: readonly Effect[]
  /** Resolves with the worker's exit code, or the signal that ended it. */
  endWorker(signal: 'SIGKILL' | 'SIGTERM'): Promise<number | string>
  /** Another life of it; resolves when that is ready. */
  startWorker(): Promise<void>
}

/** Longer than any step of the tasks here. */
const severalStepsMs = 1200
const patience = { timeout: 60_000, interval: 10 }

const interrupt = { id: 'stop', type: 'interrupt' } as const
const resume = { id: 'go', type: 'resume' } as const
const briefly: Patch = [{ op: 'replace', path: '/instruction', value: 'be brief' }]
const steer = { id: 'turn', type: 'steer', patch: briefly } as const
const memory = { instruction: 'be thorough' }

/** What every engine that takes commands keeps to. Each case by itself, over one scene, in any order. */
export const controlCases: Readonly<Record<string, (scene: ControlScene) => Promise<void>>> = {
  'an interruption stops the agent before its next step; it is steered, and goes on when it is told to': async (
    scene,
  ) => {
    const task = await submit(scene, { memory })
    await task.untilStep(2)
    expect(await task.tell(interrupt)).toEqual({ replayed: false })
    await task.until('task.interrupted')
    const done = stepsOf(task.log)
    await expectStill(task, { status_reason: 'asked' })
    expect(await task.tell(steer)).toEqual({ replayed: false })
    await task.until('context.patch', done.length + 1)
    expect(await task.tell(resume)).toEqual({ replayed: false })
    const log = await expectCompleted(task)
    expect(answersIn(log)).toEqual([
      ['stop', 'task.interrupted'],
      ['turn', 'context.patch'],
      ['go', 'task.continued'],
    ])
    const notes = Object.values(contextIn(log).document['notes'] as Record<string, { instruction: string }>)
    const instructions = notes.map(({ instruction }) => instruction)
    expect(instructions).toEqual([...done.map(() => 'be thorough'), ...Array(12 - done.length).fill('be brief')])
  },

  'a command that is repeated is the same one, before its answer and after it; another one of its id is refused':
    async (scene) => {
      const task = await submit(scene, { memory })
      await task.untilStep(1)
      expect([await task.tell(interrupt), await task.tell(interrupt)]).toEqual([
        { replayed: false },
        { replayed: true },
      ])
      await expect(task.tell({ id: 'stop', type: 'resume' })).rejects.toMatchObject({ kind: 'command-id-reused' })
      await task.until('task.interrupted')
      expect(await task.tell({ type: 'interrupt', id: 'stop' })).toEqual({ replayed: true })
      await expect(task.tell({ ...steer, id: 'stop' })).rejects.toMatchObject({ kind: 'command-id-reused' })
      await task.tell(resume)
      expect(answersIn(await expectCompleted(task))).toHaveLength(2)
      expect(await task.tell(resume)).toEqual({ replayed: true })
    },

  'the same command from many at once is one command, and many commands have one order': async (scene) => {
    const task = await submit(scene, { memory })
    await task.untilStep(1)
    await task.tell(interrupt)
    await task.until('task.interrupted')
    const acks = await Promise.all(Array.from({ length: 10 }, () => task.tell(steer)))
    expect(acks.filter(({ replayed }) => !replayed)).toHaveLength(1)
    const many = Array.from({ length: 20 }, (_, i): Command => ({ ...steer, id: `turn-${i}` }))
    await Promise.all(many.map((one) => task.tell(one)))
    await task.tell(resume)
    const log = await expectCompleted(task)
    expect(answersIn(log)).toHaveLength(23)
    contextIn(log)
  },

  'commands before the agent has begun are answered before its first step': async (scene) => {
    await scene.endWorker('SIGKILL')
    const task = await submit(scene, { memory })
    for (const one of [interrupt, steer, resume]) await task.tell(one)
    await scene.startWorker()
    const log = await expectCompleted(task)
    const types = log.map(({ type }) => type)
    expect(types.indexOf('task.continued')).toBeLessThan(types.indexOf('task.progress'))
  },

  'a budget that is exhausted stops the agent until it is topped up by enough': async (scene) => {
    const task = await submit(scene, { budget: { credits: 5, on_exhausted: 'wait' } })
    await task.until('task.interrupted')
    await expectStill(task, { status_reason: 'budget-exhausted', credits_used: 4, credits_granted: 5 })
    await task.tell({ id: 'few', type: 'top_up', credits: 1 })
    await task.until('task.topped_up')
    await expectStill(task, { status_reason: 'budget-exhausted', credits_granted: 6 })
    await task.tell({ id: 'enough', type: 'top_up', credits: 100 })
    const log = await expectCompleted(task)
    expect(foldEvents(log)).toMatchObject({ credits_used: 40, credits_granted: 106 })
  },

  'a budget that is exhausted fails the task where that was wanted': async (scene) => {
    const task = await submit(scene, { budget: { credits: 5, on_exhausted: 'fail' } })
    const log = await task.ended
    expect(foldEvents(log)).toMatchObject({ status: 'failed', status_reason: 'budget-exhausted', credits_used: 4 })
    expect(stepsOf(log)).toEqual([1, 2])
  },

  'an agent that stands still can be cancelled, and what was asked meanwhile is answered': async (scene) => {
    const task = await stopped(scene)
    await task.tell(steer)
    await scene.backend.cancel(task.taskId)
    const log = await task.ended
    expectSound(log, ['stop', 'turn'])
    expect(log.at(-1)!.type).toBe('task.cancelled')
    await expectRefused(task)
  },

  'the deadline ends an agent that stands still': async (scene) => {
    const task = await submit(scene, { memory, deadline_s: 240 })
    await task.untilStep(1)
    await task.tell(interrupt)
    const log = await task.ended
    expectSound(log, ['stop'])
    expect(log.at(-1)!.type).toBe('task.expired')
    await expectRefused(task)
  },

  'what a task cannot take is refused, and changes nothing': async (scene) => {
    const task = await submit(scene, {})
    await expect(task.tell(steer)).rejects.toMatchObject({ kind: 'validation' })
    await expect(task.tell({ id: 'more', type: 'top_up', credits: 1 })).rejects.toMatchObject({ kind: 'validation' })
    expect(await scene.backend.command!('task_none', interrupt)).toBeUndefined()
    const log = await expectCompleted(task)
    expect(log).toHaveLength(15)
    await expectRefused(task)
  },

  'a worker that is killed while the agent stands still: it stands still under the next one': async (scene) => {
    const task = await stopped(scene)
    await scene.endWorker('SIGKILL')
    await scene.startWorker()
    await task.until('task.resumed')
    await expectStill(task, { status_reason: 'asked', attempt: 2 })
    await task.tell(resume)
    await expectCompleted(task, 1)
  },

  'a worker that is killed between a command and its answer: the next one answers, before another step': async (
    scene,
  ) => {
    const task = await submit(scene, { memory })
    await task.untilStep(2)
    await scene.endWorker('SIGKILL')
    for (const one of [interrupt, steer]) expect(await task.tell(one)).toEqual({ replayed: false })
    await scene.startWorker()
    await task.until('task.interrupted')
    const types = task.log.map(({ type }) => type)
    expect(types.slice(types.indexOf('task.resumed'))).not.toContain('task.progress')
    await expectStill(task, { attempt: 2 })
    await task.tell(resume)
    expect(answersIn(await expectCompleted(task, 1)).map(([id]) => id)).toEqual(['stop', 'turn', 'go'])
  },

  'a worker that leaves while the agent stands still goes in good order': async (scene) => {
    const task = await stopped(scene)
    expect(await scene.endWorker('SIGTERM')).toBe(0)
    expect((await scene.backend.read(task.taskId))?.status).toBe('input_required')
    await task.tell(resume)
    await scene.startWorker()
    await expectCompleted(task, 1)
  },

  'commands race with the ends of fifty tasks: whichever is acknowledged is answered, each other one is refused':
    async (scene) => {
      const logs = await race(scene, async () => {})
      expect(logs.map((log) => log.at(-1)!.type)).toEqual(logs.map(() => 'task.completed'))
      // The race took place: some came after the last step had begun.
      expect(logs.filter(hasLateAnswer).length).toBeGreaterThan(5)
    },

  'commands race with the cancellation of fifty tasks likewise': async (scene) => {
    const logs = await race(scene, async (task) => {
      await task.untilStep(1)
      await delay(Math.random() * 50)
      await patiently(() => scene.backend.cancel(task.taskId))
    })
    expect(logs.filter((log) => log.at(-1)!.type === 'task.cancelled').length).toBeGreaterThan(25)
  },
}

/** A task under control, and all that a follower has seen of it until now. */
interface Task {
  readonly taskId: string
  readonly log: readonly TaskEvent[]
  readonly scene: ControlScene
  /** Resolves with the whole log. */
  readonly ended: Promise<readonly TaskEvent[]>
  /** Resolves with the nth event of this type. */
  until(type: EventType, nth?: number): Promise<TaskEvent>
  untilStep(step: number): Promise<void>
  tell(command: Command): Promise<CommandAck>
}

async function submit(scene: ControlScene, more: Partial<TaskRequest>, profile = 'research-write'): Promise<Task> {
  const { backend } = scene
  const key = randomUUID()
  const request: TaskRequest = { type: 'agent', input: { seed: 7, profile, job: key }, ...more }
  const { task } = await untilAccepted(backend, { key, request, fingerprint: key })
  const log: TaskEvent[] = []
  const follow = async (): Promise<readonly TaskEvent[]> => {
    for await (const event of backend.follow(task.task_id, 0, AbortSignal.timeout(120_000))) log.push(event)
    return log
  }
  const until = (isIt: (event: TaskEvent) => boolean, nth = 1): Promise<TaskEvent> =>
    vi.waitFor(() => {
      const found = log.filter(isIt)[nth - 1]
      expect(found, `of ${log.map(({ type }) => type).join()}`).toBeDefined()
      return found!
    }, patience)
  return {
    taskId: task.task_id,
    log,
    scene,
    ended: follow(),
    until: (type, nth) => until((event) => event.type === type, nth),
    untilStep: async (step) =>
      void (await until(({ type, data }) => type === 'task.progress' && data['step'] === step)),
    tell: async (command) => (await patiently(() => backend.command!(task.task_id, command)))!,
  }
}

/** As a client does: an engine that is out of breath is asked the same again. */
async function patiently<T>(ask: () => Promise<T>): Promise<T> {
  for (;;)
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof ProblemError) || error.kind !== 'temporary-reduced-capacity') throw error
      await delay(100)
    }
}

async function stopped(scene: ControlScene): Promise<Task> {
  const task = await submit(scene, { memory })
  await task.untilStep(1)
  await task.tell(interrupt)
  await task.until('task.interrupted')
  return task
}

/** Nothing happens to it, and nothing is done, for the time of several steps. */
async function expectStill({ taskId, scene }: Task, shown: object): Promise<void> {
  const before = await scene.backend.read(taskId)
  const done = scene.effects.length
  await delay(severalStepsMs)
  const after = await scene.backend.read(taskId)
  expect(after).toMatchObject({ status: 'input_required', ...shown })
  expect([after, scene.effects.length]).toEqual([before, done])
}

/** Rightly, and each step once; one in flight again for each interruption of the worker. */
async function expectCompleted(task: Task, interruptions = 0): Promise<readonly TaskEvent[]> {
  const { taskId, scene } = task
  const log = await task.ended
  expectSound(log)
  expect(stepsOf(log)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
  const shown = foldEvents(log)
  expect(shown).toMatchObject({ status: 'completed', result: { digest: rightAnswer(shown.input) } })
  expect(await scene.backend.read(taskId)).toEqual(shown)
  expect(await scene.backend.events(taskId, 0)).toEqual(log)
  const steps = scene.effects.filter((effect) => effect.taskId === taskId)
  expect(steps.length - 12).toBeLessThanOrEqual(interruptions)
  return log
}

async function expectRefused(task: Task): Promise<void> {
  const before = await task.scene.backend.events(task.taskId, 0)
  await expect(task.tell({ id: 'late', type: 'resume' })).rejects.toMatchObject({ kind: 'task-ended' })
  expect(await task.scene.backend.events(task.taskId, 0)).toEqual(before)
}

/** Gapless, with one end; every command is there once, and has one answer after it; these are there, where given. */
function expectSound(log: readonly TaskEvent[], accepted?: readonly string[]): void {
  expect(log.map(({ seq }) => seq)).toEqual(log.map((_, i) => i + 1))
  expect(log.filter(({ status }) => isTerminal(status))).toEqual([log.at(-1)])
  foldEvents(log)
  const commanded = log.flatMap(({ type, data }) =>
    type === 'task.commanded' ? [(data['command'] as Command).id] : [],
  )
  expect(answersIn(log).map(([id]) => id)).toEqual(commanded)
  for (const id of commanded) {
    const [asked, answered] = [log.findIndex(({ data }) => (data['command'] as Command)?.id === id), answerTo(log, id)]
    expect(answered).toBeGreaterThan(asked)
  }
  if (accepted) expect(commanded.toSorted()).toEqual(accepted.toSorted())
}

/** Answers in their order: the command's id, and what came of it. */
function answersIn(log: readonly TaskEvent[]): readonly (readonly [string, EventType])[] {
  return log.flatMap(({ type, data }) =>
    typeof data['command'] === 'string' ? [[data['command'], type] as const] : [],
  )
}

function answerTo(log: readonly TaskEvent[], id: string): number {
  return log.findIndex(({ data }) => data['command'] === id)
}

function stepsOf(log: readonly TaskEvent[]): unknown[] {
  return log.filter(({ type }) => type === 'task.progress').map(({ data }) => data['step'])
}

/** The fold of all patches, each of which continues the one before it. */
function contextIn(log: readonly TaskEvent[]) {
  let context = openContext((log[0]!.data as { request: TaskRequest }).request.memory!)
  for (const { type, data } of log) {
    if (type !== 'context.patch') continue
    expect(data['base']).toBe(context.version)
    const next = patchContext(context, data['patch'] as Patch)
    if (typeof next === 'string') throw new Error(next)
    context = next
    expect([data['version'], data['digest']]).toEqual([context.version, digestOf(context)])
  }
  return context
}

/**
 * Fifty short tasks, each with one who tells it something every few milliseconds until that is refused, and `meanwhile`. Of
 * each the acknowledged commands are answered, in order, and no other one is in the log, which is one log for every reader.
 */
async function race(scene: ControlScene, meanwhile: (task: Task) => Promise<void>): Promise<(readonly TaskEvent[])[]> {
  const tasks = await Promise.all(Array.from({ length: 50 }, () => submit(scene, { memory }, 'smoke')))
  return Promise.all(
    tasks.map(async (task) => {
      const [accepted, log] = await Promise.all([tellUntilRefused(task), task.ended, meanwhile(task)])
      expectSound(log, accepted)
      // Of one who tells one after the other.
      expect(answersIn(log).map(([id]) => id)).toEqual(accepted)
      expect(await scene.backend.events(task.taskId, 0)).toEqual(log)
      return log
    }),
  )
}

/** Ids of what was acknowledged, in order. None of it stops the agent. */
async function tellUntilRefused(task: Task): Promise<readonly string[]> {
  const accepted: string[] = []
  await task.untilStep(1)
  for (;;) {
    const id = `c${accepted.length}`
    const command: Command = accepted.length % 2 === 0 ? { id, type: 'resume' } : { ...steer, id }
    const refusal = await task.tell(command).then(() => undefined, problemOf)
    if (refusal !== undefined) {
      expect(refusal).toBe('task-ended')
      return accepted
    }
    accepted.push(id)
    await delay(Math.random() * 40)
  }
}

function problemOf(error: unknown): string {
  if (error instanceof ProblemError) return error.kind
  throw error
}

function hasLateAnswer(log: readonly TaskEvent[]): boolean {
  return log.at(-2)!.type === 'task.command_void' && log.at(-2)!.data['reason'] === 'the task has ended'
}
