import { setTimeout as delay } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { discover } from '../../harness/core/discover.ts'
import type { Delivery } from '../../patterns/contract/types/delivery.ts'
import type { Spawned, TaskEvent } from '../../patterns/contract/types/events.ts'
import { planTask } from '../../patterns/agent/plan.ts'
import { foldEvents } from '../../patterns/contract/types/fold.ts'
import { engineModule } from '../../patterns/contract/engine/backend.ts'
import type { Engine } from '../../patterns/contract/types/engine.ts'
import { isTerminal, type Task, type TaskInput } from '../../patterns/contract/types/task.ts'
import { hasFailed, type Kind, profileOfJob, type Ran, reference } from '../support/crash-clients.ts'
import { type CrashScene, startCrashScene } from '../support/crash-scene.ts'
import { presentEngines } from '../support/engines.ts'
import { faultPointsFrom } from '../support/fault-points.ts'
import { rightAnswer } from '../support/tools.ts'
import { isWhole } from '../support/whole.ts'

const patterns = new URL('../../patterns/', import.meta.url)
const present = await presentEngines()

const pointsOf = ({ name }: Delivery) => faultPointsFrom(new URL(`deliveries/${name}/server.ts`, patterns))
/** The reference delivery, and every other one whose server has fault points that those before it have not. */
const deliveries = await chooseDeliveries()
const deliveryPoints = deliveries.flatMap(pointsOf)
const kinds: readonly Kind[] = [
  ...deliveries.map(({ name }) => name),
  'spawn',
  'rogue',
  'steer',
  'cancel',
  'top-up',
  'replay',
]
/** Ends of a task that somebody cancels. */
const endsOf: Readonly<Record<string, readonly string[]>> = { cancel: ['cancelled', 'completed'], rogue: ['cancelled'] }
/** A step may begin so long after the acknowledgement of a cancellation, as `cancel-holds` has it. */
const cancelBoundMs = 1000

/** Points that an engine's processes have in their text and cannot reach, or that another engine's death shows as well: a variant shares its code. */
const unreachable: readonly { readonly engine: RegExp; readonly point: RegExp; readonly reason: string }[] = [
  { engine: /^dbos$/, point: /^dbos-supervised\./, reason: 'nothing supervises' },
  { engine: /^memory$/, point: /^family\.cancel\./, reason: 'it is a line of the process’s own memory' },
  {
    engine: /^temporal-dev$/,
    point: /./,
    reason: 'its processes are those of temporal; only their server is another one',
  },
  {
    engine: /^temporal$/,
    point: /^sub-task\.accept\./,
    reason: 'the server starts child workflows, with the decision',
  },
]

/** Engines by the order of those that have code of their own. */
const ordinalOf = (engine: Engine): number =>
  present.filter((one) => !engineOf(one)).indexOf(engineOf(engine) ?? engine)

/** Whose variant it is. */
function engineOf({ name }: Pick<Engine, 'name'>): Engine | undefined {
  return present.find(({ variants = [] }) => variants.some((variant) => variant.name === name))
}

/** A variant has all points of its engine, and those that have its name. */
function isOfOwnCode(engine: Engine, point: string): boolean {
  return !engineOf(engine) || point.startsWith(`${engine.name}.`)
}

/** The fault points of each engine's own processes. */
const ownPoints = new Map(
  await Promise.all(present.map(async (engine) => [engine.name, await pointsIn(engine)] as const)),
)

async function pointsIn({ name, executor }: Engine): Promise<readonly string[]> {
  const modules = executor === 'worker' ? (['backend', 'worker'] as const) : (['backend'] as const)
  return faultPointsFrom(...(await Promise.all(modules.map((module) => engineModule(name, module)))))
}

/** Other engines have it, too, variants apart. */
const isShared = (point: string): boolean =>
  deliveryPoints.includes(point) ||
  [...ownPoints].filter(([name, points]) => points.includes(point) && !engineOf({ name })).length > 1

const tallies = new Map(
  present.map(({ name }) => [name, { points: new Set<string>(), kills: 0, tasks: 0, lost: 0, repeated: 0 }]),
)
afterAll(() => {
  for (const [name, { points, kills, tasks, lost, repeated }] of tallies)
    console.log(
      `${name}: ${points.size} fault points, ${kills} kills, ${tasks} tasks, ${lost} lost, ${repeated} steps repeated`,
    )
})

