import { readFile, readdir } from 'node:fs/promises'
import { sleep } from '../../patterns/contract/types/timer.ts'

/** Names one life of a program, in the environment of all that it starts, in whichever group that is. */
const mark = 'OUTLAST_LIFE'

export function markOf(life: string): Readonly<Record<string, string>> {
  return { [mark]: life }
}

/**
 * Send a signal to each process of a life, and to those that begin meanwhile. What has thrown its environment away is not
 * found, and nothing is where there is no /proc.
 */
export async function signalLife(life: string, signal: 'SIGSTOP' | 'SIGCONT'): Promise<void> {
  const reached = new Set<number>()
  for (let round = 0; round < mostRounds; round++) {
    const found = (await processesOf(life)).filter((pid) => !reached.has(pid))
    if (found.length === 0) return
    for (const pid of found) send(pid, signal)
    for (const pid of found) reached.add(pid)
  }
}

/** The same with SIGKILL. Resolves when all are gone: a signal takes its time. */
export async function endLife(life: string): Promise<void> {
  for (let round = 0; round < mostRounds; round++) {
    const found = await processesOf(life)
    if (found.length === 0) return
    for (const pid of found) send(pid, 'SIGKILL')
    await sleep(10)
  }
}

/** Who forks faster than this is not stopped by signals. */
const mostRounds = 50

async function processesOf(life: string): Promise<readonly number[]> {
  const pids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name)).map(Number)
  const entry = `${mark}=${life}`
  const each = pids.map(async (pid) => {
    const environment = await readFile(`/proc/${pid}/environ`, 'latin1').catch(() => '')
    return environment.split('\0').includes(entry) ? [pid] : []
  })
  return (await Promise.all(each)).flat()
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Gone already.
  }
}
