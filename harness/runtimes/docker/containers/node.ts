import { monotonicMs } from '../../../core/clock.ts'
import { describeError, HarnessError } from '../../../core/errors.ts'
import { onlyOnce } from '../../../core/once.ts'
import type { NodeRole } from '../../../model/plan.ts'
import type { Impairment } from '../../../model/link.ts'
import type { Identity, Isolation, Node, NodeEvent, NodeHarm } from '../../../model/types.ts'
import { startTimer, type Timer } from '../../../core/timer.ts'
import { becomeReady, countCrashes } from '../../_shared/pod-life.ts'
import type { Readiness } from '../../../os/readiness.ts'
import { type Box, type BoxSpec, execIn, removeBox, restartBox, startBox, stateOf } from './container.ts'

export interface NodeSpec {
  readonly name: string
  readonly role: NodeRole
  readonly ordinal: number
  /** Who it is after it came back as somebody new so many times: another name and address. */
  readonly incarnation: (generation: number) => {
    readonly box: BoxSpec
    readonly address: string
    readonly url: string
    readonly ready: Readiness
  }
  readonly restartDelayMs: number
  readonly onEvent: (event: NodeEvent) => void
  /** Write down that a container of this name is about to be made. */
  readonly note: (container: string) => Promise<void>
  /** The crossing in front of it is told where it is, and that it is gone. */
  readonly crossing: {
    arrived(node: string, address: string): Promise<void>
    departed(node: string): Promise<void>
    isolate(node: string, address: string, cut: Isolation): Promise<Impairment>
  }
}

/** One life of a container, from its start to its end. */
interface Life {
  readonly box: Box
  readonly pid: number
  readonly startedAt: number
  readonly ended: Promise<{ readonly code: number }>
}

/** The kernel needs no more to find that memory is out. */
const oomLimitMs = 20_000

/**
 * One container with the life of a pod: started again after a delay when it ends by itself, held down while a fault says
 * so, and replaced by another where a fault asks for that. A class because it is a thing with identity and lifetime.
 */
export class ContainerNode implements Node {
  readonly name: string
  readonly role: NodeRole
  readonly ordinal: number
  readonly #spec: NodeSpec
  readonly #delayAfter: (livedMs: number) => number
  #box: Box | undefined
  #life: Life | undefined
  #wanted = false
  #generation = 0
  #restart: Timer | undefined
  /** A start under way; harm waits for it, since what is not up cannot be taken down. */
  #starting: Promise<void> = Promise.resolve()
  /** After its end, until whoever dials it is refused. */
  #departing: Promise<void> = Promise.resolve()

  constructor(spec: NodeSpec) {
    this.#spec = spec
    this.#delayAfter = countCrashes(spec.restartDelayMs)
    this.name = spec.name
    this.role = spec.role
    this.ordinal = spec.ordinal
  }

  get url(): string {
    return this.#self.url
  }

  get pid(): number | undefined {
    return this.#life?.pid
  }

  get running(): boolean {
    return this.#life !== undefined
  }