/** How a point is reached: by a task of a kind, by an executor that is told to go, or by one that starts. */
interface Reach {
  readonly by: Kind | 'leave' | 'start'
  /** Passings of one task on its own. */
  readonly times: number
  /** Also passed when there is nothing to do. */
  readonly idle: boolean
}

// @busy: it starts processes all the time. A node that died is awaited for longer than it works.
vi.setConfig({ maxConcurrency: 4 })
/** All engines start at once, and each passes its points. */
const patienceMs = 400_000

describe.concurrent.each(present)('engine $name', (engine) => {
  // Whoever dies comes back by its name here, which is all that an engine may ask whose tasks do not live in a process.
  const durable = !engine.sticky
  const limitMs = durable ? 45_000 : 3000
  const points = [...new Set([...ownPoints.get(engine.name)!, ...deliveryPoints])].toSorted()
  const reasonOf = (point: string): string | undefined =>
    unreachable.find((one) => one.engine.test(engine.name) && one.point.test(point))?.reason
  /**
   * Deaths at a point: in the whole suite one, and two. Else one or two by turns; at a point that other
   * engines have, too, one, two or mostly none, and on the next engine another number.
   */
  const isTurn = (point: string, times: number): boolean => {
    const turn = points.indexOf(point) + ordinalOf(engine)
    return isWhole || (isOfOwnCode(engine, point) && (isShared(point) ? turn % 6 === times : (turn % 2) + 1 === times))
  }
  const tally = tallies.get(engine.name)!
  let scene: CrashScene
  let reaches: ReadonlyMap<string, Reach>

  const wanted = points.filter((point) => reasonOf(point) === undefined && [1, 2].some((times) => isTurn(point, times)))

  beforeAll(async () => {
    if (wanted.length === 0) return
    scene = await startCrashScene(engine, deliveries, limitMs)
    reaches = await explore(scene, wanted)
  }, patienceMs)
  afterAll(() => scene?.[Symbol.asyncDispose]())

  for (const { point, times } of points.flatMap((point) => [1, 2].map((times) => ({ point, times })))) {
    const reason = reasonOf(point) ?? (isTurn(point, times) ? undefined : 'npm run test:crashes does it, too')
    test.skipIf(reason !== undefined)(
      `killed ${times === 1 ? 'once' : 'twice'} at ${point}${reason ? `: ${reason}` : ''}`,
      { concurrent: false },
      async () => {
        const reach = reaches.get(point)
        expect(reach, `${point} was never passed`).toBeDefined()
        await crash(point, reach!, times).finally(() => scene.points.disarm())
        tally.points.add(point)
        tally.kills += times
      },
    )
  }

  if (engine.sticky)
    test('loses tasks, which it never promised to keep: the kills are real', { concurrent: false }, () =>
      expect(tally.lost > 0 || tally.kills === 0).toBe(true),
    )

  /**
   * Once: a task on its own, at the last of its passings. Twice: three tasks at once, at the first passing, and the next
   * life again at its first. A life that happens not to pass is given more tasks, up to a limit; after half of them any
   * passing will do, since on a busy machine a task had more of them when they were counted.
   */
  async function crash(point: string, reach: Reach, times: number): Promise<void> {
    const kind = kinds.find((kind) => kind === reach.by) ?? reference
    await scene.post(kind)
    const wanted: readonly Kind[] = times === 1 ? [kind] : [kind, reference, scene.posted()]
    const arm = () => scene.points.arm(point, times === 1 ? reach.times : 1, times)
    const killsBefore = killsOf(scene.nodes)
    const failuresBefore = failuresOf(scene.nodes).length
    // Who also dies without work is to die at work.
    const late = reach.idle || kind !== reach.by
    if (!late) await arm()
    for (let round = 1; round === 1 || (round <= 8 && (await scene.points.pending()) > 0); round++) {
      if (round === 5 && times === 1) await scene.points.disarm().then(() => scene.points.arm(point, 1, 1))
      const { ended, underWay } = scene.run(wanted)
      if (late) await underWay
      if (late && round === 1) await arm()
      if (reach.by === 'leave') signalAll(scene.executors, 'SIGTERM')
      if (reach.by === 'start' && round === 1) signalAll(scene.executors, 'SIGKILL')
      const ran = await ended
      await scene.settled()
      for (const one of ran) await judge(one)
    }
    // A run that has not noticed the end of its task may still hold what its next step costs: that comes back to the next look.
    if (durable) await vi.waitFor(expectBalanced, { timeout: 5000, interval: 250 })
    expect(await scene.points.pending(), `nobody died the death at ${point}`).toBe(0)
    const deaths = times + (reach.by === 'start' ? scene.executors.length : 0)
    // Who supervises hears of a death a moment after who died of it.
    await vi.waitFor(() => expect(killsOf(scene.nodes) - killsBefore).toBe(deaths), { timeout: 30_000 })
    await scene.ready()
    expect(failuresOf(scene.nodes).slice(failuresBefore)).toEqual([])
  }

  /** No credit is lost or made by a death, and what ended tasks held has come back. */
  async function expectBalanced(): Promise<void> {
    const account = await scene.readAccount()
    if (!account) return
    const { credits, held, spent } = account.balance
    expect({ all: credits + held + spent, held }).toEqual({ all: account.given, held: 0 })
    const done = new Map(scene.cluster.effects.map((effect) => [`${effect.taskId}/${effect.step}`, effect]))
    const paid = [...done.values()].reduce((sum, { task, step }) => sum + costOf(task, step), 0)
    expect(spent).toBeGreaterThanOrEqual(paid)
  }

  async function judge(ran: Ran): Promise<void> {
    tally.tasks++
    const task = ran.taskIds.size > 0 ? await scene.readEnd(ran) : undefined
    if (task) return expectKept(ran, task)
    tally.lost++
    expect(durable, `task ${[...ran.taskIds].join()} of ${ran.job.key} is lost`).toBe(false)
  }

  async function expectKept(ran: Ran, task: Task): Promise<void> {
    const { kind, job, taskIds, learned, seqs } = ran
    const events = await scene.readEvents(ran)
    expectSoundLog(events)
    expect(foldEvents(events)).toEqual(task)
    expect(endsOf[kind] ?? ['completed']).toContain(task.status)
    if (task.status === 'completed') expect(task.result?.digest).toBe(rightAnswer(job.input as TaskInput))
    // What a stream that was resumed has carried: all, in order, nothing twice.
    expect(seqs).toEqual(seqs.map((_, i) => i + 1))
    const steps = stepsOf(job.key)
    tally.repeated += repetitionsIn(steps)
    if (engine.promises.includes('effect-once')) expectRepeatedInFlight(steps, task)
    if (task.status === 'completed') expect(new Set(steps).size).toBe(task.result?.steps)
    expectAnswered(ran, events)
    await expectFamily(ran, events)
    if (!durable) return
    if (!(learned instanceof Error && gaveUp(task)))
      expect(hasFailed(learned) ? learned.taskId : learned).toEqual(task.status === 'cancelled' ? task.task_id : task)
    expect([...taskIds]).toEqual([task.task_id])
    expect(await scene.submitAgain(ran)).toMatchObject({ replayed: true, task: { task_id: task.task_id } })
  }

  /** Each sub-task that the log names has been accepted, once, and ends as any task does. */
  async function expectFamily(ran: Ran, events: readonly TaskEvent[]): Promise<void> {
    const started = events.flatMap(({ type, data }) => (type === 'task.spawned' ? (data as unknown as Spawned) : []))
    if (ran.kind === 'spawn') expect(started).toHaveLength(2)
    for (const { sub_task, input } of started) {
      const task = await scene.readEnd({ ...ran, taskIds: new Set([sub_task]) })
      if (ran.kind === 'spawn')
        expect(task).toMatchObject({ status: 'completed', input, result: { digest: rightAnswer(input) } })
      // Who is cancelled before it has accepted what it named never does.
      else expect(['cancelled', undefined]).toContain(task?.status)
      if (!task) continue
      const ids = scene.cluster.effects.flatMap(({ task: job, taskId }) => (job === input.job ? taskId : []))
      expect(new Set(ids).difference(new Set([sub_task]))).toEqual(new Set())
    }
    const { cancelledAt = Infinity, job } = ran
    const late = scene.cluster.effects.filter((effect) => effect.startedAt > cancelledAt + cancelBoundMs)
    expect(late.filter((effect) => effect.task === job.key || effect.task.startsWith(`${job.key}/`))).toEqual([])
  }

  /** What was acknowledged is on record once, answered once, and in that order; what was not may be, too. */
  function expectAnswered({ acknowledged }: Ran, events: readonly TaskEvent[]): void {
    const recorded = events.flatMap(({ data }) => (data['command'] as { id?: string } | undefined)?.id ?? [])
    const answered = events.flatMap(({ data }) => (typeof data['command'] === 'string' ? data['command'] : []))
    expect(recorded.slice(0, acknowledged.length)).toEqual(acknowledged)
    expect(answered).toEqual(recorded)
  }

  /** A single attempt to post has its limit, 0.2 s here, and a busy machine may take longer for it. */
  function gaveUp({ task_id }: Task): boolean {
    return scene.nodes.some(({ log }) => log().includes(`webhook of ${task_id}`))
  }

  /** In the order of the plan, each once; only what was interrupted comes again, at its place, each time as a new attempt. */
  function expectRepeatedInFlight(steps: readonly number[], { attempt }: Task): void {
    const distinct = [...new Set(steps)]
    expect(distinct).toEqual(distinct.map((_, i) => i + 1))
    expect(steps).toEqual(steps.toSorted((a, b) => a - b))
    expect(repetitionsIn(steps), `repetitions in steps ${steps.join()}`).toBeLessThanOrEqual(attempt - 1)
  }

  function stepsOf(key: string): readonly number[] {
    return scene.cluster.effects.filter(({ task }) => task === key).map(({ step }) => step)
  }
})

