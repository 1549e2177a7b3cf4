import { randomUUID } from 'node:crypto'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { planTask } from '../../patterns/agent/plan.ts'
import { failedEvent, startedEvent } from '../../patterns/contract/engine/log.ts'
import type { Backend } from '../../patterns/contract/engine/backend.ts'
import type { Command } from '../../patterns/contract/types/command.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import type { TaskEvent } from '../../patterns/contract/types/events.ts'
import dbos, { supervised } from '../../patterns/engines/dbos/engine.ts'
import { type EngineCluster, startCluster, type Worker } from '../support/engine-cluster.ts'
import { skipVariant } from '../support/engines.ts'
import { type FaultPoints, openFaultPoints } from '../support/fault-points.ts'
import { keepPort } from '../support/ports.ts'
import { superviseNode } from '../support/supervised-node.ts'
import { isWhole } from '../support/whole.ts'
import { controlCases, type ControlScene } from './support/control-cases.ts'

const timeScale = 80
const patience = { timeout: 60_000, interval: 10 }
vi.setConfig({ testTimeout: 240_000 })

const input = { seed: 7, profile: 'research-write' }
const stop: Command = { id: 'stop', type: 'interrupt' }
const go: Command = { id: 'go', type: 'resume' }

// Every engine has a cluster of its own, and its tests come one after the other.
const inTurn = { concurrent: false }

