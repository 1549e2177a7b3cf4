import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import type { Handshake } from '../../patterns/contract/client/client.ts'
import { monotonicMs } from '../../patterns/contract/types/timer.ts'
import { traceparentOf } from '../analysis/trace-ids.ts'
import { describeError } from '../core/errors.ts'
import type { Op, Stranger } from '../model/history.ts'
import type { CellPlan } from '../model/plan.ts'
import { maskOf } from '../core/masking.ts'
import { createRng } from '../core/rng.ts'
import type { Capability, DeployRequest } from '../model/runtime.ts'
import { shapeOf } from '../model/topology.ts'
import { type CellFolder, createCell } from '../store/run-folder.ts'
import { openHistory } from '../store/history-file.ts'
import type { LineFile } from '../store/line-file.ts'
import { planArrivals, offerOpenLoop, type PacerReport } from './open-loop.ts'
import { beginLoad, type BlockContext, type CellEvents, type CellParts, engineOf, enterPhase } from './cell-context.ts'
import { openFaultSender } from './callback-path.ts'
import { type Client, openClient } from './client.ts'
import { runProbes } from './control-probes.ts'
import { completeHistory, completeCutHistory } from './complete-history.ts'
import type { HealthMonitor } from './health.ts'
import { openCellInbox } from './cell-inbox.ts'
import type { CallbackReceiver } from './inbox.ts'
import { type CellIssuer, openCellIssuer } from './issuer.ts'
import { environmentOf } from './limits.ts'
import { createJobRunner, type JobRunner, planJobs } from './jobs.ts'
import { carryOut, type TaskWatch, watchTasks } from './nemesis.ts'
import type { TaskEnding } from './progress.ts'
import { hasPrincipal } from './permission-probes.ts'
import { createRecorder, type Recorder } from './recorder.ts'
import { countSpares } from './spares.ts'
import { nameSystem, placeOf, type StrangerWatch, watched, watchForStrangers } from './strangers.ts'
import { secretsOf } from '../targets/secrets.ts'
import { openSpeech, type TargetSpeech } from '../targets/speech.ts'
import { watchThread } from '../targets/standstill.ts'
import { tokenFor } from '../targets/token.ts'
import { openSystem, type System, type SystemSpec } from './system.ts'
import { warmUp } from './warm-up.ts'

/** A cell whose system is up and whose clients are ready; disposing ends everything of it. */
export interface ReadyCell extends AsyncDisposable {
  readonly cell: CellPlan
  readonly counts: JobRunner['counts']
  /** Offer the load from `epochMs` on, carry out the faults, heal, and wait until every client knows or gave up. */
  underLoad(epochMs: number): Promise<LoadedCell>
  /** Before the end: keep the effects so far, and say why no more is known. Never rejects. */
  cut(): Promise<void>
}

export interface LoadedCell {
  /** Read the truth from servers and ledger, and complete the history. */
  completeHistory(health: ReturnType<HealthMonitor['stop']>): Promise<void>
}

/** Most tasks in flight per cell: beyond it the driver would be the bottleneck, and says so. */
const maxInFlight = 20_000

/** A cell from its first line on, before it has a system. */
interface BegunCell {
  readonly cell: CellPlan
  readonly context: BlockContext
  readonly events: CellEvents
  readonly folder: CellFolder
  readonly recorder: Recorder
}

