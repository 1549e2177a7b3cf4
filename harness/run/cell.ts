import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Handshake, Inbox, RunJob } from '../../patterns/contract/client/client.ts'
import type { Task } from '../../patterns/contract/types/task.ts'
import { timeoutsAt } from '../../patterns/contract/types/timeouts.ts'
import { timingAt } from '../../patterns/contract/types/timing.ts'
import { monotonicMs } from '../core/clock.ts'
import { describeError } from '../core/errors.ts'
import type { Op, Stranger } from '../model/history.ts'
import type { CellPlan } from '../model/plan.ts'
import { createRng } from '../core/rng.ts'
import type { Deployment, Ground } from '../model/types.ts'
import { planArrivals } from './arrivals.ts'
import { type Callback, type CallbackReceiver, openInbox } from './inbox.ts'
import { offerOpenLoop, type PacerReport } from './open-loop.ts'
import { type CellFolder, createCell } from '../store/cell-folder.ts'
import type { LineFile } from '../store/line-file.ts'
import { openHistory } from '../store/history-file.ts'
import { conclude, concludeCut } from './conclude.ts'
import type { HealthMonitor } from './health.ts'
import { createJobRunner, type JobRunner, openDispatcher, planJobs } from './jobs.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { carryOut } from './nemesis.ts'
import { nodeEnvironment } from './node-environment.ts'
import { type BlockContext, type CellEvents, engineOf, enterPhase, type Parts } from './cell-context.ts'
import { createRecorder, type Recorder } from './recorder.ts'
import { countSpares } from './spares.ts'
import { watchSteps } from './step-watch.ts'
import { nameSystem, placeOf, type StrangerWatch, watched, watchForStrangers } from './strangers.ts'

/** A cell whose system is up and whose clients are ready; disposing ends everything of it. */
export interface ReadyCell extends AsyncDisposable {
  readonly cell: CellPlan
  readonly counts: JobRunner['counts']
  /** Offer the load from `epochMs` on, carry out the faults, heal, and wait until every client knows or gave up. */
  underLoad(epochMs: number): Promise<void>
  /** Before the end: keep the effects so far, and say why no more is known. Never rejects. */
  cut(): Promise<void>
  /** Read the truth from servers and ledger, and complete the history. */
  conclude(health: ReturnType<HealthMonitor['stop']>): Promise<void>
}

/** Most tasks in flight per cell: beyond it the driver would be the bottleneck, and says so. */
const maxInFlight = 20_000

/**
 * Start a cell's ledger, receiver and nodes, and connect its clients.
 * When that fails, the reason is the last line of the cell's history, and the promise rejects with it.
 */
export async function prepareCell(cell: CellPlan, context: BlockContext, events: CellEvents): Promise<ReadyCell> {
  await using stack = new AsyncDisposableStack()
  const folder = await createCell(context.folder, cell.id)
  const history = await openHistory(folder.history, context.breakOff)
  stack.defer(() => history.close())
  const recorder = createRecorder(history)
  recorder.record({ f: 'cell', type: 'observe', process: 'harness', value: cell })
  try {
    const parts = await assemble(cell, context, events, recorder, folder, stack)
    return readyCell(parts, history, stack.move())
  } catch (error) {
    recorder.startAt(monotonicMs())
    const isCut = context.signal.aborted
    const value = { phase: isCut ? 'cut' : 'end' } as const
    // Whatever was under way then failed with words of its own: the reason of the abort says by what.
    const why = describeError(isCut ? context.signal.reason : error)
    recorder.record({ f: 'phase', type: 'observe', process: 'harness', value, error: why })
    throw error
  }
}

async function assemble(
  cell: CellPlan,
  context: BlockContext,
  events: CellEvents,
  recorder: Recorder,
  folder: CellFolder,
  stack: AsyncDisposableStack,
): Promise<Parts> {
  const steps = watchSteps()
  const announced = cell.faults.some(({ trigger }) => trigger.kind === 'step')
  const ledgerLog = join(folder.logs, 'ledger.log')
  const { temp, journal, breakOff: lost } = context
  const place = { cell: cell.id, folder: folder.path, temp, note: journal.note, lost }
  const ground = stack.use(await context.runtime.open(place, context.signal))
  const { host } = ground
  const ledger = stack.use(
    await openLedger(folder.ledger, ledgerLog, host, {
      onLost: context.breakOff,
      onEffect: announced ? steps.saw : undefined,
    }),
  )
  const receiver = stack.use(await openInbox(host, (callback) => recordCallback(recorder, callback)))
  const identity = identify(cell, context, recorder)
  const deployment = stack.use(await deploy(cell, context, recorder, ground, ledger, receiver, identity))
  const runner = await connectClients(cell, context, recorder, deployment, receiver, identity, stack)
  const arrivals = planArrivals(cell.load, cell.tasks, createRng(cell.seed, 'arrivals'))
  const jobs = planJobs(cell, arrivals, ledger.nonceOf)
  const { token, watch } = identity
  return { cell, context, recorder, ledger, steps, deployment, jobs, runner, token, watch, events, logs: folder.logs }
}

/** How the cell's own system is known, and it knows its own clients. */
interface Identity {
  readonly system: string
  readonly token: string
  readonly tell: (stranger: Stranger) => void
  readonly watch: StrangerWatch
}

