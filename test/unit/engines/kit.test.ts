import { once } from 'node:events'
import { expect, test } from 'vitest'
import { acceptOnce, newTask, taskIdOf, untilCancelShows } from '../../../patterns/contract/engine/task-backend.ts'
import { withAddresses, type NodeSettings } from '../../../patterns/contract/types/settings.ts'
import { engineModule } from '../../../patterns/contract/engine/backend.ts'
import { postCallback } from '../../../patterns/contract/engine/post-callback.ts'
import { retryUntilReached } from '../../../patterns/contract/engine/reach.ts'
import { type CallbackAttempt, recordAttempt } from '../../../patterns/contract/types/callback.ts'
import type { TaskEvent } from '../../../patterns/contract/types/events.ts'
import type { Task } from '../../../patterns/contract/types/task.ts'

const submission = {
  key: 'a key',
  fingerprint: 'f',
  request: { type: 'agent' as const, input: { seed: 7, profile: 'smoke', job: 'it' } },
}

test('a key is accepted once: then it is a replay, or refused with the id of the task that has it', async () => {
  const task = newTask(submission, 1, taskIdOf(submission.key))
  const id = task.taskId
  expect(newTask(submission, 1, taskIdOf(submission.key)).taskId).toBe(id)
  expect(await acceptOnce(task, async () => undefined)).toMatchObject({ replayed: false, task: { task_id: id } })
  const known = { fingerprint: 'f', log: [task.created] }
  expect(await acceptOnce(task, async () => known)).toMatchObject({ replayed: true, task: { task_id: id } })
  const refused = acceptOnce(task, async () => ({ ...known, fingerprint: 'another' }))
  await expect(refused).rejects.toMatchObject({ kind: 'idempotency-key-reused', taskId: id })
})

function retrying(failures: number, patienceMs: number, signal = new AbortController().signal) {
  let calls = 0
  const call = async (): Promise<number> => {
    if (calls++ < failures) throw new Error('away')
    return calls
  }
  const isTransient = (error: unknown): boolean => (error as Error).message === 'away'
  return retryUntilReached(call, { callee: 'it', patienceMs, retryCapMs: 1, retryBaseMs: 1, isTransient, signal })
}

test('a call is repeated until it is answered, or patience is over', async () => {
  expect(await retrying(3, Infinity)).toBe(4)
  await expect(retrying(3, 0)).rejects.toMatchObject({
    kind: 'temporary-reduced-capacity',
    message: 'it cannot be reached',
    cause: { message: 'away' },
  })
  await expect(retrying(3, Infinity, AbortSignal.abort(new Error('closed')))).rejects.toThrow('closed')
})

test('an error that no repetition cures is thrown as it is', async () => {
  const options = { callee: 'it', patienceMs: Infinity, retryCapMs: 1, retryBaseMs: 1, isTransient: () => false }
  const call = async (): Promise<never> => {
    throw new RangeError('no')
  }
  await expect(retryUntilReached(call, { ...options, signal: new AbortController().signal })).rejects.toThrow(
    RangeError,
  )
})

test('a callback is posted until an attempt is the last one, each with those before it', async () => {
  const task = { task_id: 'task_1', version: 6 } as Task
  const seen: number[] = []
  const waits: number[] = []
  const attempt = async (earlier: readonly CallbackAttempt[]) => {
    seen.push(earlier.length)
    const decision = earlier.length < 2 ? ({ next: 'retry', delay_ms: 5 } as const) : ({ next: 'delivered' } as const)
    return recordAttempt({ task, url: '', earlier }, 0, { detail: '', decision })
  }
  await postCallback(attempt, async (delayMs) => void waits.push(delayMs))
  expect([seen, waits]).toEqual([
    [0, 1, 2],
    [5, 5],
  ])
})

test('a node without an address that its engine needs says which variables are missing', () => {
  const settings = { engine: 'it', storeUrl: 'postgres://a' } as NodeSettings
  expect(withAddresses(settings, 'storeUrl').storeUrl).toBe('postgres://a')
  const attempt = () => withAddresses(settings, 'storeUrl', 'toolsUrl', 'engineControlUrl')
  expect(attempt).toThrow('a node of the it engine needs OUTLAST_TOOLS_URL and OUTLAST_ENGINE_CONTROL_URL')
})

test('a variant has the modules of the engine that declares it', async () => {
  expect((await engineModule('queue', 'worker')).href).toMatch(/engines\/queue\/worker\.ts$/)
  expect((await engineModule('queue-memo', 'worker')).href).toMatch(/engines\/queue\/worker\.ts$/)
  expect((await engineModule('queue-redis', 'backend')).href).toMatch(/engines\/queue-redis\/backend\.ts$/)
  for (const name of ['queue-none', 'none', '_postgres', '../contract', ''])
    await expect(engineModule(name, 'backend')).rejects.toThrow(`there is no engine "${name}"`)
})

test('who asks to cancel does not wait for a worker that is down', async () => {
  const heard: AbortSignal[] = []
  const silent = async (signal: AbortSignal): Promise<IteratorResult<TaskEvent>> => {
    heard.push(signal)
    if (!signal.aborted) await once(signal, 'abort')
    return { done: true, value: undefined }
  }
  await untilCancelShows((signal) => ({ [Symbol.asyncIterator]: () => ({ next: () => silent(signal) }) }), 20)
  expect(heard.map(({ aborted }) => aborted)).toEqual([true])
})
