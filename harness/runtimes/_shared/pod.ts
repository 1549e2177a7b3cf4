import { monotonicMs, startTimer, type Timer } from '../../../patterns/contract/types/timer.ts'
import { HarnessError } from '../../core/errors.ts'
import { onlyOnce } from '../../core/async.ts'
import type { NodeRole } from '../../../patterns/contract/types/engine.ts'
import type { Identity, Node, NodeEvent, NodeHarm } from '../../model/runtime.ts'
import { PortTaken } from '../../os/readiness.ts'

/** How a life ended, as the operating system says. */
export interface Ending {
  readonly code: number | null
  readonly signal: string | null
  /** When, on the monotonic clock, where that is known better than by its being told. */
  readonly endedMs?: number
}

/** One life of a node, from its start to its end. */
export interface Life {
  /** Absent: it is no process of ours. */
  readonly pid?: number
  /** Never rejects. */
  readonly ended: Promise<Ending>
}

export interface PodSpec {
  readonly name: string
  readonly role: NodeRole
  readonly ordinal: number
  readonly restartDelayMs: number
  readonly onEvent: (event: NodeEvent) => void
  /** It was to come back, and another program has its port. */
  readonly onStranger?: (who: string) => void
}

/**
 * A node with the life of a pod: started again after a delay when it ends by itself, held down while a fault says so. What a
 * node is made of, a process or a container, is its runtime's. A class because it is a thing with identity and lifetime.
 */
export abstract class Pod<L extends Life = Life> implements Node {
  readonly name: string
  readonly role: NodeRole
  readonly ordinal: number
  readonly #spec: PodSpec
  readonly #delayAfter: (livedMs: number) => number
  readonly #over = new AbortController()
  #life: L | undefined
  #bornAt = 0
  #wanted = false
  #generation = 0
  #restart: Timer | undefined
  /** A start under way. Harm waits for it, since what is not up cannot be taken down. */
  #starting: Promise<void> = Promise.resolve()
  /** After its end, until who dials it is refused. */
  #departing: Promise<void> = Promise.resolve()

  constructor(spec: PodSpec) {
    this.#spec = spec
    this.#delayAfter = countCrashes(spec.restartDelayMs)
    this.name = spec.name
    this.role = spec.role
    this.ordinal = spec.ordinal
  }

  abstract get url(): string

  /** Start it. Resolves when it runs, ready or not. */
  protected abstract begin(): Promise<L>
  /** Resolves when it can do its work. Rejects when it ends before, and when the signal aborts. */
  protected abstract untilReady(life: L, signal: AbortSignal): Promise<void>
  /** Resolves with whether there was anything to send the signal to. */
  protected abstract send(life: L, signal: 'SIGKILL' | 'SIGTERM'): Promise<boolean>
  /** Stop it where it is. The evidence is empty where it did not stop. */
  protected abstract freeze(life: L): Promise<Pick<NodeHarm, 'evidence'> & { thaw(): Promise<void> }>
  /** Resolves when who dials it is refused. */
  protected abstract depart(): Promise<void>
  /** The next start is that of another node: take away what is left of this one. */
  protected async replace(): Promise<void> {}
  /** End it at once and in good order, and take away what is left of it. */
  protected abstract remove(life: L | undefined): Promise<void>

  get pid(): number | undefined {
    return this.#life?.pid
  }

  get running(): boolean {
    return this.#life !== undefined
  }

  /** How often it came back as another node. */
  protected get generation(): number {
    return this.#generation
  }

  /** Start and wait until ready. Rejects with the log's name when it ends before it is, with PortTaken where that is why. */
  start(signal: AbortSignal): Promise<void> {
    const starting = this.#start(AbortSignal.any([signal, this.#over.signal]))
    this.#starting = starting.catch(() => {})
    return starting
  }

  async #start(signal: AbortSignal): Promise<void> {
    this.#wanted = true
    const life = await this.begin()
    this.#life = life
    this.#bornAt = performance.now()
    void life.ended.then((end) => this.#exited(life, end))
    await this.untilReady(life, signal)
    this.#emit('ready', pidOf(life))
  }