async function chooseDeliveries(): Promise<readonly Delivery[]> {
  const all = await discover<Delivery>(new URL('deliveries/', patterns), 'delivery')
  const known = new Set<string>()
  return [all.get(reference)!, ...all.values()].filter((delivery) => {
    const fresh = pointsOf(delivery).filter((point) => !known.has(point))
    fresh.forEach((point) => known.add(point))
    return fresh.length > 0
  })
}

/** Sub-tasks of a job cost what it costs itself. */
function costOf(job: string, step: number): number {
  const profile = profileOfJob.get(job.split('/')[0]!)!
  return planTask({ seed: 1, profile }, 1).steps[step - 1]!.credits
}

function repetitionsIn(steps: readonly number[]): number {
  return steps.length - new Set(steps).size
}

/** Gapless from 1, one terminal event and that the last. */
function expectSoundLog(events: readonly TaskEvent[]): void {
  expect(events.map(({ seq }) => seq)).toEqual(events.map((_, i) => i + 1))
  expect(events.filter(({ status }) => isTerminal(status))).toEqual([events.at(-1)])
}

function signalAll(nodes: CrashScene['nodes'], signal: NodeJS.Signals): void {
  nodes.forEach((node) => node.signal(signal))
}

function failuresOf(nodes: CrashScene['nodes']): readonly string[] {
  return nodes.flatMap(({ failures }) => failures)
}

