import { readdirSync, readFileSync } from 'node:fs'
import { listeningPorts } from '../../harness/os/listeners.ts'

/**
 * Ports of every process whose temporary folder is one of these, by folder. They are those on which it listens, and
 * the one that it was given as a node, also before it is up. Linux alone: elsewhere there is nothing to see.
 */
export function portsByFolder(folders: readonly string[]): ReadonlyMap<string, ReadonlySet<number>> {
  const byFolder = new Map(folders.map((folder) => [folder, { pids: [] as number[], told: [] as number[] }]))
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const env = environmentOf(pid)
    const found = byFolder.get(env.get('TMPDIR') ?? '')
    found?.pids.push(Number(pid))
    if (env.has('OUTLAST_PORT')) found?.told.push(Number(env.get('OUTLAST_PORT')))
  }
  return new Map([...byFolder].map(([folder, { pids, told }]) => [folder, new Set([...listeningPorts(pids), ...told])]))
}

/** As the process was started; empty for one that has ended. */
function environmentOf(pid: string): ReadonlyMap<string, string> {
  try {
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0')
    return new Map(entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]))
  } catch {
    return new Map()
  }
}
