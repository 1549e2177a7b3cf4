import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Client, Connection } from '@temporalio/client'
import { defaultPayloadConverter } from '@temporalio/common'
import { temporal } from '@temporalio/proto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../../patterns/contract/engine/backend.ts'
import { canonical } from '../../patterns/contract/types/canonical.ts'
import type { Command } from '../../patterns/contract/types/command.ts'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import { foldEvents } from '../../patterns/contract/types/fold.ts'
import type { ProblemError } from '../../patterns/contract/types/problems.ts'
import type { TaskRequest } from '../../patterns/contract/types/task.ts'
import type { HistoryEvent } from '../../patterns/engines/temporal/history.ts'
import { placeOf } from '../../patterns/engines/temporal/protocol.ts'
import { type EngineCluster, startCluster, type Worker } from '../support/engine-cluster.ts'
import { presentEnginesOfOwnCode } from '../support/engines.ts'

/** What only a look into the histories shows. */
const engines = (await presentEnginesOfOwnCode()).filter(({ name }) => name.startsWith('temporal'))

const memory = { instruction: 'be thorough' }
const note = (id: string): Command => ({ id, type: 'steer', patch: [{ op: 'add', path: '/instruction', value: id }] })
const answersIn = (log: readonly TaskEvent[]): readonly string[] =>
  log.flatMap(({ data }) => (typeof data['command'] === 'string' ? data['command'] : []))
let ordinal = 0

