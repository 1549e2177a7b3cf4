import type { NodeRole } from '../../patterns/contract/types/engine.ts'
import { type Place, placesIn } from '../../harness/model/place.ts'
import type { Op, OpOf } from '../../harness/model/history.ts'
import type { LinkName, PlannedFault } from '../../harness/model/plan.ts'
import { type Draft, insertBefore, isPhase, loseTask, revalue, rewrite } from './mutations.ts'
import { broken, calm, type Mutant, polling, streaming, type World } from './worlds.ts'

/** A fault that is planned, proven and healed, and that harmed nothing in the history beneath. */
interface Harmless {
  readonly fault: string
  /** Nodes or links, separated by `, `. */
  readonly on: string
  readonly from: number
  readonly to: number
  readonly params?: PlannedFault['params']
}

/** Under what is offered from the first task on to the last. */
const load = { from: -5, to: 9e5 } as const

/** The same run under one more fault, or one for each kind of place that it is on. */
export function under(history: readonly Op[], harmless: Harmless): Op[] {
  const sites = [...Map.groupBy(placesIn(harmless.on), (place) => kindOf(nameOf(place))).values()]
  return sites.reduce((rest, site, i) => underOne(rest, harmless, site, `${harmless.fault}-9#${i + 1}`), [...history])
}

function underOne(
  history: readonly Op[],
  { fault, from, to, params = {} }: Harmless,
  target: readonly Place[],
  id: string,
): Op[] {
  const trigger = { kind: 'time', atMs: Math.max(0, from) } as const
  const planned = { id, fault, target: targetFor(target), trigger, durationMs: to - from, params, seed: 9 }
  const change = { f: 'fault', type: 'observe', process: 'nemesis' } as const
  const about = { id, fault, target: [...target] }
  const life: Draft<'fault'>[] = [
    { ...change, at: from, value: { ...about, state: 'armed' } },
    { ...change, at: to, value: { ...about, state: 'proven', firings: 1 } },
    { ...change, at: to, value: { ...about, state: 'healed' } },
  ]
  const planning = rewrite(history, (op) =>
    op.f === 'cell' ? [{ ...op, value: { ...op.value, arm: fault, faults: [...op.value.faults, planned] } }] : [op],
  )
  return insertBefore(planning, isPhase('heal'), ...life)
}

function nameOf(place: Place): string {
  return 'node' in place ? place.node : place.link
}

/** `worker-1` is a `worker`, and `client->api-1` a `client->api`. */
function kindOf(name: string): string {
  return name.replace(/-\d+$/, '')
}

/** Of several, all. */
function targetFor(places: readonly Place[]): PlannedFault['target'] {
  const [first, ...more] = places
  const name = nameOf(first!)
  const ordinal = more.length > 0 ? 'all' : Number(name.slice(kindOf(name).length + 1))
  return 'node' in first!
    ? { kind: 'node', role: kindOf(name) as NodeRole, ordinal }
    : { kind: 'link', link: kindOf(name) as LinkName, ordinal }
}

/** The first so many tasks of all, or of those that fit, are forgotten by the server, or get this final state. */
export function lose(
  history: readonly Op[],
  many: number,
  fits: (ordinal: number) => boolean = () => true,
  told: (task: string) => Partial<OpOf<'final'>['value']> = () => ({ found: false }),
): Op[] {
  const tasks = history
    .filter((op): op is OpOf<'task'> => op.f === 'task' && op.type === 'invoke')
    .filter((_, ordinal) => fits(ordinal))
    .slice(0, many)
    .map(({ task }) => task!)
  return tasks.reduce<readonly Op[]>(
    (rest, task) => loseTask(rest, task, { taskId: `id-${task}`, found: true, ...told(task) }),
    history,
  ) as Op[]
}

/** The server has the result, which its client did not see. */
export function keptFor(task: string): Partial<OpOf<'final'>['value']> {
  return { status: 'completed', digest: `digest-of-${task}`, version: 6 }
}

