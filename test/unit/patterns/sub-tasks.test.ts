import { describe, expect, test } from 'vitest'
import { planTask } from '../../../patterns/agent/plan.ts'
import { afterStep, endingBy, stops } from '../../../patterns/contract/engine/after-step.ts'
import { atSafePoint, controlOf } from '../../../patterns/contract/engine/control.ts'
import { commandedEvent, createdEvent, startedEvent } from '../../../patterns/contract/engine/log.ts'
import {
  acceptSpawned,
  defaultSpawnLimits,
  isCancelledAbove,
  spawnFor,
  subTaskOf,
} from '../../../patterns/contract/engine/sub-tasks.ts'
import type { NewTask } from '../../../patterns/contract/engine/task-backend.ts'
import { readSettings } from '../../../patterns/contract/server/settings.ts'
import type { Command } from '../../../patterns/contract/types/command.ts'
import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import { ancestorsOf, isOfFamily, subTaskId } from '../../../patterns/contract/types/family.ts'
import { foldEvents } from '../../../patterns/contract/types/fold.ts'
import type { TaskRequest } from '../../../patterns/contract/types/task.ts'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import { flawOf } from '../../../patterns/gateway/tool-grant.ts'

const at = new Date(1_000_000)
const input = { seed: 7, profile: 'recursive/3/2', job: 'it' }

/** A task that has done its first step, and whose second one has sub-tasks. */
function begin(asked: Partial<TaskRequest> = {}, taskId = 'task_it'): TaskEvent[] {
  const request = { type: 'agent' as const, input, ...asked }
  const plan = planTask(request.input, 1)
  const created = createdEvent(taskId, request, plan, new Date(0))
  const log = [created, startedEvent(created, plan, 'worker-0', at)]
  log.push(...afterStep(progressOf(log), plan, { step: 1, digest: 'd1', credits: 1 }, at))
  return log
}

const planOf = (log: readonly TaskEvent[]) => planTask((log[0]!.data['request'] as TaskRequest).input, 1)
const progressOf = (log: readonly TaskEvent[]) => ({ head: log.at(-1)!, control: controlOf(log) })
const spawn = (log: readonly TaskEvent[], limits = defaultSpawnLimits) =>
  spawnFor(progressOf(log), planOf(log), limits, at)
const typesOf = (log: readonly TaskEvent[]): string[] => log.map(({ type }) => type)

describe('the work of a family', () => {
  test('sub-tasks follow from the input, and each has a seed and a name of its own', () => {
    const { steps } = planTask(input, 1)
    expect(steps.map(({ spawns }) => spawns?.length)).toEqual([undefined, 3, undefined])
    expect(planTask(input, 60).steps[1]!.spawns).toEqual(steps[1]!.spawns)
    expect(steps[1]!.spawns!.map(({ job, profile }) => [job, profile])).toEqual([
      ['it/2-1', 'recursive/3/1'],
      ['it/2-2', 'recursive/3/1'],
      ['it/2-3', 'recursive/3/1'],
    ])
    expect(new Set(steps[1]!.spawns!.map(({ seed }) => seed)).size).toBe(3)
  })

  test('it ends: the last generation has none', () => {
    const sizeOf = (profile: string): number => {
      const spawns = planTask({ seed: 1, profile }, 1).steps.flatMap((step) => step.spawns ?? [])
      return spawns.reduce((sum, one) => sum + sizeOf(one.profile), 1)
    }
    expect(['recursive', 'recursive/3/1', 'recursive/3/0', 'rogue', 'rogue/0'].map(sizeOf)).toEqual([7, 4, 1, 7, 1])
  })

  test('a rogue agent goes on for hours, and so do its sub-tasks', () => {
    for (const profile of ['rogue', 'rogue/0']) {
      const { steps, idealMs } = planTask({ seed: 1, profile }, 1)
      expect([steps.length, idealMs]).toEqual([2000, 20_000_000])
    }
  })

  test('a name that says no such work is none', () => {
    for (const profile of ['rogue/10', 'rogue/-1', 'recursive/0/1', 'recursive/100/1', 'recursive/2', 'recursive/2/x'])
      expect(() => planTask({ seed: 1, profile }, 1)).toThrow(RangeError)
  })
})

test('an id says whose a task is', () => {
  const child = subTaskId('task_1', 4, 2)
  const grandchild = subTaskId(child, 1, 1)
  expect(grandchild).toBe('task_1.4-2.1-1')
  expect([ancestorsOf('task_1'), ancestorsOf(child), ancestorsOf(grandchild)]).toEqual([
    [],
    ['task_1'],
    ['task_1', 'task_1.4-2'],
  ])
  expect(['task_1', child, grandchild].every((id) => isOfFamily(id, 'task_1'))).toBe(true)
  // Not by the first letters, and not upwards.
  expect([isOfFamily('task_11', 'task_1'), isOfFamily('task_1.4-21', child), isOfFamily('task_1', child)]).toEqual([
    false,
    false,
    false,
  ])
})

