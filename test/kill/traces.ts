/**
 * What of a run is on this machine, found by other means than the harness's. These are the tree of its processes
 * while it lived, and the temporary folder that it was given.
 */
import { readdirSync, readFileSync, readlinkSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { childrenOf } from '../../harness/os/proc.ts'

interface Process {
  readonly pid: number
  /** With the pid it means one process for certain. */
  readonly startTicks: string
  readonly command: string
  readonly environment: readonly string[]
}

/** What was seen of a tree of processes. */
export interface Sighting {
  readonly alive: readonly Process[]
  /** Without the label, looked at twice: the environment of a process that is just beginning is empty. */
  readonly unlabelled: readonly string[]
}

export interface Watch {
  look(): Sighting
  /** A sentence on each thing that is still here. */
  left(): readonly string[]
  /** End what is left. */
  end(): void
  /** The runs that had folders there. */
  readonly runs: ReadonlySet<string>
}

/** @param root the process that was started; @param temp the TMPDIR that it was given, which nobody else has */
export function watchTree(root: number, temp: string): Watch {
  const known = new Map<string, Process>()
  const unlabelled = new Map<string, number>()
  const databases = new Set<number>()
  const runs = new Set<string>()
  const since = Date.now()
  // What the one who starts all of this has itself is no label of a run.
  const given = readProcess(root)[0]?.environment.find(isLabel)
  const look = (): Sighting => {
    const alive = treeOf(root).flatMap(readProcess)
    for (const one of alive) {
      known.set(keyOf(one), one)
      const isNamed = one.environment.some((entry) => isLabel(entry) && entry !== given)
      // A server that writes its title over its environment carries a label that cannot be read.
      const isWrittenOver = !one.environment.some((entry) => /^\w+=/.test(entry))
      if (!isNamed && !isWrittenOver && !isHarness(one))
        unlabelled.set(keyOf(one), (unlabelled.get(keyOf(one)) ?? 0) + 1)
      else unlabelled.delete(keyOf(one))
    }
    for (const inode of databasesIn(temp)) databases.add(inode)
    for (const name of readdirSync(temp)) if (name.startsWith('outlast-')) runs.add(name.slice('outlast-'.length))
    return {
      alive,
      unlabelled: [...unlabelled].filter(([, times]) => times > 1).map(([key]) => known.get(key)!.command),
    }
  }
  const running = () => allProcesses().filter((one) => known.has(keyOf(one)) || isOf(temp, one))
  const left = (): readonly string[] => {
    const pids = new Set([...known.values()].map(({ pid }) => pid))
    return [
      ...running().map(({ pid, command }) => `process ${pid}: ${command.slice(0, 120)}`),
      ...readdirSync(temp).map((name) => `folder ${name}`),
      ...kernelObjects(pids, databases, since),
    ]
  }
  const end = (): void => {
    for (const { pid } of running()) kill(pid)
  }
  return { look, left, end, runs }
}

function isLabel(entry: string): boolean {
  return entry.startsWith('OUTLAST_RUN=')
}

export function kill(pid: number, signal: NodeJS.Signals = 'SIGKILL'): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone already.
  }
}

/** The one that a user starts, and the one to which it hands over: nobody labels what a user starts. */
function isHarness({ command }: Process): boolean {
  return /bin\/outlast\.js/.test(command)
}

function treeOf(root: number): readonly number[] {
  return [root, ...childrenOf(root).flatMap(treeOf)]
}

function keyOf({ pid, startTicks }: Process): string {
  return `${pid}/${startTicks}`
}

function allProcesses(): readonly Process[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => readProcess(Number(pid)))
}

/** None when it has ended, as a zombie has. */
function readProcess(pid: number): readonly Process[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    if (fields[0] === 'Z' || fields[0] === 'X') return []
    const [command, environment] = ['cmdline', 'environ'].map((file) => readFileSync(`/proc/${pid}/${file}`, 'utf8'))
    return [
      {
        pid,
        startTicks: fields[19]!,
        command: command!.replaceAll('\0', ' ').trim(),
        environment: environment!.split('\0'),
      },
    ]
  } catch {
    return []
  }
}

/** Its environment, its arguments, where it is, or what it has open names the folder. */
function isOf(temp: string, { pid, command, environment }: Process): boolean {
  if (command.includes(temp) || environment.some((entry) => entry.includes(temp))) return true
  return [`/proc/${pid}/cwd`, ...descriptorsOf(pid)].some((link) => targetOf(link).startsWith(temp))
}

function descriptorsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).map((fd) => `/proc/${pid}/fd/${fd}`)
  } catch {
    return []
  }
}

function targetOf(link: string): string {
  try {
    return readlinkSync(link)
  } catch {
    return ''
  }
}

/** Inodes of the folders of databases. */
function databasesIn(folder: string, depth = 4): readonly number[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    if (entries.some(({ name }) => name === 'pg_wal')) return [statSync(folder).ino]
    if (depth === 0) return []
    return entries.filter((one) => one.isDirectory()).flatMap(({ name }) => databasesIn(join(folder, name), depth - 1))
  } catch {
    return []
  }
}

/**
 * System V shared memory and semaphores, younger than the run: made by one of these, or under the key of one of these folders. A
 * pid may have been another's before.
 */
function kernelObjects(pids: ReadonlySet<number>, databases: ReadonlySet<number>, sinceMs: number): readonly string[] {
  const isKey = (key: number): boolean =>
    [...databases].some((inode) => {
      const distance = (key >>> 0) - (inode % 2 ** 32)
      return distance >= 0 && distance < 16
    })
  const isYoung = ({ ctime = 0 }: Row): boolean => (ctime + 1) * 1000 > sinceMs
  const segments = rowsOf('shm').filter(({ key = 0, cpid = 0 }) => pids.has(cpid) || isKey(key))
  const semaphores = rowsOf('sem').filter(({ key = 0 }) => isKey(key))
  return [
    ...segments.filter(isYoung).map(({ shmid }) => `segment ${shmid}`),
    ...semaphores.filter(isYoung).map(({ semid }) => `semaphores ${semid}`),
  ]
}

type Row = Readonly<Record<string, number>>

/** By the names in the first line. */
function rowsOf(name: string): readonly Row[] {
  const [head = '', ...rows] = readFileSync(`/proc/sysvipc/${name}`, 'utf8').trim().split('\n')
  const columns = head.trim().split(/\s+/)
  return rows.map((row) => {
    const values = row.trim().split(/\s+/).map(Number)
    return Object.fromEntries(columns.map((column, i) => [column, values[i]!]))
  })
}
