import { HarnessError } from '../../core/errors.ts'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import type { RemoteServer } from '../../../servers/server.ts'
import { runProgram } from '../../os/program.ts'
import { becomeReady, type Readiness, waitUntilReady } from '../../os/readiness.ts'
import { type Ending, type Life, Pod, type PodSpec } from '../_shared/pod.ts'

export interface RemoteNodeSpec extends PodSpec {
  readonly remote: RemoteServer
  readonly ready: Readiness
  /** What its commands say. */
  readonly logFile: string
  /** Tells the links that lead here whether there is anything to dial. */
  readonly reach: (isUp: boolean) => Promise<void>
}

interface RemoteLife extends Life {
  readonly end: (ending: Ending) => void
}

/** A command that takes longer has failed. */
const commandLimitMs = 30_000
const pollMs = 25

/** A service that ran before we came and stays when we go. Only its owner's commands take it down and bring it back. */
export class RemoteNode extends Pod<RemoteLife> {
  readonly url: string
  readonly #spec: RemoteNodeSpec
  #isDown = false

  constructor(spec: RemoteNodeSpec) {
    super(spec)
    this.#spec = spec
    this.url = spec.remote.url.replace(/\/$/, '')
  }

  protected async begin(): Promise<RemoteLife> {
    if (this.#isDown) await this.#command('restart')
    this.#isDown = false
    const { promise, resolve } = Promise.withResolvers<Ending>()
    return { ended: promise, end: resolve }
  }

  protected async untilReady({ ended }: RemoteLife, signal: AbortSignal): Promise<void> {
    const { ready, logFile } = this.#spec
    await becomeReady({ name: this.name, logFile, ready, ended, isOurs: async () => undefined }, signal)
    await this.#spec.reach(true)
  }

  /** It has ended when its command says so and nobody answers any more. */
  protected async send(life: RemoteLife, signal: NodeJS.Signals): Promise<boolean> {
    if (signal !== 'SIGKILL')
      throw new HarnessError(`${this.name} runs at ${this.url}: nobody here can stop it in order`)
    await this.#command('kill')
    this.#isDown = true
    await this.#untilSilent()
    life.end({ code: null, signal })
    return true
  }

  protected async freeze(): Promise<never> {
    throw new HarnessError(`${this.name} runs at ${this.url}: nobody here can pause it`)
  }

  protected async depart(): Promise<void> {
    await this.#spec.reach(false)
  }

  /** What was taken down on purpose is up again when we go. */
  protected async remove(life: RemoteLife | undefined): Promise<void> {
    if (this.#isDown) await this.#command('restart')
    this.#isDown = false
    life?.end({ code: 0, signal: null })
  }

  async #untilSilent(): Promise<void> {
    const { hostname: host, port } = new URL(this.url)
    const at = { tcp: { host, port: Number(port || 80) } }
    for (const limit = AbortSignal.timeout(commandLimitMs); ; await sleep(pollMs)) {
      const isUp = await waitUntilReady(at, AbortSignal.timeout(pollMs)).catch(() => false)
      if (!isUp) return
      if (limit.aborted) throw new HarnessError(`${this.name} still answers at ${this.url} after its command "kill"`)
    }
  }

  async #command(which: 'kill' | 'restart'): Promise<void> {
    const { remote } = this.#spec
    const command = remote[which]
    if (!command) throw new HarnessError(`${this.name} runs at ${this.url}, and no command "${which}" is written`)
    const [program, ...args] = command
    await runProgram(program!, args, { cwd: remote.cwd, timeoutMs: commandLimitMs })
  }
}
