import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'

/** A node that is started again whenever it ends, under the same name and address. */
export interface SupervisedNode extends AsyncDisposable {
  /** How often it died by SIGKILL. */
  readonly kills: number
  /**
   * Ends that nobody asked for, each with what that life wrote to stderr. A life that found no server when it began
   * does not count: a busy machine has such.
   */
  readonly failures: readonly string[]
  readonly name: string
  readonly url: string
  /** What all lives have written to stderr. */
  readonly log: () => string
  /** To the life of now. */
  signal(signal: NodeJS.Signals): void
  /** In good order; resolves when the next life is well. */
  restart(): Promise<void>
  /** Resolves when it answers that it is well. */
  ready(): Promise<void>
}

const restartDelayMs = 100

/** `system`: what the node is told that it is of, and says with its health. */
export function superviseNode(
  { name, system, url }: { readonly name: string; readonly system: string | undefined; readonly url: string },
  spawnLife: () => ChildProcess,
): SupervisedNode {
  const failures: string[] = []
  let kills = 0
  let log = ''
  let life = spawnLife()
  let leaving = false

  async function supervise(): Promise<void> {
    for (;;) {
      const begun = log.length
      life.stderr!.on('data', (chunk: Buffer) => (log += chunk))
      if (isAlive(life)) await once(life, 'exit')
      if (life.signalCode === 'SIGKILL') kills++
      else if (life.exitCode !== 0 && !log.slice(begun).includes('cannot be reached'))
        failures.push(`${name} ended with ${life.signalCode ?? life.exitCode}: ${log.slice(begun)}`)
      await delay(restartDelayMs)
      if (leaving) return
      life = spawnLife()
    }
  }

  async function ready(): Promise<void> {
    while (!(await isWell(url, system))) await delay(20)
  }

  const ended = supervise()
  return {
    get kills() {
      return kills
    },
    failures,
    name,
    url,
    log: () => log,
    signal: (signal) => void life.kill(signal),
    restart: async () => {
      const before = life
      before.kill('SIGTERM')
      if (isAlive(before)) await once(before, 'exit')
      await ready()
    },
    ready,
    [Symbol.asyncDispose]: async () => {
      leaving = true
      life.kill('SIGKILL')
      await ended
    },
  }
}

function isAlive({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}

async function isWell(url: string, system: string | undefined): Promise<boolean> {
  const signal = AbortSignal.timeout(1000)
  try {
    const answer = await fetch(`${url}/healthz`, { signal, headers: { connection: 'close' } })
    return answer.ok && ((await answer.json()) as { system?: string }).system === system
  } catch {
    return false
  }
}