  /** SIGKILL, as the kernel or an orchestrator would: nothing is flushed, but the kernel lives on and tells every peer. */
  async kill(identity: Identity = 'same'): Promise<NodeHarm> {
    const life = await this.alive('kill')
    this.hold()
    return { ...(await this.#end(life, 'SIGKILL')), heal: this.revival(identity) }
  }

  async crash(): Promise<NodeHarm['evidence']> {
    return (await this.#end(await this.alive('crash'), 'SIGKILL')).evidence
  }

  /** SIGTERM, then SIGKILL when the grace is over, as an orchestrator does. */
  async stop(graceMs: number, identity: Identity = 'same'): Promise<NodeHarm> {
    const life = await this.alive('stop')
    this.hold()
    using _ = startTimer(() => void this.send(life, 'SIGKILL').catch(() => {}), graceMs)
    const { evidence, ...end } = await this.#end(life, 'SIGTERM')
    const drained = evidence['signal'] !== 'SIGKILL'
    return { ...end, evidence: { ...evidence, drained }, heal: this.revival(identity) }
  }

  /** Its kernel still acknowledges what it receives: not a firewall drop. */
  async pause(): Promise<NodeHarm> {
    const life = await this.alive('pause')
    const { evidence, thaw } = await this.freeze(life)
    return { evidence, heal: onlyOnce(async () => void (this.#life === life && (await thaw()))) }
  }

  async dispose(): Promise<void> {
    this.hold()
    this.#over.abort()
    await this.remove(this.#life)
    // A start that was under way may have begun a life meanwhile.
    await this.#starting
    await this.remove(this.#life)
  }

  /** What runs now, after a start that is under way. Rejects where nothing does. */
  protected async alive(what: string): Promise<L> {
    await this.#starting
    if (!this.#life) throw new HarnessError(`cannot ${what} ${this.name}: it is not running`)
    return this.#life
  }

  /** From now on it is not started again when it ends. */
  protected hold(): void {
    this.#wanted = false
    this.#restart?.cancel()
  }

  /** Resolves when it has ended and who dials it is refused. */
  protected async gone(life: L): Promise<Ending & { readonly sinceMs: number }> {
    const end = await life.ended
    const sinceMs = end.endedMs ?? monotonicMs()
    await this.#departing
    return { ...end, sinceMs }
  }

  /** Heals a node that is held down. Ours may come back as another one; a server keeps its data, and so stays the same. */
  protected revival(identity: Identity): () => Promise<void> {
    return onlyOnce(async () => {
      if (this.#life) return
      if (identity === 'new' && (this.role === 'api' || this.role === 'worker')) {
        this.#generation++
        await this.replace()
      }
      await this.#startAgain()
    })
  }

  async #end(life: L, signal: 'SIGKILL' | 'SIGTERM'): Promise<Omit<NodeHarm, 'heal'>> {
    const sentMs = monotonicMs()
    if (!(await this.send(life, signal))) return { evidence: {} }
    const { sinceMs, code, signal: by } = await this.gone(life)
    // A kill acts when it is sent, however late its success is told; after SIGTERM a node works on until it ends.
    return { sinceMs: signal === 'SIGKILL' ? sentMs : sinceMs, evidence: { ...pidOf(life), signal: by, code } }
  }

  /** The program that has its port now answers for it: what clients get from there says nothing about the system. */
  async #startAgain(): Promise<void> {
    try {
      await this.start(this.#over.signal)
    } catch (error) {
      if (error instanceof PortTaken) this.#spec.onStranger?.(error.message)
      throw error
    }
  }

  #exited(life: L, { code, signal, endedMs }: Ending): void {
    if (this.#life !== life) return
    this.#life = undefined
    this.#departing = this.depart().catch(() => {})
    this.#emit(this.#wanted ? 'crashed' : 'exited', {
      ...pidOf(life),
      code,
      signal,
      ...(endedMs !== undefined && { endedMs }),
    })
    if (this.#wanted) this.#scheduleRestart()
  }

  #scheduleRestart(): void {
    const again = (): void => {
      this.#emit('restarting', {})
      this.#startAgain().catch(() => {})
    }
    this.#restart = startTimer(again, this.#delayAfter(performance.now() - this.#bornAt))
  }

  #emit(state: NodeEvent['state'], rest: Partial<NodeEvent>): void {
    this.#spec.onEvent({ node: this.name, state, ...rest })
  }
}

function pidOf({ pid }: Life): { readonly pid?: number } {
  return pid === undefined ? {} : { pid }
}

const crashLoopCap = 6
/** In restart delays: Kubernetes waits 10 s and forgets after 10 min. */
const steadyAfter = 60

/**
 * How long to wait before a node that ended by itself is started again, by how long it had lived. It doubles with every
 * crash in a row, as an orchestrator's crash-loop backoff does. A long life ends the row.
 */
export function countCrashes(restartDelayMs: number): (livedMs: number) => number {
  let crashes = 0
  return (livedMs) => {
    if (livedMs > steadyAfter * restartDelayMs) crashes = 0
    return restartDelayMs * 2 ** Math.min(crashes++, crashLoopCap)
  }
}