function identify(cell: CellPlan, context: BlockContext, recorder: Recorder): Identity {
  const system = nameSystem(context.folder.name, cell.id)
  const tell = (value: Stranger): void =>
    void recorder.record({ f: 'stranger', type: 'observe', process: 'harness', value })
  const watch = watchForStrangers(system, tell, needsEdge(cell, context))
  return { system, token: randomBytes(24).toString('base64url'), tell, watch }
}

function needsEdge(cell: CellPlan, { faults }: BlockContext): boolean {
  return cell.faults.some(({ fault }) => faults.get(fault)?.needs.includes('edge'))
}

function readyCell(parts: Parts, history: LineFile<Op>, owned: AsyncDisposableStack): ReadyCell {
  let pacer: PacerReport | undefined
  return {
    cell: parts.cell,
    counts: parts.runner.counts,
    underLoad: async (epochMs) => {
      pacer = await offerLoad(parts, epochMs)
      // What cannot be written has broken the run off.
      await history.sync().catch(() => {})
    },
    cut: async () => {
      await concludeCut(parts)
      await history.sync().catch(() => {})
    },
    conclude: async (health) => {
      await conclude(parts, pacer!, health)
      await history.sync()
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function deploy(
  cell: CellPlan,
  context: BlockContext,
  recorder: Recorder,
  ground: Ground,
  ledger: Ledger,
  receiver: CallbackReceiver,
  { token, system, tell }: Identity,
): Promise<Deployment> {
  return ground.deploy(
    {
      services: engineOf(cell, context).services,
      replicas: cell.replicas,
      env: { ...nodeEnvironment({ ...cell, token, system, network: ground.network }), ...engineOf(cell, context).env },
      timeouts: timeoutsAt(engineOf(cell, context).timeouts, cell),
      outside: { tools: ledger.address, receiver: receiver.address },
      restartDelayMs: cell.restartDelayMs,
      spares: countSpares(cell, engineOf(cell, context), context.faults),
      onSpare: context.machine.spare,
      seed: cell.seed,
      edge: needsEdge(cell, context),
      onStranger: tell,
      onNodeEvent: (event) => {
        context.machine.node(cell, event)
        recorder.record({ f: 'node', type: 'observe', process: `node:${event.node}`, value: event })
      },
    },
    context.signal,
  )
}

async function connectClients(
  cell: CellPlan,
  context: BlockContext,
  recorder: Recorder,
  deployment: Deployment,
  receiver: CallbackReceiver,
  { token, watch }: Identity,
  stack: AsyncDisposableStack,
): Promise<JobRunner> {
  const { default: runJob } = (await import(`../../patterns/deliveries/${cell.delivery}/client.ts`)) as {
    default: RunJob
  }
  const callbackUrl = deployment.links.find(({ kind }) => kind === 'sender->receiver')?.url
  const inbox: Inbox = {
    urlFor: (job) => `${callbackUrl}/callbacks/${job}`,
    wait: (job, signal, open) => receiver.wait<Task>(job, signal, open),
  }
  const apis = deployment.links.filter(({ kind }) => kind === 'client->api').map(({ name, url }) => ({ name, url }))
  const dispatcher = stack.use(openDispatcher(timingAt(cell.timeScale).connectTimeoutMs, cell.timeScale))
  const ports = {
    apis,
    sticky: engineOf(cell, context).sticky,
    dispatcher: watched(dispatcher, apis, watch),
    onHandshake: (url: string, handshake: Handshake) => watch(handshake, () => placeOf(url, apis)),
    token,
    timeScale: cell.timeScale,
    ...(callbackUrl && { inbox }),
  }
  return createJobRunner(cell, runJob, ports, recorder, context.signal)
}

async function offerLoad(parts: Parts, epochMs: number): Promise<PacerReport> {
  const { cell, context, recorder, jobs, runner, deployment, steps } = parts
  recorder.startAt(epochMs)
  enterPhase(parts, 'load')
  const running: Promise<void>[] = []
  const nemesis = carryOut(
    cell.faults,
    {
      faults: context.faults,
      deployment,
      executor: engineOf(cell, context).executor,
      epochMs,
      onStep: steps.wait,
      note: (entry) => context.journal.note({ cell: cell.id, ...entry }),
      record: (value) => {
        recorder.record({ f: 'fault', type: 'observe', process: 'nemesis', value })
        parts.events.fault(value)
      },
    },
    context.signal,
  )
  const pacer = await offerOpenLoop({
    arrivals: jobs.map(({ intent }) => intent.intendedAt),
    epochMs,
    maxInFlight,
    dispatch: (ordinal) => {
      const job = runner.run(jobs[ordinal]!)
      running.push(job)
      return job
    },
    skip: (ordinal) => runner.skip(jobs[ordinal]!),
    signal: context.signal,
  })
  await nemesis
  enterPhase(parts, 'heal')
  enterPhase(parts, 'drain')
  await Promise.all(running)
  return pacer
}

function recordCallback(recorder: Recorder, callback: Callback): void {
  const { job, deliveryId, body } = callback
  const digest = body.result?.digest ?? null
  const value = { taskId: body.task_id, deliveryId, status: body.status as 'completed', digest, httpStatus: 204 }
  recorder.record({ f: 'callback', type: 'observe', process: 'receiver', task: job, value })
}
