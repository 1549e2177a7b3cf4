import type { ChildProcess } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { HarnessError } from '../../core/errors.ts'
import type { NodeHarm } from '../../model/runtime.ts'
import { sleep, startTimer } from '../../../patterns/contract/types/timer.ts'
import { type ChildSpec, signalGroup, spawnChild } from '../../os/child.ts'
import { groupListensOn, listensOn } from '../../os/listeners.ts'
import { endLife, markOf, signalLife } from '../../os/lives.ts'
import { processState } from '../../os/process-state.ts'
import { becomeReady, type Readiness, waitUntilReady } from '../../os/readiness.ts'
import { type Life, Pod, type PodSpec } from '../_shared/pod.ts'
import { blockEventLoop } from './event-loop.ts'
import type { Spares } from './spares.ts'

export interface NodeSpec extends PodSpec {
  readonly url: string
  readonly child: ChildSpec
  readonly ready: Readiness
  /** Where it listens, all of them held for it as long as it is planned to come back. */
  readonly ports: readonly number[]
  /** Ends it at once and in good order. */
  readonly endSignal: NodeJS.Signals
  /** Where a process waits that can be this node. */
  readonly spares?: Spares | undefined
  /** Tells the links that lead here whether there is anything to dial. */
  readonly reach: (isUp: boolean) => Promise<void>
}

interface ProcessLife extends Life {
  readonly pid: number
  readonly child: ChildProcess
  readonly logFile: string
  readonly ready: Readiness
  readonly wasSpare: boolean
  /** Of a program of the user's: the name of all that it starts. */
  readonly life?: string
}

/** A node that ignores the signal that ends it is killed. */
const endLimitMs = 2000

export class ChildNode extends Pod<ProcessLife> {
  readonly url: string
  readonly #spec: NodeSpec

  constructor(spec: NodeSpec) {
    super(spec)
    this.#spec = spec
    this.url = spec.url
  }

  protected async begin(): Promise<ProcessLife> {
    const { incarnation, ready, life } = this.#incarnation()
    const spare = this.#spec.spares?.take(incarnation)
    const child = spare ?? (await spawnChild(incarnation))
    const ended = once(child, 'exit').then(async ([code, signal]) => {
      // What left its group would live on, and do work of a node that is down. With a container it ends too.
      if (life !== undefined) await endLife(life)
      return { code: code as number | null, signal: signal as string | null }
    })
    const { logFile } = incarnation
    return { pid: child.pid!, ended, child, logFile, ready, wasSpare: spare !== undefined, ...(life && { life }) }
  }

  protected async untilReady(life: ProcessLife, signal: AbortSignal): Promise<void> {
    const { pid, logFile, ready, ended } = life
    using _dialled = this.#reachOnceListening(life, signal)
    const isOurs = (): Promise<boolean | undefined> => listensOn(pid, this.#spec.ports)
    await becomeReady({ name: this.name, logFile, ready, ended, isOurs }, signal).finally(() => {
      // The next one starts when this one is ready, so that it delays no node that is waited for.
      if (life.wasSpare) void this.#spec.spares!.fill()
    })
    await this.#mustBeReachable(pid)
    await this.#spec.reach(true)
  }

  /** A kill and a pause act on its group. What answers outside of it would live on, and pass for a node that bore them. */
  async #mustBeReachable(pid: number): Promise<void> {
    const { ports, child } = this.#spec
    const isOurs = child.env?.['OUTLAST_NODE'] !== undefined
    if (isOurs || (await groupListensOn(pid, ports)) !== false) return
    throw new HarnessError(
      `${this.name} listens in a group of processes of its own, as a daemon does, where no fault reaches it; ` +
        `start it in the foreground, without setsid`,
    )
  }

  /** A node that is ready only when others have dialled it, as a worker that an engine must find, has to be reached before. */
  #reachOnceListening({ pid }: ProcessLife, signal: AbortSignal): Disposable {
    const over = new AbortController()
    const address = new URL(this.url)
    const [host, port] = [address.hostname, Number(address.port)]
    const isOurs = (): Promise<boolean | undefined> => listensOn(pid, [port])
    waitUntilReady({ tcp: { host, port } }, AbortSignal.any([signal, over.signal]), isOurs)
      .then(async () => void (this.pid === pid && (await this.#spec.reach(true))))
      .catch(() => {})
    return { [Symbol.dispose]: () => over.abort() }
  }

  protected async send({ pid }: ProcessLife, signal: NodeJS.Signals): Promise<boolean> {
    return signalGroup(pid, signal)
  }

  /** Only a node of ours that was started so. */
  async block(expiresMs: number): Promise<NodeHarm> {
    const folder = this.#spec.child.env?.['OUTLAST_BLOCK']
    if (folder === undefined)
      throw new HarnessError(`${this.name} is no node of ours, whose event loop could be kept busy`)
    const { pid } = await this.alive('block')
    return blockEventLoop(pid, folder, expiresMs)
  }

  protected async freeze({ pid, life }: ProcessLife) {
    signalGroup(pid, 'SIGSTOP')
    if (life !== undefined) await signalLife(life, 'SIGSTOP')
    for (let tries = 0; tries < 50 && processState(pid) !== 'T'; tries++) await sleep(5)
    const state = processState(pid)
    const thaw = async (): Promise<void> => {
      signalGroup(pid, 'SIGCONT')
      if (life !== undefined) await signalLife(life, 'SIGCONT')
    }
    return { evidence: state === 'T' ? { pid, state } : {}, thaw }
  }

  /** Where the links are gone already, it cannot be dialled either. */
  protected async depart(): Promise<void> {
    await this.#spec.reach(false)
  }

  protected async remove(life: ProcessLife | undefined): Promise<void> {
    if (!life) return
    using _ = startTimer(() => signalGroup(life.pid, 'SIGKILL'), endLimitMs)
    // A stopped process takes no signal but SIGKILL until it is continued.
    signalGroup(life.pid, 'SIGCONT')
    if (signalGroup(life.pid, this.#spec.endSignal)) await life.ended
  }

  /** With the number of this start and its name, which is another one after it came back with a new identity. */
  #incarnation(): { incarnation: ChildSpec; ready: Readiness; life?: string } {
    const { child, ready } = this.#spec
    if (child.isForeign) {
      const life = randomBytes(9).toString('base64url')
      return { incarnation: { ...child, env: { ...child.env, ...markOf(life) } }, ready, life }
    }
    if (child.env?.['OUTLAST_NODE'] === undefined) return { incarnation: child, ready }
    const OUTLAST_NODE = this.generation === 0 ? this.name : `${this.name}.${this.generation}`
    const OUTLAST_START = randomBytes(9).toString('base64url')
    return {
      incarnation: { ...child, env: { ...child.env, OUTLAST_NODE, OUTLAST_START } },
      ready: { ...ready, start: OUTLAST_START },
    }
  }
}
