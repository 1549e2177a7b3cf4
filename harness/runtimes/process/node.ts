import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { HarnessError } from '../../core/errors.ts'
import { onlyOnce } from '../../core/once.ts'
import type { NodeRole } from '../../model/plan.ts'
import type { Identity, Node, NodeEvent, NodeHarm } from '../../model/types.ts'
import { sleep, startTimer, type Timer } from '../../core/timer.ts'
import { type ChildSpec, signalGroup, spawnChild } from '../../os/child.ts'
import { listensOn } from '../../os/listeners.ts'
import { processState } from '../../os/process-state.ts'
import type { Spares } from './spares.ts'
import { becomeReady, countCrashes } from '../_shared/pod-life.ts'
import { PortTaken, type Readiness, waitUntilReady } from '../../os/readiness.ts'

export interface NodeSpec {
  readonly name: string
  readonly role: NodeRole
  readonly ordinal: number
  readonly url: string
  readonly child: ChildSpec
  readonly ready: Readiness
  /** Where it listens, all of them held for it as long as it is planned to come back. */
  readonly ports: readonly number[]
  /** Ends it at once and in good order. */
  readonly endSignal: NodeJS.Signals
  readonly restartDelayMs: number
  /** Where a process waits that can be this node. */
  readonly spares?: Spares | undefined
  /** Tells the links that lead here whether anybody is here to be dialled. */
  readonly reach: (isUp: boolean) => Promise<void>
  readonly onEvent: (event: NodeEvent) => void
  /** It was to come back, and somebody else has its port. */
  readonly onStranger: (who: string) => void
}

/**
 * One child process with the life of a pod: started again after a delay when it ends by itself, held down while a
 * fault says so. A class because it is a thing with identity and lifetime.
 */
export class ChildNode implements Node {
  readonly name: string
  readonly role: NodeRole
  readonly ordinal: number
  readonly url: string
  readonly #spec: NodeSpec
  readonly #delayAfter: (livedMs: number) => number
  #child: ChildProcess | undefined
  #wanted = false
  #bornAt = 0
  /** How often it came back as somebody new. */
  #generation = 0
  #restart: Timer | undefined
  /** A start under way; harm waits for it, since what is not up cannot be taken down. */
  #starting: Promise<void> = Promise.resolve()

  constructor(spec: NodeSpec) {
    this.#spec = spec
    this.#delayAfter = countCrashes(spec.restartDelayMs)
    this.name = spec.name
    this.role = spec.role
    this.ordinal = spec.ordinal
    this.url = spec.url
  }

  get pid(): number | undefined {
    return this.#child?.pid
  }

  get running(): boolean {
    return this.#child !== undefined
  }

  /** Start and wait until ready. Rejects with the log's name when it ends before it is, with PortTaken where that is why. */
  start(signal: AbortSignal): Promise<void> {
    const starting = this.#start(signal)
    this.#starting = starting.catch(() => {})
    return starting
  }

  async #start(signal: AbortSignal): Promise<void> {
    this.#wanted = true
    const { incarnation, ready } = this.#incarnation()
    const spare = this.#spec.spares?.take(incarnation)
    const child = spare ?? (await spawnChild(incarnation))
    this.#child = child
    this.#bornAt = performance.now()
    const ended = once(child, 'exit').then(([code, by]) =>
      this.#exited(child, code as number | null, by as string | null),
    )
    using _dialled = this.#reachOnceListening(child, signal)
    const { logFile } = incarnation
    const isOurs = (): Promise<boolean | undefined> => listensOn(child.pid!, this.#spec.ports)
    await becomeReady({ name: this.name, logFile, ready, ended, isOurs }, signal).finally(() => {
      // The next one starts when this one is ready, so that it delays nobody who is awaited.
      if (spare) void this.#spec.spares!.fill()
    })
    await this.#spec.reach(true)
    this.#emit('ready', { pid: child.pid! })
  }

