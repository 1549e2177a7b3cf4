import { childrenOf, isVisible, openThreads, openThrottle, type ThreadReader, type ThreadTimes } from '../../os/proc.ts'

/** What the processes of a run did since the reading before. */
export interface FamilyReading {
  /** Processor time of all of them. */
  readonly ranMs: number
  /** Per node, and for `harness`, which is all that runs beside the nodes: how long the most delayed thread waited. */
  readonly waitedMs: ReadonlyMap<string, number>
}

/** The processes of a run, this one included, read again and again; disposing lets go of them. */
export interface Family extends Disposable {
  /** A node is ready as this process, or no longer. Who still starts holds nothing that a delay could cost it. */
  adopt(name: string, pid: number | undefined): void
  /** It will be a node, and is nobody's before: without this, one that is older than the watch would count as the harness. */
  expect(pid: number): void
  read(): FamilyReading
  /** Nodes whose processes are in no place where this one can see them. */
  readonly unseen: ReadonlySet<string>
}

interface Member {
  readonly root: number
  readonly threads: ThreadReader
  readonly throttledMs: () => number | undefined
  heldBackMs: number
  last: ReadonlyMap<number, ThreadTimes>
  /** Older than the watch: what it ran before is of no interest. What is younger, and no node, is a node that starts. */
  readonly old: boolean
}

/** Reading who there is costs more than reading what they did: once in so many readings. */
const refreshEvery = 4

/** The tree below this process, and below nodes that are not in it, as those of containers are. */
export function watchFamily(): Family {
  const nodes = new Map<number, string>()
  const members = new Map<number, Member>()
  const unseen = new Set<string>()
  const spares = new Set<number>()
  let readings = 0
  const refresh = (): void => {
    const found = findTree([process.pid, ...nodes.keys()], nodes)
    for (const [pid, member] of members) if (!found.has(pid)) dismiss(members, pid, member)
    for (const [pid, root] of found) {
      const known = members.get(pid)
      if (known) known.threads.refresh()
      else members.set(pid, meet(pid, root, readings === 0))
    }
  }
  return {
    adopt(name, pid) {
      for (const [known, other] of nodes) if (other === name) nodes.delete(known)
      if (pid !== undefined) nodes.set(pid, name)
      if (pid !== undefined && !isVisible(pid)) unseen.add(name)
    },
    expect: (pid) => void spares.add(pid),
    read() {
      if (readings % refreshEvery === 0) refresh()
      const reading = readMembers(members, nodes, spares)
      readings++
      return reading
    },
    unseen,
    [Symbol.dispose]: () => members.forEach((member, pid) => dismiss(members, pid, member)),
  }
}

function meet(pid: number, root: number, old: boolean): Member {
  const throttledMs = openThrottle(pid)
  return { root, threads: openThreads(pid), throttledMs, heldBackMs: throttledMs() ?? 0, last: new Map(), old }
}

function dismiss(members: Map<number, Member>, pid: number, { threads }: Member): void {
  threads[Symbol.dispose]()
  members.delete(pid)
}

/** Every process below the roots, with the root that it counts for: the nearest node above it, or who we started ourselves. */
function findTree(roots: readonly number[], nodes: ReadonlyMap<number, string>): ReadonlyMap<number, number> {
  const found = new Map<number, number>()
  const visit = (pid: number, root: number): void => {
    if (found.has(pid)) return
    found.set(pid, root)
    for (const child of childrenOf(pid)) visit(child, nodes.has(child) || root === process.pid ? child : root)
  }
  for (const root of roots) visit(root, root)
  return found
}

function readMembers(
  members: ReadonlyMap<number, Member>,
  nodes: ReadonlyMap<number, string>,
  spares: ReadonlySet<number>,
): FamilyReading {
  const waitedMs = new Map<string, number>()
  let ranMs = 0
  for (const member of members.values()) {
    const now = member.threads.read()
    const known = member.last.size > 0
    for (const [thread, times] of now) ranMs += ranSince(member, thread, times)
    const name = nodes.get(member.root) ?? (member.old && !spares.has(member.root) ? 'harness' : undefined)
    if (known && name !== undefined) {
      waitedMs.set(name, Math.max(waitedMs.get(name) ?? 0, longestWait(member, now)))
    }
    member.last = now
  }
  return { ranMs, waitedMs }
}

function ranSince({ last, old }: Member, thread: number, { ranMs }: ThreadTimes): number {
  const before = last.get(thread)
  if (before) return ranMs - before.ranMs
  return old && last.size === 0 ? 0 : ranMs
}

/** For its turn, or for a quota of its control group. */
function longestWait(member: Member, now: ReadonlyMap<number, ThreadTimes>): number {
  const waits = [...now].map(([thread, { waitedMs }]) => waitedMs - (member.last.get(thread)?.waitedMs ?? waitedMs))
  const throttledMs = member.throttledMs() ?? 0
  const heldBackMs = throttledMs - member.heldBackMs
  member.heldBackMs = throttledMs
  return waits.reduce((a, b) => Math.max(a, b), heldBackMs)
}