describe.each(engines)('engine $name', (engine) => {
  let cluster: EngineCluster
  let backend: Backend
  let worker: Worker
  let connection: Connection

  beforeAll(async () => {
    cluster = await startCluster(engine, 80)
    worker = await cluster.startWorker()
    backend = await cluster.openApi()
    connection = await Connection.connect({ address: placeOf(cluster.settings.engineUrl!).address })
  })
  afterAll(async () => {
    await connection?.close()
    await backend?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  async function submit(asked: Partial<TaskRequest> = {}, profile = 'smoke'): Promise<string> {
    const key = `history-${process.pid}-${++ordinal}`
    const request = { type: 'agent' as const, input: { seed: 7, profile, job: key }, ...asked }
    return (await backend.submit({ key, request, fingerprint: canonical(request) })).task.task_id
  }
  const command = (taskId: string, one: Command) => backend.command!(taskId, one)
  const follow = (taskId: string) => backend.follow(taskId, 0, AbortSignal.timeout(60_000))
  async function seen(taskId: string, isIt: (event: TaskEvent) => unknown): Promise<void> {
    for await (const event of follow(taskId)) if (isIt(event)) return
    throw new Error('the log has ended without it')
  }
  async function historyOf(taskId: string): Promise<readonly HistoryEvent[]> {
    const { namespace } = placeOf(cluster.settings.engineUrl!)
    const { events } = await new Client({ connection, namespace }).workflow.getHandle(taskId).fetchHistory()
    return events!
  }

  test('a task that asks for no control has the history that it had without', async () => {
    const taskId = await submit()
    await Array.fromAsync(follow(taskId))
    const history = await historyOf(taskId)
    const kinds = history.map((event) => Object.keys(event).find((key) => key.endsWith('EventAttributes'))!)
    const decision = ['workflowTaskScheduled', 'workflowTaskStarted', 'workflowTaskCompleted']
    const step = [
      ...decision,
      'markerRecorded',
      'activityTaskScheduled',
      'activityTaskStarted',
      'activityTaskCompleted',
    ]
    const expected = ['workflowExecutionStarted', ...step, ...step, ...step, ...decision, 'workflowExecutionCompleted']
    expect(kinds.map((kind) => kind.replace('EventAttributes', ''))).toEqual(expected)
    for (const { markerRecordedEventAttributes } of history) {
      const result = markerRecordedEventAttributes?.details?.['result']?.payloads?.[0]
      if (result) expect(Object.keys(defaultPayloadConverter.fromPayload<object>(result))).toEqual(['executor', 'life'])
    }
  })

  test('a command that the history has after the end is refused, though the callback keeps the workflow open', async () => {
    const held: ServerResponse[] = []
    await using receiver = createServer((_, response) => void held.push(response)).listen(0, '127.0.0.1')
    await once(receiver, 'listening')
    const webhook_url = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/callback`
    const taskId = await submit({ memory, delivery: { webhook_url } })
    const log = await Array.fromAsync(follow(taskId))
    const late = new Client({ connection, namespace: placeOf(cluster.settings.engineUrl!).namespace })
    // As the API does whose reading was overtaken by the end.
    await late.workflow.getHandle(taskId).signal('command', note('late'))
    await expect(command(taskId, note('late'))).rejects.toMatchObject({ kind: 'task-ended' })
    expect(await backend.events(taskId, 0)).toEqual(log)
    expect((await historyOf(taskId)).some((event) => event.workflowExecutionSignaledEventAttributes)).toBe(true)
    held.forEach((response) => response.end())
    receiver.closeAllConnections()
  })

  test('a command that comes while the workflow ends is seen by it first, and answered', async () => {
    const slow = {
      name: 'slow',
      type: 'latency',
      stream: 'upstream',
      toxicity: 1,
      attributes: { latency: 200 },
    } as const
    const harm = await cluster.links.get('worker->engine')!.impair(slow, { seed: 1, expiresMs: 60_000 })
    const taskId = await submit({ memory })
    await seen(taskId, ({ type, data }) => type === 'task.progress' && data['step'] === 2)
    const ended = Array.fromAsync(follow(taskId))
    const sent: Promise<string>[] = []
    while (!(await Promise.race([ended, sleep(120)]))) sent.push(kindOfAnswer(taskId, note(`n${sent.length}`)))
    const log = await ended
    await harm.heal()
    const causes = (await historyOf(taskId)).map((event) => event.workflowTaskFailedEventAttributes?.cause)
    expect(causes).toContain(temporal.api.enums.v1.WorkflowTaskFailedCause.WORKFLOW_TASK_FAILED_CAUSE_UNHANDLED_COMMAND)
    expect(foldEvents(log).status).toBe('completed')
    const answers = await Promise.all(sent)
    expect(new Set(answers)).toEqual(new Set(['taken', 'task-ended']))
    const taken = answers.flatMap((answer, nth) => (answer === 'taken' ? [`n${nth}`] : []))
    expect(new Set(answersIn(log))).toEqual(new Set(taken))
    expect(answersIn(log)).toHaveLength(taken.length)
  })

  async function kindOfAnswer(taskId: string, one: Command): Promise<string> {
    return command(taskId, one).then(
      () => 'taken',
      (error: unknown) => (error as ProblemError).kind,
    )
  }

  test('whoever goes on after a crash decides as the one before: no decision fails', async () => {
    const taskId = await submit({ memory, budget: { credits: 1, on_exhausted: 'wait' } }, 'research-write')
    async function replaceWorker(): Promise<void> {
      worker.signal('SIGKILL')
      await worker.ended
      worker = await cluster.startWorker()
    }
    await seen(taskId, ({ type }) => type === 'task.interrupted')
    await command(taskId, { id: 'stop', type: 'interrupt' })
    await replaceWorker()
    await command(taskId, { id: 'more', type: 'top_up', credits: 100 })
    await seen(taskId, ({ data }) => data['command'] === 'more')
    await command(taskId, note('turn'))
    await command(taskId, { id: 'go', type: 'resume' })
    await seen(taskId, ({ type, data }) => type === 'task.progress' && data['step'] === 2)
    await replaceWorker()
    const log = await Array.fromAsync(follow(taskId))
    expect(answersIn(log)).toEqual(['stop', 'more', 'turn', 'go'])
    expect(foldEvents(log)).toMatchObject({ status: 'completed', credits_granted: 101 })
    expect((await historyOf(taskId)).filter((event) => event.workflowTaskFailedEventAttributes)).toEqual([])
  })
})
