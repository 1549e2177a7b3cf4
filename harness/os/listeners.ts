import { readdirSync, readFileSync, readlinkSync } from 'node:fs'

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
    return /^socket:\[(\d+)\]$/.exec(readlinkSync(descriptor))?.slice(1) ?? []
  } catch {
    return []
  }
}

/** proc_net_tcp(5): state 0A listens; the local address is the second column, the inode the tenth. */
function table(name: string): readonly { readonly port: number; readonly inode: string }[] {
  try {
    return readFileSync(`/proc/net/${name}`, 'utf8')
      .split('\n')
      .map((line) => line.trim().split(/\s+/))
      .filter((columns) => columns[3] === '0A')
      .map((columns) => ({ port: Number.parseInt(columns[1]!.split(':')[1]!, 16), inode: columns[9]! }))
  } catch {
    return []
  }
}
