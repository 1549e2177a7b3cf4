import { closeSync, openSync, readdirSync, readFileSync, readSync } from 'node:fs'

/** Microseconds since boot in which a process waited (`some` of Linux's pressure files), or undefined. */
export function readPressureUs(resource: 'cpu' | 'memory' | 'io'): number | undefined {
  const total = /^some .*total=(\d+)/m.exec(read(`/proc/pressure/${resource}`) ?? '')?.[1]
  return total === undefined ? undefined : Number(total)
}

/** Milliseconds of all processors together since boot (proc_stat(5)), or undefined where nobody counts. */
export function readCpuTimes():
  | { readonly busyMs: number; readonly idleMs: number; readonly stolenMs: number }
  | undefined {
  const fields = /^cpu +(.+)$/m
    .exec(read('/proc/stat') ?? '')?.[1]
    ?.split(' ')
    .map(Number)
  if (!fields) return undefined
  const [user = 0, nice = 0, system = 0, idle = 0, wait = 0, , , stolen = 0] = fields
  return { busyMs: (user + nice + system) * tickMs, idleMs: (idle + wait) * tickMs, stolenMs: stolen * tickMs }
}

/** Of the kernel's clock for user space: 100 Hz on every Linux that Node runs on. */
const tickMs = 10

/** Pages read from and written to swap since boot, or undefined. */
export function readSwappedPages(): number | undefined {
  const counts = [...(read('/proc/vmstat') ?? '').matchAll(/^pswp(?:in|out) (\d+)$/gm)].map(([, count]) =>
    Number(count),
  )
  return counts.length === 0 ? undefined : counts.reduce((a, b) => a + b, 0)
}

/** The processes that this one's main thread started and that still run. */
export function childrenOf(pid: number): readonly number[] {
  const text = read(`/proc/${pid}/task/${pid}/children`) ?? ''
  return text
    .split(' ')
    .filter((one) => one !== '')
    .map(Number)
}

/** Whether there is such a process, as far as this one can see. */
export function isVisible(pid: number): boolean {
  return threadsOf(pid).length > 0
}

/** Since a thread began (sched-stats of Linux). Node's helper threads count as waiting for nothing. */
export interface ThreadTimes {
  readonly ranMs: number
  readonly waitedMs: number
}

/** The threads of a process, read again and again at little cost; disposing closes what it holds open. */
export interface ThreadReader extends Disposable {
  /** Look for threads that began since. */
  refresh(): void
  /** By thread; those that have ended are absent. */
  read(): ReadonlyMap<number, ThreadTimes>
}

export function openThreads(pid: number): ThreadReader {
  const files = new Map<number, number>()
  const helpers = new Set<number>()
  const drop = (thread: number): void => {
    closeSync(files.get(thread)!)
    files.delete(thread)
  }
  const refresh = (): void => {
    for (const thread of threadsOf(pid)) {
      // A thread gets its name a moment after it begins.
      if (isHelper(pid, thread)) helpers.add(thread)
      if (files.has(thread)) continue
      const file = attempt(() => openSync(`/proc/${pid}/task/${thread}/schedstat`, 'r'))
      if (file !== undefined) files.set(thread, file)
    }
  }
  const timesOf = (thread: number, file: number): ThreadTimes => {
    const { ranMs, waitedMs } = readThread(file)
    return { ranMs, waitedMs: helpers.has(thread) ? 0 : waitedMs }
  }
  const readAll = (): ReadonlyMap<number, ThreadTimes> => {
    const times = [...files].map(([thread, file]) => [thread, attempt(() => timesOf(thread, file))] as const)
    for (const [thread, found] of times) if (!found) drop(thread)
    return new Map(times.filter((entry): entry is readonly [number, ThreadTimes] => entry[1] !== undefined))
  }
  refresh()
  return { refresh, read: readAll, [Symbol.dispose]: () => [...files.keys()].forEach(drop) }
}

/** Threads of Node that compile, collect garbage and read files: nobody who waits for an answer waits for them. */
const helperNames: ReadonlySet<string> = new Set(['V8Worker', 'DelayedTaskSche', 'SignalInspector', 'libuv-worker'])

function isHelper(pid: number, thread: number): boolean {
  return thread !== pid && helperNames.has(read(`/proc/${pid}/task/${thread}/comm`)?.trim() ?? '')
}

const buffer = Buffer.alloc(96)

/** `ran waited slices`, the first two in nanoseconds. Throws where the thread has ended. */
function readThread(file: number): ThreadTimes {
  const length = readSync(file, buffer, 0, buffer.length, 0)
  const [ran, waited] = buffer.toString('latin1', 0, length).split(' ')
  return { ranMs: Number(ran) / 1e6, waitedMs: Number(waited) / 1e6 }
}

function threadsOf(pid: number): readonly number[] {
  return (attempt(() => readdirSync(`/proc/${pid}/task`)) ?? []).map(Number)
}

function read(file: string): string | undefined {
  return attempt(() => readFileSync(file, 'utf8'))
}

/** What has ended in between, or is not there at all, is undefined. */
function attempt<T>(action: () => T): T | undefined {
  try {
    return action()
  } catch {
    return undefined
  }
}

/**
 * Milliseconds, since it began, in which the control group of a process was held back because its quota of processor
 * time was used up. Undefined where that is not counted. Version 2 counts microseconds, version 1 nanoseconds.
 */
export function openThrottle(pid: number): () => number | undefined {
  const paths = (read(`/proc/${pid}/cgroup`) ?? '').split('\n').flatMap((line) => {
    const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
    if (path === '/') return []
    if (controllers === '') return [`/sys/fs/cgroup${path}/cpu.stat`]
    return controllers.split(',').includes('cpu') ? [`/sys/fs/cgroup/${controllers}${path}/cpu.stat`] : []
  })
  const file = paths.find((path) => /^nr_throttled/m.test(read(path) ?? ''))
  return () => {
    const [, name, count] = /^(throttled_usec|throttled_time) (\d+)$/m.exec((file && read(file)) ?? '') ?? []
    return name === undefined ? undefined : Number(count) / (name === 'throttled_usec' ? 1e3 : 1e6)
  }
}