  get #self(): ReturnType<NodeSpec['incarnation']> {
    return this.#spec.incarnation(this.#generation)
  }

  /** Start and wait until ready. Rejects with the log's name when it ends before it is. */
  start(signal: AbortSignal): Promise<void> {
    const starting = this.#start(signal)
    this.#starting = starting.catch(() => {})
    return starting
  }

  async #start(signal: AbortSignal): Promise<void> {
    this.#wanted = true
    const { address, box, ready } = this.#self
    if (this.#box) await restartBox(this.#box)
    else this.#box = await startBox(box)
    await this.#spec.crossing.arrived(this.name, address)
    const life = await this.#beginLife(this.#box)
    await becomeReady({ name: this.name, logFile: box.logFile, ready, ended: life.ended }, signal)
    this.#emit('ready', { pid: life.pid })
  }

  async #beginLife(box: Box): Promise<Life> {
    const { Pid: pid } = await stateOf(box)
    const ended = box.container
      .wait()
      .then(({ StatusCode }: { StatusCode: number }) => ({ code: StatusCode }))
      // Taken away while it ran: that is an end as well.
      .catch(() => ({ code: 137 }))
    const life = { box, pid, startedAt: performance.now(), ended }
    this.#life = life
    void ended.then(({ code }) => this.#exited(life, code))
    return life
  }

  /** SIGKILL, as the kernel or an orchestrator would: nothing is flushed, but the kernel lives on and tells every peer. */
  async kill(identity: Identity = 'same'): Promise<NodeHarm> {
    const end = await this.#end(this.#alive('kill', await this.#starting), 'SIGKILL', true)
    return { ...end, heal: onlyOnce(() => this.#revive(identity)) }
  }

  async crash(): Promise<NodeHarm['evidence']> {
    return (await this.#end(this.#alive('crash', await this.#starting), 'SIGKILL', false)).evidence
  }

  /** SIGTERM, then SIGKILL when the grace is over, as an orchestrator does. */
  async stop(graceMs: number, identity: Identity = 'same'): Promise<NodeHarm> {
    const life = this.#alive('stop', await this.#starting)
    using _ = startTimer(() => void signal(life.box, 'SIGKILL').catch(() => {}), graceMs)
    const { evidence, ...end } = await this.#end(life, 'SIGTERM', true)
    const drained = evidence['signal'] !== 'SIGKILL'
    return { ...end, evidence: { ...evidence, drained }, heal: onlyOnce(() => this.#revive(identity)) }
  }

  /** The freezer stops every process of it. Its kernel still acknowledges what it receives: not a firewall drop. */
  async pause(): Promise<NodeHarm> {
    const life = this.#alive('pause', await this.#starting)
    await life.box.container.pause()
    const { Paused } = await stateOf(life.box)
    const heal = async (): Promise<void> => {
      if (this.#life === life && (await stateOf(life.box)).Paused) await life.box.container.unpause()
    }
    return { evidence: Paused ? { pid: life.pid, state: 'frozen' } : {}, heal: onlyOnce(heal) }
  }

  async isolate(cut: Isolation): Promise<Impairment> {
    this.#alive('cut off', await this.#starting)
    return this.#spec.crossing.isolate(this.name, this.#self.address, cut)
  }

  /** A quota of the control group; felt as often as the kernel throttled it since. */
  async limitCpu(share: number): Promise<NodeHarm> {
    const { box, pid } = this.#alive('starve', await this.#starting)
    const update = (cpus: number): Promise<unknown> => box.container.update({ NanoCpus: Math.round(cpus * 1e9) })
    const before = await throttled(box)
    await update(share)
    const { HostConfig } = await box.container.inspect()
    const felt = async () => {
      const times = (await throttled(box)) - before
      return { times, evidence: { throttled: times } }
    }
    const quota = (HostConfig.NanoCpus ?? 0) / 1e9
    const heal = onlyOnce(async () => void (await update(box.spec.cpus)))
    return { evidence: quota === share ? { pid, quota } : {}, felt, heal }
  }

  /**
   * Files in memory fill the container's limit. They belong to no process, so that the kernel kills the largest one in the
   * control group, which is the node.
   */
  async exhaustMemory(): Promise<NodeHarm> {
    const life = this.#alive('fill the memory of', await this.#starting)
    this.#wanted = false
    const filling = execIn(life.box.container, ['dd', 'if=/dev/zero', 'of=/dev/shm/fill', 'bs=1M']).catch(() => '')
    const limit = new Promise<undefined>((resolve) => void startTimer(() => resolve(undefined), oomLimitMs).unref())
    const end = await Promise.race([life.ended, limit])
    void filling
    if (end === undefined)
      throw new HarnessError(`the memory of ${this.name} was not full after ${oomLimitMs / 1000} s`)
    await this.#departing
    const { OOMKilled: oomKilled } = await stateOf(life.box)
    return { evidence: { pid: life.pid, code: end.code, oomKilled }, heal: onlyOnce(() => this.#revive('same')) }
  }

  /** End for good. */
  async dispose(): Promise<void> {
    this.#wanted = false
    this.#restart?.cancel()
    await this.#starting
    this.#restart?.cancel()
    if (this.#box) await removeBox(this.#box)
    await this.#life?.ended
  }

  #alive(what: string, _started: void): Life {
    if (!this.#life) throw new HarnessError(`cannot ${what} ${this.name}: it is not running`)
    return this.#life
  }

  /** @param held whether it stays down; else the runtime starts it again, as after any crash */
  async #end(life: Life, name: 'SIGKILL' | 'SIGTERM', held: boolean): Promise<Omit<NodeHarm, 'heal'>> {
    if (held) this.#wanted = false
    this.#restart?.cancel()
    if (!(await signal(life.box, name))) return { evidence: {} }
    const { code } = await life.ended
    const sinceMs = monotonicMs()
    await this.#departing
    return { sinceMs, evidence: { pid: life.pid, signal: signalOf(code), code } }
  }

  async #revive(identity: Identity): Promise<void> {
    if (this.#life) return
    const replaceable = this.role === 'api' || this.role === 'worker'
    if (identity === 'new' && replaceable) await this.#replace()
    await this.start(new AbortController().signal)
  }

  async #replace(): Promise<void> {
    if (this.#box) await removeBox(this.#box)
    this.#box = undefined
    this.#generation++
    await this.#spec.note(this.#self.box.name)
  }

  #exited(life: Life, code: number): void {
    if (this.#life !== life) return
    this.#life = undefined
    this.#departing = this.#spec.crossing.departed(this.name).catch(() => {})
    this.#emit(this.#wanted ? 'crashed' : 'exited', { pid: life.pid, code, signal: signalOf(code) })
    if (this.#wanted) this.#scheduleRestart(performance.now() - life.startedAt)
  }

  #scheduleRestart(livedMs: number): void {
    const again = (): void => {
      this.#emit('restarting', {})
      this.start(new AbortController().signal).catch(() => {})
    }
    this.#restart = startTimer(again, this.#delayAfter(livedMs))
  }

  #emit(state: NodeEvent['state'], rest: Partial<NodeEvent>): void {
    this.#spec.onEvent({ node: this.name, state, ...rest })
  }
}

/** 128 and the signal's number is how the daemon reports an end by a signal. */
function signalOf(code: number): string | null {
  return code === 137 ? 'SIGKILL' : code === 143 ? 'SIGTERM' : null
}

/** Whether there was a process to send it to. */
async function signal(box: Box, name: 'SIGKILL' | 'SIGTERM'): Promise<boolean> {
  try {
    await box.container.kill({ signal: name })
    return true
  } catch (error) {
    if (/is not running|No such container/.test(describeError(error))) return false
    throw error
  }
}

/** How often the kernel made it wait because its quota was used up: cgroup v2, or v1. */
async function throttled(box: Box): Promise<number> {
  const files = '/sys/fs/cgroup/cpu.stat /sys/fs/cgroup/cpu/cpu.stat /sys/fs/cgroup/cpu,cpuacct/cpu.stat'
  const text = await execIn(box.container, ['sh', '-c', `cat ${files} 2>/dev/null || true`])
  return Number(/^nr_throttled (\d+)$/m.exec(text)?.[1] ?? Number.NaN)
}
