import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { open, readdir, readlink } from 'node:fs/promises'
import { childrenOf } from './proc.ts'

/** TCP ports, of any address, on which one of the processes listens. Empty where there is no /proc. */
export function listeningPorts(pids: readonly number[]): readonly number[] {
  const sockets = new Set(pids.flatMap(socketsOf))
  const ports = ['tcp', 'tcp6'].flatMap(table).filter(({ inode }) => sockets.has(inode))
  return [...new Set(ports.map(({ port }) => port))]
}

function socketsOf(pid: number): readonly string[] {
  try {
    return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => socketBehind(`/proc/${pid}/fd/${fd}`))
  } catch {
    return []
  }
}

function socketBehind(descriptor: string): readonly string[] {
  try {
    return socketIn(readlinkSync(descriptor))
  } catch {
    return []
  }
}

function table(name: string): readonly Row[] {
  try {
    return readFileSync(`/proc/net/${name}`, 'utf8')
      .split('\n')
      .map(rowOf)
      .filter((row) => row !== undefined)
      .filter(({ listens }) => listens)
  } catch {
    return []
  }
}

interface Row {
  readonly port: number
  readonly inode: string
  readonly listens: boolean
}

/** proc_net_tcp(5): state 0A listens; the local address is the second column, the inode the tenth. Undefined for the heading. */
function rowOf(line: string): Row | undefined {
  const [, local, , state, , , , , , inode] = line.trim().split(/\s+/)
  const port = /^[0-9A-F]+:([0-9A-F]{4})$/.exec(local ?? '')?.[1]
  if (port === undefined || inode === undefined) return undefined
  return { port: Number.parseInt(port, 16), inode, listens: state === '0A' }
}

/**
 * True where the process, or one that it started, listens on all of these ports. False where another process listens on
 * one of them. Undefined where nobody can tell, as without a /proc or where the process is not ours to look into, or
 * not yet.
 */
export async function listensOn(
  pid: number,
  ports: readonly number[],
  processes: readonly number[] = [pid, ...descendantsOf(pid)],
): Promise<boolean | undefined> {
  const wanted = new Set(ports)
  const inodes = await socketsListening(wanted).catch(() => undefined)
  if (!inodes) return undefined
  const held = await Promise.all(processes.map(socketsHeld))
  const own = new Set(held.flatMap((sockets) => sockets ?? []))
  const isOwn = (sockets: readonly string[]): boolean => sockets.some((inode) => own.has(inode))
  if (![...inodes.values()].every(isOwn)) return held.includes(undefined) ? undefined : false
  return inodes.size === wanted.size ? true : undefined
}

/** The same of those alone that a signal to the group of the process reaches: a daemon makes one of its own. */
export function groupListensOn(pid: number, ports: readonly number[]): Promise<boolean | undefined> {
  return listensOn(
    pid,
    ports,
    [pid, ...descendantsOf(pid)].filter((one) => groupOf(one) === pid),
  )
}

/** proc_pid_stat(5): the group is the third field after the command's name, which may hold anything. */
function groupOf(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2])
  } catch {
    return undefined
  }
}

/** By port. The kernel lists who listens first: a table of thousands of connections is not read to its end. */
async function socketsListening(ports: ReadonlySet<number>): Promise<ReadonlyMap<number, readonly string[]>> {
  const found = new Map<number, string[]>()
  await using file = await open('/proc/net/tcp')
  for await (const line of file.readLines({ autoClose: false, start: 0 })) {
    const row = rowOf(line)
    if (!row) continue
    if (!row.listens) break
    if (ports.has(row.port)) found.set(row.port, [...(found.get(row.port) ?? []), row.inode])
  }
  return found
}

/** Undefined where they may not be read, as in a container without CAP_SYS_PTRACE; none of an ended process. */
async function socketsHeld(pid: number): Promise<readonly string[] | undefined> {
  const folder = `/proc/${pid}/fd`
  try {
    const links = (await readdir(folder)).map((fd) => readlink(`${folder}/${fd}`).catch(noneIfGone))
    return (await Promise.all(links)).flatMap(socketIn)
  } catch (error) {
    return hasGone(error) ? [] : undefined
  }
}

function noneIfGone(error: unknown): string {
  if (hasGone(error)) return ''
  throw error
}

function hasGone(error: unknown): boolean {
  return ['ENOENT', 'ESRCH'].includes((error as NodeJS.ErrnoException).code ?? '')
}

function socketIn(link: string): readonly string[] {
  return /^socket:\[(\d+)\]$/.exec(link)?.slice(1) ?? []
}

function descendantsOf(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => [child, ...descendantsOf(child)])
}
