import { connect, type Socket } from 'node:net'
import { monotonicMs } from '../../../../patterns/contract/types/timer.ts'
import { memoizeFirst, onlyOnce } from '../../../core/async.ts'
import type { FilterSpec, Impairment } from '../../../model/link.ts'
import type { Isolation } from '../../../model/runtime.ts'
import type { Packets } from './packets.ts'
import { imposeFilter, imposeIsolation, type Imposed, type MarkedLink, canaryPorts } from './ruleset.ts'

/** What a new connection must meet while a rule is in force. */
const expected: Readonly<Record<FilterSpec['action'], readonly Meeting[]>> = {
  drop: ['silence'],
  reset: ['ECONNREFUSED'],
  unreachable: ['EHOSTUNREACH', 'EACCES', 'ENETUNREACH'],
}

/** Tells apart the rules that were ever made in one table: 15 bits of a connection's mark. */
let generations = 0

/** Where rules are put: the packet filter of a router, and the router's own address. */
interface Site {
  readonly packets: Packets
  readonly host: string
}

/** Packets that met a rule on a link, and ends that it told of theirs. */
const counters = { packets: 'hits', endsTold: 'told' }

/** Put a rule on a link, which listens at the site. */
export function filterLink(site: Site, link: MarkedLink, spec: FilterSpec): Promise<Impairment> {
  const generation = (generations = (generations % 0x7fff) + 1)
  const { idleMs, action, probability } = spec
  const trial =
    probability < 1 ? 'not tried: only a share of connections' : { port: link.port, expected: expected[action] }
  return putInForce(site, imposeFilter(site.packets.table, link, spec, generation), (rule) =>
    idleMs === undefined ? promptRule(rule, trial, counters) : idleRule(rule, link.port, idleMs),
  )
}

/** A rule that the kernel has, and how to take it back. */
interface Rule extends Site {
  readonly id: string
  readonly heal: () => Promise<void>
  readonly isAlive: () => Promise<boolean>
  /** Counts of this rule by their names here, from the kernel's by theirs. */
  readonly count: <N extends string>(counters: Readonly<Record<N, string>>) => Promise<Record<N, number>>
}

/** Take a rule back where its effect cannot be shown. */
async function putInForce(
  { packets, host }: Site,
  { id, script, undo }: Imposed,
  show: (rule: Rule) => Promise<Impairment>,
): Promise<Impairment> {
  const sinceMs = monotonicMs()
  await packets.run(script)
  const heal = onlyOnce(() => packets.run(undo))
  const isAlive = async (): Promise<boolean> => (await packets.read()).filled.has(`live0_${id}`)
  const count: Rule['count'] = async (counters) => {
    const { counters: counted } = await packets.read()
    return Object.fromEntries(
      Object.entries<string>(counters).map(([name, what]) => [name, counted.get(`${what}_${id}`) ?? 0]),
    ) as Record<keyof typeof counters, number>
  }
  try {
    return { sinceMs, ...(await show({ packets, host, id, heal, isAlive, count })) }
  } catch (error) {
    await heal()
    throw error
  }
}

/** A rule that acts at once: a trial connection must feel it, now and at the end, or the text says why none is made. */
async function promptRule(
  { host, id, heal, isAlive, count }: Rule,
  trial: string | { readonly port: number; readonly expected: readonly Meeting[] },
  counters: Readonly<Record<string, string>>,
): Promise<Impairment> {
  let canary: Meeting = typeof trial === 'string' ? trial : 'not tried'
  const verify = async (): Promise<boolean> => {
    if (!(await isAlive())) return false
    if (typeof trial === 'string') return true
    canary = await tryConnection(host, trial.port)
    return trial.expected.includes(canary)
  }
  if (!(await verify())) throw new Error(`the kernel took the rule, but a trial connection met "${canary}"`)
  return {
    evidence: { rule: id, canary },
    firings: async () => (await count({ hits: 'hits' })).hits,
    counts: async () => ({ ...(await count(counters)), canary }),
    listed: memoizeFirst(verify),
    heal,
  }
}

/** A rule that forgets what is silent: a silent trial connection must have been forgotten by the end. */
async function idleRule({ host, id, heal, isAlive, count }: Rule, port: number, idleMs: number): Promise<Impairment> {
  const canary: IdleCanary = await openIdleCanary(host, port)
  const openedAt = performance.now()
  const couldForget = (): boolean => performance.now() - openedAt >= idleMs * 1.1
  let met: Meeting | undefined
  const listed = async (): Promise<boolean> => {
    if (!(await isAlive())) return false
    if (!couldForget()) return true
    met ??= await canary.speak()
    return (await count({ canary: 'canary' })).canary > 0
  }
  return {
    evidence: { rule: id, canary: 'connected, and silent from now on' },
    // Every connection that came by was in its table, and whether one was silent too long is for the system to avoid. But
    // while not even ours was silent for so long, nobody can have been forgotten.
    firings: async () => (couldForget() ? (await count({ seen: 'seen' })).seen : 0),
    counts: async () => ({
      ...(await count({ connections: 'seen', ...counters })),
      canary: met ?? 'not yet idle for long enough',
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
  site: Site,
  node: { readonly name: string; readonly address: string },
  { dialled, whole }: Cut,
  { name, from, expiresMs }: Isolation,
): Promise<Impairment> {
  if (dialled !== 'all' && dialled.length + whole.length === 0)
    throw new Error(`${node.name} has no connection with any ${from}`)
  const marks = { dialled, whole: whole.map(({ mark }) => mark) }
  const cut = { name, node: node.name, address: node.address, expiresMs, ...marks }
  const [first] = whole
  const trial = first ? { port: first.port, expected: ['silence'] } : 'not tried: nobody dials it here'
  const counters = { dropped: 'hits', endsSwallowed: 'ends', endsTold: 'told' }
  return putInForce(site, imposeIsolation(site.packets.table, cut), (rule) => promptRule(rule, trial, counters))
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