describe('before a step that has sub-tasks', () => {
  test('all of them are put into the log, once', () => {
    const log = begin()
    const events = spawn(log)
    expect(typesOf(events)).toEqual(['task.spawned', 'task.spawned', 'task.spawned'])
    expect(events.map(({ data }) => data['sub_task'])).toEqual(['task_it.2-1', 'task_it.2-2', 'task_it.2-3'])
    log.push(...events)
    expect(foldEvents(log).status).toBe('running')
    expect(spawn(log)).toEqual([])
  })

  test('a step without any has none, and a task that is being cancelled starts none', () => {
    const log = begin()
    expect(spawn(log.slice(0, 2))).toEqual([])
    expect(
      spawnFor(
        { ...progressOf(log), head: { ...log.at(-1)!, status: 'cancelling' } },
        planOf(log),
        defaultSpawnLimits,
        at,
      ),
    ).toEqual([])
  })

  test.each([
    ['too many', 'task_it', { depth: 3, width: 2 }, 'spawn-width-exceeded'],
    ['one generation too many', 'task_it.1-1.1-1', { depth: 2, width: 8 }, 'spawn-depth-exceeded'],
    ['any, where none are allowed', 'task_it', { depth: 0, width: 8 }, 'spawn-depth-exceeded'],
  ])('%s fail the task, and none is started', (_, taskId, limits, reason) => {
    const log = begin({}, taskId)
    const interrupt: Command = { id: 'stop', type: 'interrupt' }
    log.push(commandedEvent(log.at(-1)!, interrupt, at))
    const events = spawn(log, limits)
    expect(typesOf(events)).toEqual(['task.command_void', 'task.failed'])
    expect(foldEvents([...log, ...events])).toMatchObject({ status: 'failed', status_reason: reason })
  })

  test('the width counts all of a task, over its steps', () => {
    const log = begin()
    log.push(...spawn(log))
    const again = { ...progressOf(log), control: { ...controlOf(log), completed: 0 } }
    const plan = planOf(log)
    const moved = { ...plan, steps: [plan.steps[1]!, plan.steps[1]!] }
    expect(typesOf(spawnFor(again, moved, { depth: 3, width: 5 }, at))).toEqual(['task.failed'])
    expect(spawnFor(again, moved, { depth: 3, width: 6 }, at)).toHaveLength(3)
  })
})

describe('what a sub-task inherits', () => {
  const inherited = { principal: 'ann', tools: ['search'], grant: 'a grant' }
  const withAccess = (log: TaskEvent[]) => [{ ...log[0]!, data: { ...log[0]!.data, ...inherited } }, ...log.slice(1)]

  test('principal, tools and grant, and whoever makes it makes the same one', () => {
    const log = withAccess(begin())
    const [spawned] = spawn(log)
    const task = subTaskOf(log[0]!, spawned!, 1)
    expect(task).toEqual(subTaskOf(log[0]!, structuredClone(spawned!), 1))
    expect(task.created.data).toMatchObject({ ...inherited, parent: 'task_it' })
    expect(foldEvents([task.created])).toMatchObject({
      task_id: 'task_it.2-1',
      parent: 'task_it',
      principal: 'ann',
      status: 'queued',
      input: { job: 'it/2-1' },
    })
    // A client's key has no space.
    expect(task.key).toBe('sub-task task_it.2-1')
  })

  test('the deadline, at the latest', () => {
    const log = begin({ deadline_s: 3000 })
    const [spawned] = spawn(log)
    // 1000 s have passed, of 3000.
    expect(subTaskOf(log[0]!, spawned!, 1).request.deadline_s).toBe(2000)
    expect(subTaskOf(log[0]!, spawned!, 2).request.deadline_s).toBe(1000)
    expect(subTaskOf(begin()[0]!, spawned!, 1).request).not.toHaveProperty('deadline_s')
  })

  test('an equal part of the budget, of which nothing is spent twice', () => {
    const log = begin({ budget: { credits: 42, on_exhausted: 'fail' } })
    const events = spawn(log)
    // 41 are left, and the step itself costs two.
    expect(events.map(({ data }) => data['credits'])).toEqual([9, 9, 9])
    log.push(...events)
    expect(controlOf(log).creditsLeft).toBe(14)
    expect(foldEvents(log)).toMatchObject({ credits_granted: 15, credits_used: 1 })
    const { request } = subTaskOf(log[0]!, events[0]!, 1)
    expect(request.budget).toEqual({ credits: 9, on_exhausted: 'fail' })
  })

  test('a budget that has no credit for each stops the parent first', () => {
    for (const [credits, types] of [
      [7, []],
      [6, ['task.interrupted']],
    ] as const) {
      const log = begin({ budget: { credits, on_exhausted: 'wait' } })
      // The next step costs two, and each of four a credit at least.
      expect(typesOf(atSafePoint(controlOf(log), log.at(-1)!, planOf(log), at))).toEqual(types)
    }
    const log = begin({ budget: { credits: 7, on_exhausted: 'wait' } })
    expect(spawn(log).map(({ data }) => data['credits'])).toEqual([1, 1, 1])
  })
})

