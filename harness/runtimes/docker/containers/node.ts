import { describeError, HarnessError } from '../../../core/errors.ts'
import type { Impairment } from '../../../model/link.ts'
import { onlyOnce } from '../../../core/async.ts'
import { startTimer } from '../../../../patterns/contract/types/timer.ts'
import type { Isolation, NodeHarm } from '../../../model/runtime.ts'
import { becomeReady, type Readiness } from '../../../os/readiness.ts'
import { type Life, Pod, type PodSpec } from '../../_shared/pod.ts'
import {
  type Container,
  endingOf,
  execIn,
  removeContainer,
  restartContainer,
  startContainer,
  stateOf,
} from './container.ts'
import type { ContainerSpec } from './configured-container.ts'

/** Who a node is after it came back as another one so many times: another name and address. */
export interface Incarnation {
  readonly container: ContainerSpec
  readonly address: string
  readonly url: string
  readonly ready: Readiness
}

export interface NodeSpec extends PodSpec {
  readonly incarnation: (generation: number) => Incarnation
  /** Write down that a container of this name is about to be made. */
  readonly note: (container: string) => Promise<void>
  /** The router in front of it learns where it is, and that it is gone. */
  readonly router: {
    arrived(node: string, address: string): Promise<void>
    departed(node: string): Promise<void>
    isolate(node: string, address: string, cut: Isolation): Promise<Impairment>
  }
}

interface ContainerLife extends Life {
  readonly container: Container
}

/** The kernel needs no more to find that memory is out. */
const oomLimitMs = 20_000

/** One container, which a fault may replace by another. */
export class ContainerNode extends Pod<ContainerLife> {
  readonly #spec: NodeSpec
  #container: Container | undefined

  constructor(spec: NodeSpec) {
    super(spec)
    this.#spec = spec
  }

  get url(): string {
    return this.#self.url
  }

  get #self(): Incarnation {
    return this.#spec.incarnation(this.generation)
  }

  protected async begin(): Promise<ContainerLife> {
    const { address, container: spec } = this.#self
    if (this.#container) await restartContainer(this.#container)
    else this.#container = await startContainer(spec)
    const container = this.#container
    await this.#spec.router.arrived(this.name, address)
    const { Pid: pid } = await stateOf(container)
    return { pid, ended: endingOf(container), container }
  }

  protected async untilReady({ ended }: ContainerLife, signal: AbortSignal): Promise<void> {
    const { container, ready } = this.#self
    await becomeReady({ name: this.name, logFile: container.logFile, ready, ended }, signal)
  }

  protected async send({ container }: ContainerLife, signal: 'SIGKILL' | 'SIGTERM'): Promise<boolean> {
    try {
      await container.handle.kill({ signal: signal === 'SIGTERM' ? await stopSignalOf(container) : signal })
      return true
    } catch (error) {
      if (/is not running|No such container/.test(describeError(error))) return false
      throw error
    }
  }

  /** By the freezer of its control group: every process of it. */
  protected async freeze({ container, pid }: ContainerLife) {
    await container.handle.pause()
    const { Paused } = await stateOf(container)
    const thaw = async (): Promise<void> => {
      if ((await stateOf(container)).Paused) await container.handle.unpause()
    }
    return { evidence: Paused ? { pid, state: 'frozen' } : {}, thaw }
  }

  protected async depart(): Promise<void> {
    await this.#spec.router.departed(this.name)
  }

  protected override async replace(): Promise<void> {
    if (this.#container) await removeContainer(this.#container)
    this.#container = undefined
    await this.#spec.note(this.#self.container.name)
  }

  protected async remove(life: ContainerLife | undefined): Promise<void> {
    if (this.#container) await removeContainer(this.#container)
    await life?.ended
  }

  async isolate(cut: Isolation): Promise<Impairment> {
    await this.alive('cut off')
    return this.#spec.router.isolate(this.name, this.#self.address, cut)
  }

  /** A quota of the control group; felt as often as the kernel throttled it since. */
  async limitCpu(share: number): Promise<NodeHarm> {
    const { container, pid } = await this.alive('starve')
    const update = (cpus: number): Promise<unknown> => container.handle.update({ NanoCpus: Math.round(cpus * 1e9) })
    const before = await throttled(container)
    await update(share)
    const { HostConfig } = await container.handle.inspect()
    const felt = async () => {
      const times = (await throttled(container)) - before
      return { times, evidence: { throttled: times } }
    }
    const quota = (HostConfig.NanoCpus ?? 0) / 1e9
    const heal = onlyOnce(async () => void (await update(container.spec.cpus)))
    return { evidence: quota === share ? { pid, quota } : {}, felt, heal }
  }

  /** Files in memory belong to no process, so the kernel kills the largest process of the control group: the node. */
  async exhaustMemory(): Promise<NodeHarm> {
    const life = await this.alive('fill the memory of')
    const { container, pid } = life
    await fillShm(container, '/dev/null').catch((error) => {
      throw new HarnessError(
        `the memory of ${this.name} cannot be filled, its image has no dd: ${describeError(error)}`,
      )
    })
    this.hold()
    const filling = fillShm(container, '/dev/zero').catch(() => '')
    const limit = new Promise<undefined>((resolve) => void startTimer(() => resolve(undefined), oomLimitMs).unref())
    const end = await Promise.race([this.gone(life), limit])
    void filling
    if (end === undefined)
      throw new HarnessError(`the memory of ${this.name} was not full after ${oomLimitMs / 1000} s`)
    const { OOMKilled: oomKilled } = await stateOf(container)
    return { sinceMs: end.sinceMs, evidence: { pid, code: end.code, oomKilled }, heal: this.revival('same') }
  }
}

/** What tells a foreign program to end is its image's to say. */
async function stopSignalOf({ handle, spec }: Container): Promise<string> {
  const { Config } = spec.isForeign ? await handle.inspect() : {}
  return (Config as { readonly StopSignal?: string } | undefined)?.StopSignal ?? 'SIGTERM'
}

/** With as much as `source` has. */
async function fillShm(container: Container, source: '/dev/null' | '/dev/zero'): Promise<string> {
  return execIn(container, ['dd', `if=${source}`, 'of=/dev/shm/fill', 'bs=1M'])
}

/** How often the kernel made it wait because its quota was used up. The daemon reads that: a foreign image may have no shell. */
async function throttled({ handle, spec }: Container): Promise<number> {
  const stats = await handle.stats({ stream: false, 'one-shot': true })
  if (!stats.pids_stats?.current) throw new HarnessError(`${spec.name} does not run, so nothing counts its waits`)
  return stats.cpu_stats.throttling_data.throttled_periods
}