/** Every effect that fits once more, or more often, by another executor: as its next attempts. */
function repeat(history: readonly Op[], fits: (op: OpOf<'effect'>) => boolean, times = 1): Op[] {
  return rewrite(history, (op) => {
    if (op.f !== 'effect' || !fits(op)) return [op]
    const { index: _, value, ...rest } = op
    const again = Array.from({ length: times }, (__, i): Draft<'effect'> => {
      const startedAt = value.startedAt + (i + 1) * (240 / times)
      const executor = `worker-${(Number(value.executor.slice(-1)) + 1) % 4}`
      return { ...rest, value: { ...value, attempt: value.attempt + 1 + i, executor, startedAt } }
    })
    return [op, ...again]
  })
}

/** The worker of this step was killed at 800, in the middle of the next one. */
const isBeforeTheOneInFlight = (op: OpOf<'effect'>): boolean => {
  const { executor, attempt, endedAt } = op.value
  return executor === 'worker-0' && attempt === 1 && endedAt > 600 && endedAt < 700
}

const task = 't-00040'
const isThirdStep = (op: OpOf<'effect'>): boolean => op.task === task && op.value.step === 3
const thirdStep = polling(calm).find((op): op is OpOf<'effect'> => op.f === 'effect' && isThirdStep(op))!.value
/** Tasks run on the worker of their number, modulo four: this one has them all but a quarter. */
const notOn = (worker: number) => (ordinal: number) => ordinal % 4 !== worker
const hundred: World = { ...calm, tasks: 100 }
/** An engine that waits for so long before it gives work to another. */
const patient = (history: readonly Op[]): Op[] => {
  return revalue(
    history,
    'cell',
    () => true,
    () => ({ patienceMs: 750 }),
  )
}
const whileTheyGiveUp = { from: 2600, to: 8000 } as const

