import { connect, type Socket } from 'node:net'
import { monotonicMs } from '../../../../patterns/contract/types/timer.ts'
import { knownAtFirst, onlyOnce } from '../../../core/async.ts'
import type { FilterSpec, Impairment } from '../../../model/link.ts'
import type { Isolation } from '../../../model/runtime.ts'
import type { Packets, Sight } from './packets.ts'
import { imposeFilter, imposeIsolation, type Imposed, type MarkedLink, canaryPorts } from './ruleset.ts'

/** What a new connection must meet while a rule is in force. */
const expected: Readonly<Record<FilterSpec['action'], readonly Meeting[]>> = {
  drop: ['silence'],
  reset: ['ECONNREFUSED'],
  unreachable: ['EHOSTUNREACH', 'EACCES', 'ENETUNREACH'],
}

/** Tells apart the rules that were ever made in one table: 15 bits of a connection's mark. */
let generations = 0

/** Put a rule on a link; `host` is the router, where the link listens. */
export async function filterLink(
  packets: Packets,
  host: string,
  link: MarkedLink,
  spec: FilterSpec,
): Promise<Impairment> {
  const generation = (generations = (generations % 0x7fff) + 1)
  const imposed = imposeFilter(packets.table, link, spec, generation)
  await packets.run(imposed.script)
  const sinceMs = monotonicMs()
  const heal = onlyOnce(() => packets.run(imposed.undo))
  try {
    const { idleMs } = spec
    return idleMs === undefined
      ? { sinceMs, ...(await promptRule(packets, host, link, spec, imposed, heal)) }
      : { sinceMs, ...(await idleRule(packets, host, link, { ...spec, idleMs }, imposed, heal)) }
  } catch (error) {
    await heal()
    throw error
  }
}

/** A rule that strikes at once: a trial connection must feel it, now and at the end. */
async function promptRule(
  packets: Packets,
  host: string,
  link: MarkedLink,
  spec: FilterSpec,
  { id }: Imposed,
  heal: () => Promise<void>,
): Promise<Impairment> {
  let canary: Meeting = 'not tried: only a share of connections'
  const verify = async (): Promise<boolean> => {
    const alive = (await packets.read()).filled.has(`live0_${id}`)
    if (!alive || spec.probability < 1) return alive
    canary = await tryConnection(host, link.port)
    return expected[spec.action].includes(canary)
  }
  if (!(await verify())) throw new Error(`the kernel took the rule, but a trial connection met "${canary}"`)
  return {
    evidence: { rule: id, canary },
    firings: async () => counterOf(await packets.read(), 'hits', id),
    counts: async () => tellCounts(await packets.read(), id, canary),
    listed: knownAtFirst(verify),
    heal,
  }
}

/** A rule that forgets what is silent: a silent trial connection must have been forgotten by the end. */
async function idleRule(
  packets: Packets,
  host: string,
  link: MarkedLink,
  spec: FilterSpec & { readonly idleMs: number },
  { id }: Imposed,
  heal: () => Promise<void>,
): Promise<Impairment> {
  const canary: IdleCanary = await openIdleCanary(host, link.port)
  const openedAt = performance.now()
  const couldForget = (): boolean => performance.now() - openedAt >= spec.idleMs * 1.1
  let met: Meeting | undefined
  const listed = async (): Promise<boolean> => {
    if (!(await packets.read()).filled.has(`live0_${id}`)) return false
    if (!couldForget()) return true
    met ??= await canary.speak()
    return counterOf(await packets.read(), 'canary', id) > 0
  }
  return {
    evidence: { rule: id, canary: 'connected, and silent from now on' },
    // Every connection that came by was in its table, and whether one was silent too long is for the system to avoid. But
    // while not even ours was silent for so long, nobody can have been forgotten.
    firings: async () => (couldForget() ? counterOf(await packets.read(), 'seen', id) : 0),
    counts: async () => ({
      connections: counterOf(await packets.read(), 'seen', id),
      ...tellCounts(await packets.read(), id, met ?? 'not yet idle for long enough'),
    }),
    listed,
    heal: async () => {
      canary[Symbol.dispose]()
      await heal()
    },
  }
}

/** Who is cut off from whom: the connections that it dials, by the mark of their links, and those that others dial. */
export interface Cut {
  readonly dialled: readonly number[] | 'all'
  readonly whole: readonly MarkedLink[]
}

