import { beforeEach, describe, expect, test, vi } from 'vitest'
import { type AgentPlan, planTask } from '../../../patterns/agent/plan.ts'
import type { StepContext } from '../../../patterns/agent/step.ts'
import { createdEvent } from '../../../patterns/contract/engine/log.ts'
import { foldEvents } from '../../../patterns/contract/types/fold.ts'
import { recordAttempt } from '../../../patterns/contract/types/callback.ts'
import type { Task, TaskRequest } from '../../../patterns/contract/types/task.ts'
import { timingAt } from '../../../patterns/contract/types/timing.ts'
import type { Advance } from '../../../patterns/engines/dbos/protocol.ts'

/** As much of the library as workflows touch: recorded steps are answered in their order, others are performed. */
const library = vi.hoisted(() => {
  const recorded: { name: string; result: unknown }[] = []
  return {
    registered: new Map<string, (...input: unknown[]) => Promise<unknown>>(),
    recorded,
    replayed: 0,
    /** Recorded steps after which this process is killed. */
    killedAfter: Infinity,
    started: [] as string[],
  }
})

vi.mock('@dbos-inc/dbos-sdk', () => ({
  DBOS: {
    workflowID: 'task_it',
    stepStatus: { cancelSignal: new AbortController().signal },
    registerWorkflow: (perform: (...input: unknown[]) => Promise<unknown>, { name }: { name: string }) => {
      library.registered.set(name, perform)
      return perform
    },
    runStep: async (act: () => Promise<unknown>, { name }: { name: string }) => {
      const known = library.recorded[library.replayed++]
      if (known) {
        if (known.name !== name) throw new Error(`step ${name} was recorded as ${known.name}`)
        return known.result
      }
      if (library.recorded.length >= library.killedAfter) throw new Error('killed')
      const result = await act()
      library.recorded.push({ name, result })
      return result
    },
    startWorkflow:
      (_workflow: unknown, { workflowID }: { workflowID: string }) =>
      async () =>
        void library.started.push(workflowID),
    cancelWorkflow: async (taskId: string) => void library.started.push(`cancel ${taskId}`),
  },
}))

const performed: { step: number; attempt: number }[] = []
vi.mock(import('../../../patterns/agent/step.ts'), async (original) => ({
  ...(await original()),
  performStep: async (_plan: AgentPlan, step: number, _digest: string, { attempt }: StepContext) => {
    performed.push({ step, attempt })
    return { digest: `after step ${step}`, credits: 1 }
  },
}))
const { alone, fakeMailbox } = await import('../../support/fake-mailbox.ts')
const { registerWorkflows } = await import('../../../patterns/engines/dbos/workflow.ts')

const inHand = new Map<string, string>()
const announced: string[] = []
let mailbox: ReturnType<typeof fakeMailbox>
const request: TaskRequest = { type: 'agent', input: { seed: 7, profile: 'smoke', job: 'it' } }
const plan = planTask(request.input, 1)

beforeEach(() => {
  Object.assign(library, { replayed: 0, killedAfter: Infinity })
  for (const list of [library.recorded, library.started, performed, announced]) list.length = 0
  mailbox = fakeMailbox()
  const here = { node: 'worker-0', toolsUrl: '', dispatcher: undefined as never, timeScale: 1, timing: timingAt(1) }
  const place = { ...here, mailbox, family: alone }
  const announce = (taskId: string): void => void announced.push(taskId)
  registerWorkflows({
    place,
    inHand,
    announce,
    post: async (_taskId, earlier) => {
      const outcome = { detail: 'HTTP 204', decision: { next: 'delivered' } } as const
      return recordAttempt({ task: {} as Task, url: 'http://x', earlier }, 0, outcome)
    },
  })
})

async function run(name: string, ...input: unknown[]): Promise<void> {
  library.replayed = 0
  await library.registered.get(name)!(...input)
}
const accepted = (more: Partial<TaskRequest> = {}) => {
  return { created: createdEvent('task_it', { ...request, ...more }, plan, new Date(0)), fingerprint: 'f' }
}
const recordedLog = (created = accepted().created) => [
  created,
  ...library.recorded.flatMap(({ result }) => (result as Advance).events),
]

describe('a task’s workflow', () => {
  test('records its way to the end, and has the task in hand meanwhile', async () => {
    const whole = run('task', accepted())
    expect([...inHand.values()]).toEqual(['task_it'])
    await whole
    expect(inHand.size).toBe(0)
    expect(foldEvents(recordedLog())).toMatchObject({ status: 'completed', attempt: 1 })
    expect(library.recorded.map(({ name }) => name)).toEqual(['start', ...plan.steps.map(({ name }) => name)])
    expect(announced).toHaveLength(4)
    expect(library.started).toEqual([])
  })

  test.each([1, 2, 3, 4])(
    'killed after %d recorded steps goes on from there, also when killed twice',
    async (steps) => {
      for (const killedAfter of [steps, steps + 1]) {
        library.killedAfter = killedAfter
        await run('task', accepted()).catch(() => {})
        expect(inHand.size).toBe(0)
      }
      library.killedAfter = Infinity
      await run('task', accepted())
      const task = foldEvents(recordedLog())
      expect(task).toMatchObject({ status: 'completed', result: { digest: 'after step 3' } })
      expect(performed.map(({ step }) => step)).toEqual([1, 2, 3])
      expect(performed.at(-1)!.attempt).toBe(task.attempt)
    },
  )

  test('killed between a command, its answer and the step after it, answers it once', async () => {
    mailbox.put({ id: 'stop', type: 'interrupt' }, { id: 'go', type: 'resume' })
    for (const killedAfter of [1, 2, 3, 4, 5]) {
      library.killedAfter = killedAfter
      await run('task', accepted()).catch(() => {})
    }
    library.killedAfter = Infinity
    await run('task', accepted())
    const log = recordedLog()
    expect(foldEvents(log).status).toBe('completed')
    const answers = log.filter(({ type }) => /interrupted|continued|command_void/.test(type))
    expect(answers.map(({ data }) => data['command'])).toEqual(['stop', 'go'])
    expect(performed.map(({ step }) => step)).toEqual([1, 2, 3])
  })

  test('leaves the callback that it owes to a workflow of its own', async () => {
    await run('task', accepted({ delivery: { webhook_url: 'http://it.test/' } }))
    expect(library.started).toEqual(['task_it/callback'])
  })
})

test('a cancellation ends the task before it owes the callback', async () => {
  await run('cancellation', 'task_it', true)
  await run('cancellation', 'task_other', false)
  expect(library.started).toEqual(['cancel task_it', 'task_it/callback', 'cancel task_other'])
})
