import { HarnessError, describeError } from '../../core/errors.ts'
import type { RemoteServer } from '../../../servers/server.ts'
import type { OnLost } from '../../os/child.ts'
import { runOwnersCommand } from '../../os/owners-command.ts'
import { goesDown, untilAnswers } from '../../os/answers.ts'
import { runLabel } from '../../os/label.ts'
import { becomeReady, type Readiness } from '../../os/readiness.ts'
import type { OwnersService } from '../../model/runtime.ts'
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
  /** Writes down what must be brought back where we cannot any more; resolves when that is on the disk. */
  readonly note: (state: OwnersService['state']) => Promise<void>
  /** A command that takes longer has failed. */
  readonly limitMs?: number
}

interface RemoteLife extends Life {
  readonly end: (ending: Ending) => void
}

const usualLimitMs = 30_000

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
    await this.#spec.note('down')
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
    if (await goesDown(this.url)) await this.#command('restart', until)
    this.#isDown = false
    await this.#spec.note('up')
  }

  #until(isUp: boolean): Promise<void> {
    return untilAnswers(this.url, isUp, this.#limitMs)
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
      if (which === 'restart') await this.#spec.note('down').catch(() => {})
      throw failure
    }
  }

  async #run(which: 'kill' | 'restart'): Promise<void> {
    const { remote, logFile, note } = this.#spec
    const command = remote[which]
    if (!command) throw new HarnessError(`no command "${which}" is written`)
    const spec = { command, cwd: remote.cwd, logFile, limitMs: this.#limitMs }
    // Ours for as long as it lasts: what it would still take down must not outlive who brings that back.
    if (which === 'kill') return runOwnersCommand({ ...spec, env: { ...process.env, ...runLabel() } })
    await note('restarting')
    await runOwnersCommand(spec)
  }
}