function killsOf(nodes: CrashScene['nodes']): number {
  return nodes.reduce((sum, { kills }) => sum + kills, 0)
}

/**
 * Without any crash: who passes what, and when. There is a moment after each act, for what it leaves behind. There
 * are more tasks where the first ones did not show all `wanted` points.
 */
async function explore(scene: CrashScene, wanted: readonly string[]): Promise<ReadonlyMap<string, Reach>> {
  const reaches = new Map<string, Reach>()
  async function passedBy(act: () => Promise<unknown>): Promise<ReadonlyMap<string, number>> {
    await act()
    await delay(400)
    return scene.points.passed()
  }
  async function note(by: Reach['by'], act: () => Promise<unknown>): Promise<void> {
    for (const [point, times] of await passedBy(act))
      if (!reaches.has(point)) reaches.set(point, { by, times, idle: idle.has(point) })
  }
  async function restartAtWork(signal: NodeJS.Signals): Promise<void> {
    const { ended, underWay } = scene.run([reference])
    await underWay
    signalAll(scene.nodes, signal)
    await ended
    await scene.ready()
  }
  await passedBy(scene.ready)
  const idle = await passedBy(() => delay(400))
  const isDone = (): boolean => wanted.every((point) => reaches.has(point))
  for (let round = 1; round <= 3 && !isDone(); round++) {
    for (const kind of kinds) {
      if (isDone()) break
      await passedBy(() => scene.post(kind))
      await note(kind, () => scene.run([kind]).ended)
    }
    if (!isDone()) await note('leave', () => restartAtWork('SIGTERM'))
    if (!isDone()) await note('start', () => restartAtWork('SIGKILL'))
  }
  return reaches
}