/** Start a cell's ledger, receiver, nodes and clients. A failure is also the last line of the cell's history. */
export async function prepareCell(cell: CellPlan, context: BlockContext, events: CellEvents): Promise<ReadyCell> {
  await using stack = new AsyncDisposableStack()
  const folder = await createCell(context.folder, cell.id)
  const history = await openHistory(folder.history, context.breakOff)
  stack.defer(() => history.close())
  const recorder = createRecorder(history, maskOf(secretsOf(context.targets?.get(cell.pattern))))
  recorder.record({ f: 'cell', type: 'observe', process: 'harness', value: cell })
  try {
    const parts = await assemble({ cell, context, events, folder, recorder }, stack)
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

async function assemble(begun: BegunCell, stack: AsyncDisposableStack): Promise<CellParts> {
  const { folder, ...common } = begun
  const { cell } = begun
  const identity = identify(begun)
  const taskWatch = watchTasks()
  const target = begun.context.targets?.get(cell.pattern)
  if (target) stack.use(watchThread(cell.pattern))
  const speech = target && (await openSpeech(target, { timeScale: cell.timeScale, onLost: begun.context.breakOff }))
  const { nameEnd } = speech ?? {}
  const openReceiver = (host: string) => openCellInbox(host, begun.recorder, nameEnd)
  const issuer = await issuerOf(begun)
  const spec = { ...specOf(begun, identity, taskWatch), nameEnd, openReceiver, apiEnv: issuer?.apiEnv }
  const system = stack.use(await openSystem(spec, begun.context.signal))
  begun.events.system(shapeOf(system.deployment, spec.engine.services))
  if (!speech) await warmUp(system.deployment.nodes, identity.token, begun.context.signal)
  const connected = { system, spec, speech, onAccepted: taskWatch.sawAccepted }
  const { runner, ports } = await connectClients(begun, identity, connected, stack)
  const arrivals = planArrivals(cell.load, cell.tasks, createRng(cell.seed, 'arrivals'))
  const { deployment, ledger, receiver } = system
  if (cell.faults.length > 0 && !speech)
    receiver.path.connect(
      (job) => `http://${receiver.address}${receiver.pathFor(job)}`,
      await openFaultSender(receiver.address, spec),
    )
  const jobs = planJobs(cell, arrivals, ledger.nonceOf)
  const { token, watch } = identity
  return {
    ...common,
    taskWatch,
    callbacks: receiver.path,
    deployment,
    ledger,
    jobs,
    runner,
    probes: { ports, taskIds: new Map(), principals: issuer && { issuer, toolsUrl: toolsUrlOf(deployment) } },
    token,
    watch,
    ...(speech && { speech }),
    logs: folder.logs,
  }
}

/** Where tasks have principals beside the operator. */
async function issuerOf({ cell, context }: BegunCell): Promise<CellIssuer | undefined> {
  if (!cell.control?.some(hasPrincipal)) return undefined
  return openCellIssuer(await mkdtemp(join(context.temp, 'issuer-')))
}

/** As executors have it. */
function toolsUrlOf({ links }: System<unknown>['deployment']): string {
  return links.find(({ kind }) => kind === 'worker->tools')!.url
}

/** How the cell's own system is known, and it knows its own clients. */
interface Identity {
  readonly name: string
  readonly token: string
  readonly onStranger: (stranger: Stranger) => void
  readonly watch: StrangerWatch
}

function identify({ cell, context, recorder }: BegunCell): Identity {
  const name = nameSystem(context.folder.name, cell.id)
  const onStranger = (value: Stranger): void =>
    void recorder.record({ f: 'stranger', type: 'observe', process: 'harness', value })
  // Only nodes of outlast's own say who they are.
  const watch = cell.ownWork ? () => {} : watchForStrangers(name, onStranger, needs('edge', cell, context))
  return { name, token: tokenFor(context.targets?.get(cell.pattern)), onStranger, watch }
}

function needs(need: Capability, cell: CellPlan, { faults }: BlockContext): boolean {
  return cell.faults.some(({ fault }) => faults.get(fault)?.needs.includes(need))
}

function specOf(
  begun: BegunCell,
  identity: Identity,
  taskWatch: TaskWatch,
): Omit<SystemSpec<CallbackReceiver>, 'openReceiver'> {
  const { cell, context, folder } = begun
  const { delivery, tuning, timeScale } = cell
  const { temp, journal, breakOff: lost } = context
  const isWaitedFor = cell.faults.some(({ trigger }) => trigger.kind === 'step')
  return {
    runtime: context.runtime,
    place: { cell: cell.id, folder: folder.path, temp, note: journal.note, lost },
    engine: engineOf(cell, context),
    delivery,
    tuning,
    timeScale,
    name: identity.name,
    token: identity.token,
    nodeEnv: environmentOf(cell.limits),
    ...(isWaitedFor && { onEffect: taskWatch.sawEffect }),
    deploy: deployOf(begun, identity),
  }
}

function deployOf(
  { cell, context, events, recorder }: BegunCell,
  { onStranger }: Identity,
): SystemSpec<unknown>['deploy'] {
  const { replicas, restartDelayMs, seed } = cell
  const onNodeEvent: DeployRequest['onNodeEvent'] = (event) => {
    const { endedMs, ...value } = event
    context.machine.node(cell, event)
    const when = endedMs === undefined ? {} : { atMonotonicMs: endedMs }
    recorder.record({ f: 'node', type: 'observe', process: `node:${event.node}`, value, ...when })
    events.node(event)
  }
  return {
    replicas,
    restartDelayMs,
    seed,
    onNodeEvent,
    onStranger,
    spares: countSpares(cell, engineOf(cell, context), context.faults),
    onSpare: context.machine.spare,
    edge: needs('edge', cell, context),
    blockable: needs('block', cell, context),
  }
}

/** A system, and who hears of its acceptances. */
interface Connected {
  readonly system: System<CallbackReceiver>
  readonly spec: SystemSpec<CallbackReceiver>
  readonly speech: TargetSpeech | undefined
  readonly onAccepted: TaskWatch['sawAccepted']
}

async function connectClients(
  { cell, context, recorder }: BegunCell,
  { watch }: Identity,
  { system, spec, speech, onAccepted }: Connected,
  stack: AsyncDisposableStack,
): Promise<{ readonly runner: JobRunner; readonly ports: Client['ports'] }> {
  const { runJob, ports } = stack.use(await openClient(system, spec, speech))
  const { apis } = ports
  const observed = {
    ...ports,
    dispatcher: watched(ports.dispatcher, apis, watch),
    onHandshake: (url: string, handshake: Handshake) => watch(handshake, () => placeOf(url, apis)),
  }
  const { traceIds, onTaskEnd, signal } = context
  const told = {
    ...(traceIds && { traceparentOf: (job: string) => traceparentOf(traceIds(cell.id, job)) }),
    ...(onTaskEnd && { onEnd: (end: TaskEnding) => onTaskEnd({ cell: cell.id, ...end }) }),
  }
  const jobClient = { runJob, ports: observed, onAccepted, ...(speech && { speech }), ...told }
  return { runner: createJobRunner(cell, jobClient, recorder, signal), ports: observed }
}

function readyCell(parts: CellParts, history: LineFile<Op>, owned: AsyncDisposableStack): ReadyCell {
  return {
    cell: parts.cell,
    counts: parts.runner.counts,
    underLoad: async (epochMs) => {
      const pacer = await offerLoad(parts, epochMs)
      // What cannot be written has broken the run off.
      await history.sync().catch(() => {})
      return {
        completeHistory: async (health) => {
          await completeHistory(parts, pacer, health)
          await history.sync()
        },
      }
    },
    cut: async () => {
      await completeCutHistory(parts)
      await history.sync().catch(() => {})
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function offerLoad(parts: CellParts, epochMs: number): Promise<PacerReport> {
  const { cell, context, jobs, runner, recorder, probes } = parts
  beginLoad(parts, epochMs)
  const running: Promise<void>[] = []
  const probing = runProbes({ cell, ...probes, recorder, epochMs, signal: context.signal })
  const nemesis = carryOutFaults(parts, epochMs)
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
  await Promise.all([...running, probing])
  return pacer
}

function carryOutFaults(
  { cell, context, recorder, deployment, callbacks, taskWatch, events }: CellParts,
  epochMs: number,
) {
  return carryOut(
    cell.faults,
    {
      faults: context.faults,
      deployment,
      callbacks,
      executor: engineOf(cell, context).executor,
      epochMs,
      onStep: taskWatch.step,
      onAccepted: taskWatch.accepted,
      note: (entry) => context.journal.note({ cell: cell.id, ...entry }),
      record: (value) => {
        recorder.record({ f: 'fault', type: 'observe', process: 'nemesis', value })
        events.fault(value)
      },
    },
    context.signal,
  )
}
