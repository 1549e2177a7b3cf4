import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import type { Owner } from '../model/runtime.ts'

/** This process, as something that it leaves behind should name it. */
export function thisProcess(): Owner {
  return { pid: process.pid, startTicks: readStat(process.pid)?.startTicks ?? '', place: here() }
}

/** Whether the owner still runs; undefined when its pid means nothing here: another machine, boot or pid namespace. */
export function isAlive(owner: Owner): boolean | undefined {
  if (owner.place !== here()) return undefined
  const stat = readStat(owner.pid)
  if (stat === undefined) return owner.startTicks === '' && isTaken(owner.pid)
  // A zombie is dead and only waits for its parent to notice.
  return stat.startTicks === owner.startTicks && !'ZX'.includes(stat.state)
}

/** Whom servers run as that refuse to be root: nobody, who exists everywhere. */
export const nobody = 65534

/** Whether what has this owner may be ours: this very user's, or, where we are root, that of a server which we start as nobody. */
export function isOurUid(uid: number): boolean {
  const own = process.getuid?.()
  return uid === own || (own === 0 && uid === nobody)
}

/** A boot has an id of its own, which its containers share. Below it, namespaces of pids differ. */
function here(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    return `${boot} ${readlinkSync('/proc/self/ns/pid')}`
  } catch {
    return hostname()
  }
}

/** proc_pid_stat(5). The command's name, in parentheses, may hold anything: fields count from the last one on. */
function readStat(pid: number): { readonly state: string; readonly startTicks: string } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return { state: fields[0]!, startTicks: fields[19]! }
  } catch {
    return undefined
  }
}

/** Whether any process has this pid. Taken for an owner, a recycled one errs on the side of leaving things alone. */
export function isTaken(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