describe('a cancellation', () => {
  test('of a task above ends a task whose log does not know it yet', () => {
    const log = begin()
    log.push(...endingBy(stops.cancel, at)(progressOf(log)))
    expect(typesOf(log).slice(-2)).toEqual(['task.cancel_requested', 'task.cancelled'])
    expect(foldEvents(log).status).toBe('cancelled')
  })

  const asking = (...answers: readonly { is: boolean; afterMs: number }[]) => {
    const asked: (readonly string[])[] = []
    const isCancelled = async (taskIds: readonly string[]): Promise<boolean> => {
      const { is, afterMs } = answers[asked.push(taskIds) - 1]!
      await sleep(afterMs, AbortSignal.timeout(5000))
      return is
    }
    return { asked, subTasks: { limits: defaultSpawnLimits, accept: async () => {}, isCancelled } }
  }

  test('is asked for by tasks below others alone, of all above', async () => {
    const { asked, subTasks } = asking({ is: true, afterMs: 0 })
    expect(await isCancelledAbove(subTasks, 'task_1')).toBe(false)
    expect(asked).toEqual([])
    expect(await isCancelledAbove(subTasks, 'task_1.2-1.1-1')).toBe(true)
    expect(asked).toEqual([['task_1', 'task_1.2-1']])
  })

  test('is asked for again where the answer was long under way', async () => {
    const { asked, subTasks } = asking({ is: false, afterMs: 1100 }, { is: true, afterMs: 0 })
    expect(await isCancelledAbove(subTasks, 'task_1.2-1')).toBe(true)
    expect(asked).toHaveLength(2)
  })
})

test('the sub-tasks of a step are accepted each time that it is begun, and no others', async () => {
  const log = begin()
  log.push(...spawn(log))
  const accepted: NewTask[] = []
  const accept = async (task: NewTask): Promise<void> => void accepted.push(task)
  const subTasks = { limits: defaultSpawnLimits, accept, isCancelled: async () => false }
  await acceptSpawned(subTasks, log[0]!, progressOf(log), 1)
  await acceptSpawned(subTasks, log[0]!, progressOf(log), 1)
  const ids = accepted.map(({ taskId }) => taskId)
  expect(ids.slice(0, 3)).toEqual(['task_it.2-1', 'task_it.2-2', 'task_it.2-3'])
  expect(ids.slice(3)).toEqual(ids.slice(0, 3))
  log.push(...afterStep(progressOf(log), planOf(log), { step: 2, digest: 'd2', credits: 1 }, at))
  await acceptSpawned(subTasks, log[0]!, progressOf(log), 1)
  expect(accepted).toHaveLength(6)
})

describe('the gateway', () => {
  const grant = { sub: 'ann', task: 'task_1.2-1', job: 'it/2-1', tools: ['search'] }
  const flaw = (taskId: string, task: string, tool = 'search', key = `${taskId}/1`) =>
    flawOf(grant, { tool, key, effect: { task, taskId, step: 1 } })?.kind

  test('takes the grant of a task for those below it, and for no tool more', () => {
    expect(flaw('task_1.2-1', 'it/2-1')).toBeUndefined()
    expect(flaw('task_1.2-1.4-2', 'it/2-1/4-2')).toBeUndefined()
    expect(flaw('task_1.2-1.4-2', 'it/2-1/4-2', 'draft')).toBe('forbidden')
  })

  test.each([
    ['above it', 'task_1', 'it'],
    ['beside it', 'task_1.2-2', 'it/2-2'],
    ['with an id that only begins like it', 'task_1.2-10', 'it/2-1'],
    ['of other work', 'task_1.2-1.4-2', 'it/2-2'],
    ['of work that only begins like it', 'task_1.2-1', 'it/2-10'],
  ])('takes it for no task %s', (_, taskId, task) => {
    expect(flaw(taskId, task)).toBe('forbidden')
  })

  test('takes it under no key of another one', () => {
    expect(flaw('task_1.2-1.4-2', 'it/2-1/4-2', 'search', 'task_1.2-1/1')).toBe('forbidden')
  })
})

describe('in the environment', () => {
  const env = {
    OUTLAST_NODE: 'api-0',
    OUTLAST_PORT: '8080',
    OUTLAST_DELIVERY: 'sse',
    OUTLAST_ENGINE: 'memory',
    OUTLAST_TOKEN: 'a-token-for-tests-only',
  }

  test('limits are safe by default, and each may be set', () => {
    expect(readSettings(env)).not.toHaveProperty('spawnLimits')
    expect(defaultSpawnLimits).toEqual({ depth: 3, width: 8 })
    expect(readSettings({ ...env, OUTLAST_SPAWN_DEPTH: '0' }).spawnLimits).toEqual({ depth: 0, width: 8 })
    expect(readSettings({ ...env, OUTLAST_SPAWN_WIDTH: '2' }).spawnLimits).toEqual({ depth: 3, width: 2 })
  })

  test.each(['-1', '1.5', 'x', '10', 'Infinity'])('%s is no depth', (OUTLAST_SPAWN_DEPTH) => {
    expect(() => readSettings({ ...env, OUTLAST_SPAWN_DEPTH })).toThrow(/OUTLAST_SPAWN_DEPTH/)
  })
})