if (!isWhole) skipVariant(supervised.name, dbos.name)
describe.concurrent.each<Engine>(isWhole ? [dbos, supervised] : [dbos])('engine $name', (engine) => {
  let cluster: EngineCluster
  let backend: Backend
  let worker: Worker
  let scene: ControlScene

  beforeAll(async () => {
    cluster = await startCluster(engine, timeScale)
    worker = await cluster.startWorker()
    backend = await cluster.openApi()
    scene = {
      backend,
      effects: cluster.effects,
      endWorker: async (signal) => {
        worker.signal(signal)
        return worker.ended
      },
      // Under its name: what it had is its own.
      startWorker: async () => void (worker = await cluster.startWorker(worker.node)),
    }
  })
  afterAll(async () => {
    await backend?.[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
  })

  test.each(Object.entries(controlCases))('%s', inTurn, (_name, expectKept) => expectKept(scene))

  describe('the record of a task’s end closes its mailbox', () => {
    test('a command that waits for it is refused', inTurn, async () => {
      await scene.endWorker('SIGKILL')
      const taskId = await submit()
      await using recording = await begin()
      await recording.query('select from dbos.workflow_status where workflow_uuid = $1 for no key update', [taskId])
      const end = await endOf(taskId)
      await recording.query(
        `insert into dbos.operation_outputs (workflow_uuid, function_id, function_name, output) values ($1, 0, 'start', $2)`,
        [taskId, JSON.stringify({ run: 'it', events: end })],
      )
      const telling = backend.command!(taskId, stop).catch((error: unknown) => error)
      await untilWaiting()
      await recording.query('commit')
      expect(await telling).toMatchObject({ kind: 'task-ended' })
      expect((await backend.events(taskId, 1))!).toEqual(end)
      await scene.startWorker()
    })

    test('it waits for a command that is put before it, as the library takes the same lock', inTurn, async () => {
      const taskId = await submit()
      await untilSeen(taskId, ({ data }) => data['step'] === 11)
      await using putting = await put(taskId, stop)
      await untilWaiting()
      expect((await backend.events(taskId, 0))!.at(-1)!.data['step']).toBe(11)
      await putting.query('commit')
      const log = await Array.fromAsync(backend.follow(taskId, 0, AbortSignal.timeout(30_000)))
      expect(typesOf(log).slice(-4)).toEqual(['progress', 'commanded', 'command_void', 'completed'])
    })

    test('so does a cancellation', inTurn, async () => {
      const taskId = await submit()
      await untilSeen(taskId, ({ data }) => data['step'] === 1)
      await backend.command!(taskId, stop)
      await untilSeen(taskId, ({ type }) => type === 'task.interrupted')
      await using putting = await put(taskId, go)
      const cancelling = backend.cancel(taskId)
      await untilWaiting()
      expect((await backend.read(taskId))!.status).toBe('input_required')
      await putting.query('commit')
      await cancelling
      const log = await Array.fromAsync(backend.follow(taskId, 0, AbortSignal.timeout(30_000)))
      expect(typesOf(log).slice(-4)).toEqual(['commanded', 'cancel_requested', 'command_void', 'cancelled'])
    })
  })

  test.each([
    ['before it begins to wait, or its next step', 'dbos.step.before'],
    ['after the record of an answer', 'dbos.step.after'],
  ] as const)('a worker that is killed %s: every command has one answer', inTurn, async (_when, point) => {
    await scene.endWorker('SIGKILL')
    await using points = await openFaultPoints()
    {
      await using mortal = await superviseWorker(points)
      const taskId = await submit()
      await untilSeen(taskId, ({ data }) => data['step'] === 2)
      for (const command of [stop, go]) {
        await points.arm(point, 1, 1)
        await backend.command!(taskId, command)
        await vi.waitFor(async () => expect(await points.pending()).toBe(0), patience)
        await untilSeen(taskId, ({ data }) => data['command'] === command.id)
      }
      const log = await Array.fromAsync(backend.follow(taskId, 0, AbortSignal.timeout(60_000)))
      expect(mortal.kills).toBe(2)
      expect(log.flatMap(({ data }) => data['command'] ?? [])).toEqual([stop, 'stop', go, 'go'])
      expect(typesOf(log).filter((type) => type === 'progress')).toHaveLength(12)
      expect(log.at(-1)!.type).toBe('task.completed')
    }
    await scene.startWorker()
  })

  async function submit(): Promise<string> {
    const key = randomUUID()
    const request = { type: 'agent' as const, input: { ...input, job: key } }
    return (await backend.submit({ key, request, fingerprint: key })).task.task_id
  }

  async function untilSeen(taskId: string, isIt: (event: TaskEvent) => boolean): Promise<void> {
    for await (const event of backend.follow(taskId, 0, AbortSignal.timeout(30_000))) if (isIt(event)) return
    throw new Error(`task ${taskId} never came there`)
  }

  /** What a step may record that ends the task at once. */
  async function endOf(taskId: string): Promise<readonly TaskEvent[]> {
    const [created] = (await backend.events(taskId, 0))!
    const started = startedEvent(created!, planTask(input, timeScale), 'it', new Date())
    return [started, failedEvent(started, 'it was refused', new Date())]
  }

  /** A transaction that is not over. Disposing of it ends it. */
  async function begin() {
    const client = new pg.Client(cluster.storeUrl)
    await client.connect()
    await client.query('begin')
    return { query: client.query.bind(client), [Symbol.asyncDispose]: () => client.end() }
  }

  async function put(taskId: string, command: Command) {
    const transaction = await begin()
    await transaction.query('select outlast_put_command($1, $2)', [taskId, JSON.stringify(command)])
    return transaction
  }

  /** Until somebody waits for a lock in the database. */
  async function untilWaiting(): Promise<void> {
    await using client = await begin()
    const count = 'select count(*)::int as n from pg_locks where not granted'
    await vi.waitFor(async () => expect((await client.query(count)).rows).not.toEqual([{ n: 0 }]), patience)
  }

  async function superviseWorker(points: FaultPoints) {
    const [node, port] = [worker.node, await keepPort()]
    const at = { name: node, system: cluster.settings.system, url: `http://127.0.0.1:${port}` }
    const listen = { host: '127.0.0.1', port }
    return superviseNode(at, () => cluster.spawnNode('work', { node, listen }, points.env))
  }
})

function typesOf(log: readonly TaskEvent[]): readonly string[] {
  return log.map(({ type }) => type.replace('task.', ''))
}