/** Systems that break their promises while something harmless goes on, which must not excuse them. */
export const wrongExcuses: readonly Mutant[] = [
  {
    name: '60 of 100 accepted tasks are lost under 1 ms of latency for the whole load',
    history: under(lose(polling(hundred), 60), {
      fault: 'latency',
      on: 'client->api-1',
      ...load,
      params: { delayMs: 1 },
    }),
    verdict: 'FAIL',
    caughtBy: ['anti-vacuity', 'no-lost-task'],
    outcomes: { lost_everywhere: 60 },
  },
  {
    name: 'tasks are lost under a load balancer that is in the path for the whole load',
    history: under(lose(streaming(hundred), 60), { fault: 'edge', on: 'client->api-0, client->api-1', ...load }),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
    outcomes: { lost_everywhere: 60 },
  },
  {
    name: 'tasks are lost while one connection in ten is silent',
    history: under(lose(polling(hundred), 5), {
      fault: 'stall',
      on: 'worker->store-0',
      ...whileTheyGiveUp,
      params: { probability: 0.1 },
    }),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
  },
  {
    name: 'tasks of three workers are lost while the fourth is frozen',
    history: under(lose(polling(hundred), 5, notOn(0)), { fault: 'pause', on: 'worker-0', ...whileTheyGiveUp }),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
  },
  {
    name: 'tasks are lost while the link to an API node that they do not use is down',
    history: under(lose(streaming(hundred), 5, notOn(2)), { fault: 'refuse', on: 'client->api-2', ...whileTheyGiveUp }),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
  },
  {
    name: 'results are lost, and the store was frozen for a fifth of the time that anybody waits',
    history: under(
      lose(patient(polling(hundred)), 5, (ordinal) => ordinal > 40, keptFor),
      { fault: 'pause', on: 'store-0', from: 2900, to: 2960 },
    ),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
  },
  {
    name: 'results are lost, and for a hundredth of a step all was late by half a grace',
    history: under(
      lose(patient(polling(hundred)), 5, (ordinal) => ordinal > 40, keptFor),
      { fault: 'latency', on: 'api->store-0', from: 2900, to: 2910, params: { delayMs: 750 } },
    ),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
  },
  {
    name: 'results are lost, and the store goes away a second after their clients should have read them',
    history: under(
      lose(polling(hundred), 5, (ordinal) => ordinal > 40, keptFor),
      { fault: 'stall', on: 'engine->store-0', from: 3300, to: 4000 },
    ),
    verdict: 'FAIL',
    caughtBy: ['liveness-after-heal', 'no-lost-task'],
  },
  {
    name: 'results are lost while each read takes a little less than its client waits',
    history: under(
      lose(polling(hundred), 5, (ordinal) => ordinal > 40, keptFor),
      {
        fault: 'latency',
        on: 'client->api-0, client->api-1, client->api-2, client->api-3',
        from: 900,
        to: 8000,
        params: { delayMs: 130 },
      },
    ),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
  },
  {
    name: 'results are lost while one of four API nodes that all know them is frozen',
    history: under(
      lose(polling(hundred), 5, (ordinal) => ordinal > 20 && ordinal % 4 === 1, keptFor),
      { fault: 'pause', on: 'api-1', from: 2500, to: 4800 },
    ),
    verdict: 'FAIL',
    caughtBy: ['liveness-after-heal', 'no-lost-task'],
  },
  {
    name: 'tasks that should have been over long before are lost when the store goes away',
    history: under(lose(polling(hundred), 3), { fault: 'kill', on: 'store-0', ...whileTheyGiveUp }),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
  },
  {
    name: 'tasks are lost under a fault that nobody knows',
    history: under(lose(polling(hundred), 5), { fault: 'gremlin', on: 'store-0', from: 900, to: 8000 }),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task'],
  },
  {
    name: 'results are gone that clients could not fetch until they gave up',
    history: under(
      lose(
        polling(calm),
        3,
        (ordinal) => ordinal > 30,
        () => ({ status: 'completed', digest: null, version: 6 }),
      ),
      { fault: 'refuse', on: 'client->api-0, client->api-1, client->api-2, client->api-3', from: 900, to: 8000 },
    ),
    verdict: 'FAIL',
    caughtBy: ['no-lost-task', 'result-integrity'],
    outcomes: { lost_everywhere: 3 },
  },
  {
    name: 'an outage excuses more than one task in twenty',
    history: under(
      lose(polling(hundred), 20, () => true, keptFor),
      { fault: 'stall', on: 'worker->store-0', from: 900, to: 8000 },
    ),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['no-lost-task'],
    outcomes: { lost_result: 20 },
  },
  {
    name: 'a step is executed 51 times while its worker is frozen',
    history: under(repeat(polling(calm), isThirdStep, 50), {
      fault: 'pause',
      on: thirdStep.executor,
      from: thirdStep.startedAt - 350,
      to: thirdStep.startedAt + 400,
    }),
    verdict: 'FAIL',
    caughtBy: ['effect-once'],
  },
  {
    name: 'a step is executed 51 times while the store is gone',
    history: under(repeat(polling(calm), isThirdStep, 50), {
      fault: 'kill',
      on: 'store-0',
      from: thirdStep.startedAt + 2,
      to: thirdStep.startedAt + 400,
    }),
    verdict: 'FAIL',
    caughtBy: ['effect-once'],
  },
  ...['worker->tools-0, worker->tools-1', 'worker->store-0, worker->store-1, worker->store-2, worker->store-3'].map(
    (on): Mutant => ({
      name: `a step is executed five times while nothing gets through ${on}, once for each`,
      history: under(repeat(polling(calm), isThirdStep, 4), {
        fault: 'refuse',
        on,
        from: thirdStep.startedAt - 5,
        to: thirdStep.startedAt + 400,
      }),
      verdict: 'FAIL',
      caughtBy: ['effect-once'],
    }),
  ),
  {
    name: 'every step of every task is executed twice under 1 ms of latency for the whole load',
    history: under(
      repeat(polling(calm), () => true),
      {
        fault: 'latency',
        on: 'worker->store-0',
        ...load,
        params: { delayMs: 1 },
      },
    ),
    verdict: 'FAIL',
    caughtBy: ['anti-vacuity', 'effect-once'],
  },
  {
    name: 'steps are executed twice in an outage that delays less than a lease',
    history: under(repeat(polling(calm), isThirdStep), {
      fault: 'latency',
      on: 'worker->store-0',
      from: 1000,
      to: 2500,
      params: { delayMs: 100 },
    }),
    verdict: 'FAIL',
    caughtBy: ['effect-once'],
  },
  {
    name: 'a step is executed twice while its worker is frozen for less than its lease',
    history: under(repeat(polling(calm), isThirdStep), {
      fault: 'pause',
      on: thirdStep.executor,
      from: thirdStep.startedAt + 20,
      to: thirdStep.startedAt + 220,
    }),
    verdict: 'FAIL',
    caughtBy: ['effect-once'],
  },
  {
    name: 'a step is executed twice while another worker is frozen',
    history: under(repeat(polling(calm), isThirdStep), {
      fault: 'pause',
      on: 'worker-0',
      from: thirdStep.startedAt - 350,
      to: thirdStep.startedAt + 400,
    }),
    verdict: 'FAIL',
    caughtBy: ['effect-once'],
  },
  {
    name: 'a step is executed twice while an API node, or its way to the store, is away',
    history: under(repeat(polling(calm), isThirdStep), {
      fault: 'stall',
      on: 'api->store-0, client->api-3',
      from: thirdStep.startedAt - 350,
      to: thirdStep.startedAt + 400,
    }),
    verdict: 'FAIL',
    caughtBy: ['effect-once'],
  },
  {
    name: 'steps are executed twice under silence for the whole load',
    history: under(
      repeat(polling(calm), (op) => op.value.step === 2),
      { fault: 'stall', on: 'worker->store-0', ...load },
    ),
    verdict: 'FAIL',
    caughtBy: ['effect-once'],
  },
  {
    name: 'every step in flight in a long silence is executed twice',
    history: under(
      repeat(polling(calm), (op) => op.value.startedAt > 1000 && op.value.startedAt < 1240),
      { fault: 'stall', on: 'worker->store-0', from: 800, to: 1600 },
    ),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['effect-once'],
  },
  {
    name: 'after a crash the step before the one in flight is done again, which was written down long before',
    history: rewrite(polling(broken), (op) => {
      if (op.f !== 'effect' || !isBeforeTheOneInFlight(op)) return [op]
      const { index: _, ...rest } = op
      const again = { attempt: 2, executor: 'worker-1', startedAt: 1095, endedAt: 1099 }
      return [op, { ...rest, at: 1099, value: { ...op.value, ...again } }]
    }),
    verdict: 'FAIL',
    caughtBy: ['effect-once'],
  },
  {
    name: 'after a heal only three results of sixty are right',
    history: wrongAfter(polling(broken), 1300, 3),
    verdict: 'FAIL',
    caughtBy: ['liveness-after-heal', 'result-integrity'],
  },
  {
    name: 'a stall of a hundredth of a step is the whole fault',
    history: under(polling(calm), { fault: 'stall', on: 'client->api-0', from: 1500, to: 1501.7 }),
    verdict: 'INCONCLUSIVE',
    caughtBy: ['anti-vacuity'],
  },
]

/** Clients that began after that time get a wrong result, but for the first few. */
function wrongAfter(history: readonly Op[], at: number, right: number): Op[] {
  const begun = history.filter((op) => op.f === 'task' && op.type === 'invoke' && op.at > at).map((op) => op.task!)
  const doomed = new Set(begun.slice(right))
  return revalue(
    history,
    'task',
    (op) => op.type === 'ok' && doomed.has(op.task!),
    () => ({ digest: 'wrong' }),
  )
}
