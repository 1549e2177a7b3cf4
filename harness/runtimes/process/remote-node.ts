import { HarnessError, describeError } from '../../core/errors.ts'
import { sleep } from '../../../patterns/contract/types/timer.ts'
import type { RemoteServer } from '../../../servers/server.ts'
import type { OnLost } from '../../os/child.ts'
import { runOwnersCommand } from '../../os/owners-command.ts'
import { becomeReady, type Readiness, tryTcp } from '../../os/readiness.ts'
import { type Ending, type Life, Pod, type PodSpec } from '../_shared/pod.ts'

export interface RemoteNodeSpec extends PodSpec {
  readonly remote: RemoteServer
  readonly ready: Readiness
  /** What its commands say. */
  readonly logFile: string
  /** Tells the links that lead here whether there is anything to dial. */
  readonly reach: (isUp: boolean) => Promise<void>
  /** Nobody knows any more whether it is up: whatever it does now, or does not, is no doing of its own. */
  readonly onLost: OnLost
  /** A command that takes longer has failed. */
  readonly limitMs?: number
}

interface RemoteLife extends Life {
  readonly end: (ending: Ending) => void
}

const usualLimitMs = 30_000
const pollMs = 25

/**
 * A service that ran before we came and stays when we go. Only its owner's commands take it down and bring it back. Where one
 * fails, or does not do what it says, the run is over: what it measures from then on would be held against the service.
 */
export class RemoteNode extends Pod<RemoteLife> {
  readonly url: string
  readonly isRemote = true
  readonly #spec: RemoteNodeSpec
  /** It may be down, by a command of ours: whether or not that said that it succeeded. */
  #isDown = false
  #isLeft = false
  /** One after the other: a kill that is late must not take down what was brought back. */
  #commands: Promise<unknown> = Promise.resolve()

  constructor(spec: RemoteNodeSpec) {
    super(spec)
    this.#spec = spec
    this.url = spec.remote.url.replace(/\/$/, '')
  }

  protected async begin(): Promise<RemoteLife> {
    await this.#bringBack(async () => {})
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
    if (this.#isLeft) throw new HarnessError(`${this.name} is not ours any more`)
    this.#isDown = true
    await this.#command('kill', () => this.#until(false))
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
    this.#isLeft = true
    await this.#bringBack(() => this.#until(true))
    life?.end({ code: 0, signal: null })
  }

  /** A command "kill" that failed may have done nothing: who answers is not started a second time. */
  async #bringBack(until: () => Promise<void>): Promise<void> {
    await this.#commands.catch(() => {})
    if (!this.#isDown) return
    if (!(await this.#answers())) await this.#command('restart', until)
    this.#isDown = false
  }

  /** Dialled in earnest: a time limit of ours would take a slow machine for a dead service. */
  #answers(): Promise<boolean> {
    const { hostname: host, port } = new URL(this.url)
    return tryTcp({ host, port: Number(port || 80) }, (_, settle) => settle(true))
  }

  async #until(isUp: boolean): Promise<void> {
    const limit = AbortSignal.timeout(this.#limitMs)
    for (; (await this.#answers()) !== isUp; await sleep(pollMs))
      if (limit.aborted)
        throw new HarnessError(
          `${this.url} ${isUp ? 'does not answer' : 'still answers'} ${this.#limitMs / 1000} s later`,
        )
  }

  get #limitMs(): number {
    return this.#spec.limitMs ?? usualLimitMs
  }

  #command(which: 'kill' | 'restart', until: () => Promise<void>): Promise<void> {
    const done = this.#carryOut(which, until, this.#commands)
    this.#commands = done
    done.catch(() => {})
    return done
  }

  async #carryOut(which: 'kill' | 'restart', until: () => Promise<void>, before: Promise<unknown>): Promise<void> {
    await before.catch(() => {})
    try {
      await this.#run(which)
      await until()
    } catch (error) {
      const failure = new HarnessError(`${this.name}: its command "${which}" did not do it: ${describeError(error)}`)
      this.#spec.onLost(failure)
      throw failure
    }
  }

  async #run(which: 'kill' | 'restart'): Promise<void> {
    const { remote, logFile } = this.#spec
    const command = remote[which]
    if (!command) throw new HarnessError(`no command "${which}" is written`)
    await runOwnersCommand({ command, cwd: remote.cwd, logFile, limitMs: this.#limitMs })
  }
}