  /** Who is ready only when others have dialled it, as a worker that an engine must find, has to be reached before that. */
  #reachOnceListening(child: ChildProcess, signal: AbortSignal): Disposable {
    const over = new AbortController()
    const address = new URL(this.url)
    const [host, port] = [address.hostname, Number(address.port)]
    const isOurs = (): Promise<boolean | undefined> => listensOn(child.pid!, [port])
    waitUntilReady({ tcp: { host, port } }, AbortSignal.any([signal, over.signal]), isOurs)
      .then(async () => void (this.#child === child && (await this.#spec.reach(true))))
      .catch(() => {})
    return { [Symbol.dispose]: () => over.abort() }
  }

  /** SIGKILL, as the kernel or a node loss would: nothing is flushed, nobody is told. */
  async kill(identity: Identity = 'same'): Promise<NodeHarm> {
    const child = await this.#alive('kill')
    const evidence = await this.#end(child, 'SIGKILL')
    return { evidence, heal: onlyOnce(() => this.#revive(identity)) }
  }

  async crash(): Promise<NodeHarm['evidence']> {
    const child = await this.#alive('crash')
    const exit = once(child, 'exit')
    signalGroup(child.pid!, 'SIGKILL')
    const [code, by] = (await exit) as [number | null, string | null]
    return { pid: child.pid, signal: by, code }
  }

  /** SIGTERM, then SIGKILL when the grace is over, as an orchestrator does. */
  async stop(graceMs: number, identity: Identity = 'same'): Promise<NodeHarm> {
    const child = await this.#alive('stop')
    using _ = startTimer(() => signalGroup(child.pid!, 'SIGKILL'), graceMs)
    const evidence = await this.#end(child, 'SIGTERM')
    const drained = evidence['signal'] !== 'SIGKILL'
    return { evidence: { ...evidence, drained }, heal: onlyOnce(() => this.#revive(identity)) }
  }

  /** SIGSTOP: the kernel still acknowledges what it receives, so this is not a firewall drop. */
  async pause(): Promise<NodeHarm> {
    const child = await this.#alive('pause')
    const pid = child.pid!
    signalGroup(pid, 'SIGSTOP')
    for (let tries = 0; tries < 50 && processState(pid) !== 'T'; tries++) await sleep(5)
    const state = processState(pid)
    return {
      evidence: state === 'T' ? { pid, state } : {},
      heal: onlyOnce(async () => void (this.#child === child && signalGroup(pid, 'SIGCONT'))),
    }
  }

  /** End for good. */
  async dispose(): Promise<void> {
    this.#wanted = false
    this.#restart?.cancel()
    if (!this.#child) return
    const overrun = setTimeout(() => this.#child?.pid && signalGroup(this.#child.pid, 'SIGKILL'), 2000)
    // A stopped process takes no signal but SIGKILL until it is continued.
    signalGroup(this.#child.pid!, 'SIGCONT')
    await this.#end(this.#child, this.#spec.endSignal)
    clearTimeout(overrun)
  }

  /** A node of ours is told which start of it this is, and its name, which is another one when it comes back as somebody new. */
  #incarnation(): { incarnation: ChildSpec; ready: Readiness } {
    const { child, ready } = this.#spec
    if (child.env?.['OUTLAST_NODE'] === undefined) return { incarnation: child, ready }
    const OUTLAST_NODE = this.#generation === 0 ? this.name : `${this.name}.${this.#generation}`
    const OUTLAST_START = randomBytes(9).toString('base64url')
    return {
      incarnation: { ...child, env: { ...child.env, OUTLAST_NODE, OUTLAST_START } },
      ready: { ...ready, start: OUTLAST_START },
    }
  }

  async #alive(what: string): Promise<ChildProcess> {
    await this.#starting
    if (!this.#child?.pid) throw new HarnessError(`cannot ${what} ${this.name}: it is not running`)
    return this.#child
  }

  async #end(child: ChildProcess, signal: NodeJS.Signals): Promise<Readonly<Record<string, unknown>>> {
    this.#wanted = false
    this.#restart?.cancel()
    const pid = child.pid!
    const exit = once(child, 'exit')
    if (!signalGroup(pid, signal)) return {}
    const [code, by] = (await exit) as [number | null, string | null]
    return { pid, signal: by, code }
  }

  async #revive(identity: Identity): Promise<void> {
    if (this.#child) return
    if (identity === 'new') this.#generation++
    await this.#startAgain()
  }

  /** Whoever has its port now answers for it: what clients get from there says nothing about the system. */
  async #startAgain(): Promise<void> {
    try {
      await this.start(new AbortController().signal)
    } catch (error) {
      if (error instanceof PortTaken) this.#spec.onStranger(error.message)
      throw error
    }
  }

  #exited(child: ChildProcess, code: number | null, by: string | null): void {
    if (this.#child !== child) return
    this.#child = undefined
    // Where the links are gone already nobody can dial either.
    this.#spec.reach(false).catch(() => {})
    this.#emit(this.#wanted ? 'crashed' : 'exited', { pid: child.pid!, code, signal: by })
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