/**
 * Cut a node off, on all its connections or on those with one role. Where a node dials it over such a link, a trial
 * connection must meet silence, now and at the end. A node that only dials others is read back and counted.
 */
export async function isolateNode(
  packets: Packets,
  host: string,
  node: { readonly name: string; readonly address: string },
  { dialled, whole }: Cut,
  { name, from, expiresMs }: Isolation,
): Promise<Impairment> {
  if (dialled !== 'all' && dialled.length + whole.length === 0)
    throw new Error(`${node.name} has no connection with any ${from}`)
  const marks = { dialled, whole: whole.map(({ mark }) => mark) }
  const imposed = imposeIsolation(packets.table, { name, node: node.name, address: node.address, expiresMs, ...marks })
  await packets.run(imposed.script)
  const sinceMs = monotonicMs()
  const { id } = imposed
  const heal = onlyOnce(() => packets.run(imposed.undo))
  let canary: Meeting = 'not tried: nobody dials it here'
  const verify = async (): Promise<boolean> => {
    if (!(await packets.read()).filled.has(`live0_${id}`)) return false
    if (whole.length > 0) canary = await tryConnection(host, whole[0]!.port)
    return whole.length === 0 || canary === 'silence'
  }
  if (!(await verify())) {
    await heal()
    throw new Error(`the kernel took the cut, but a trial connection to ${node.name} met "${canary}"`)
  }
  return {
    sinceMs,
    evidence: { rule: id, canary },
    firings: async () => counterOf(await packets.read(), 'hits', id),
    counts: async () => {
      const sight = await packets.read()
      return {
        dropped: counterOf(sight, 'hits', id),
        endsSwallowed: counterOf(sight, 'ends', id),
        endsTold: counterOf(sight, 'told', id),
        canary,
      }
    },
    listed: knownAtFirst(verify),
    heal,
  }
}

function tellCounts(sight: Sight, id: string, canary: Meeting): Readonly<Record<string, unknown>> {
  return { packets: counterOf(sight, 'hits', id), endsTold: counterOf(sight, 'told', id), canary }
}

function counterOf({ counters }: Sight, what: string, id: string): number {
  return counters.get(`${what}_${id}`) ?? 0
}

/** What a trial connection met: `connected`, `silence`, or the error's code. */
type Meeting = string

const patienceMs = 400
let next = canaryPorts.first

/** Try one connection from a port that the packet filter counts apart. */
async function tryConnection(host: string, port: number): Promise<Meeting> {
  const { socket, met } = open(host, port)
  const meeting = await met
  socket.destroy()
  return meeting
}

/** A connection that stays open and silent until it is asked to say something. */
interface IdleCanary extends Disposable {
  /** Sends one byte: a peer that forgot this connection drops it, or answers with a reset. */
  speak(): Promise<Meeting>
}

/** Rejects when it cannot even connect. */
async function openIdleCanary(host: string, port: number): Promise<IdleCanary> {
  const { socket, met } = open(host, port)
  const meeting = await met
  if (meeting !== 'connected') throw new Error(`a trial connection to ${host}:${port} met ${meeting}`)
  let ended: Meeting | undefined
  socket.on('error', ({ code, message }: NodeJS.ErrnoException) => (ended ??= code ?? message))
  socket.on('close', () => (ended ??= 'closed'))
  return {
    speak: async () => {
      if (ended === undefined) socket.write('\n')
      await new Promise((resolve) => setTimeout(resolve, patienceMs))
      return ended ?? 'silence'
    },
    [Symbol.dispose]: () => void socket.destroy(),
  }
}

function open(host: string, port: number): { socket: Socket; met: Promise<Meeting> } {
  const socket = connect({ host, port, localPort: nextPort() })
  const met = new Promise<Meeting>((resolve) => {
    const timer = setTimeout(() => resolve('silence'), patienceMs)
    socket.once('connect', () => resolve('connected'))
    socket.once('error', ({ code, message }: NodeJS.ErrnoException) => resolve(code ?? message))
    socket.once('close', () => clearTimeout(timer))
  })
  return { socket, met }
}

/** A port that was just used may still linger: the next one is taken. */
function nextPort(): number {
  next = next >= canaryPorts.last ? canaryPorts.first : next + 1
  return next
}
