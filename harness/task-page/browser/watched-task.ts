import { canonical } from '../../../patterns/contract/types/canonical.ts'
import { isPassing } from '../shown/answer.ts'
import type { Command, SentCommand } from '../shown/commands.ts'
import type { LoggedEvent } from '../shown/event.ts'
import { type Memory, memoryAfter } from '../shown/memory.ts'
import { openView, type TaskView, viewAfter } from '../shown/task-view.ts'
import { ask, post, taskPath } from './api.ts'
import type { Channel, OpenChannel } from './channel.ts'
import { type Connection, followTask } from './follow.ts'

/** What the page knows of the task that it shows. All but `sent` and `connection` is folded from the log. */
export interface Known {
  readonly taskId: string
  readonly log: readonly LoggedEvent[]
  readonly view: TaskView | undefined
  readonly memory: Memory | undefined
  /** Whether the memory was found to be what the log says that it is. */
  readonly isVerified: boolean
  readonly sent: readonly SentCommand[]
  readonly cancel: 'no' | 'sent' | 'acknowledged'
  readonly connection: Connection
}

/** One task that is watched, from its first event on. `onChange` hears that something of it is different. */
export class WatchedTask {
  #onChange: (known: Known) => void
  readonly #log: LoggedEvent[] = []
  readonly #channel: Channel
  #known: Known

  constructor(taskId: string, open: OpenChannel, onChange: (known: Known) => void) {
    this.#onChange = onChange
    const nothing = { view: undefined, memory: undefined, isVerified: false, sent: [], cancel: 'no' as const }
    this.#known = { taskId, log: this.#log, ...nothing, connection: { state: 'connecting' } }
    this.#channel = followTask(taskId, open, {
      log: this.#log,
      onConnection: (connection) => this.#change({ connection }),
      onEvent: (event) => this.#take(event),
      onAnswer: (id, refusal) => this.#settle(id, refusal),
      unsettled: () => this.#known.sent.flatMap(({ command, stage }) => (stage === 'sent' ? [command] : [])),
    })
  }

  get known(): Known {
    return this.#known
  }

  command(command: Command): void {
    this.#change({ sent: [...this.#known.sent, { command, stage: 'sent' }] })
    this.#channel.say(command)
  }

  /** Asks for its end, and asks again until somebody has said that it is heard. */
  async cancel(): Promise<void> {
    this.#change({ cancel: 'sent' })
    let answer = await post(`${taskPath(this.#known.taskId)}:cancel`)
    const isTaken = (): boolean => answer.status >= 200 && answer.status < 300
    while (!isTaken() && isPassing(answer, 'order')) {
      await new Promise((done) => setTimeout(done, 1_000 * Math.max(1, answer.againInS ?? 0)))
      answer = await post(`${taskPath(this.#known.taskId)}:cancel`)
    }
    this.#change({ cancel: isTaken() ? 'acknowledged' : 'no' })
  }

  close(): void {
    this.#onChange = () => {}
    this.#channel.close()
  }

  #change(change: Partial<Known>): void {
    this.#known = { ...this.#known, ...change }
    this.#onChange(this.#known)
  }

  #take(event: LoggedEvent): void {
    this.#log.push(event)
    const { view } = this.#known
    const { command } = event.data as { readonly command?: { readonly id?: string } }
    if (event.type === 'task.commanded' && command?.id !== undefined) this.#settle(command.id)
    this.#change({ view: view ? viewAfter(view, event) : openView(event) })
    this.#remember(event)
  }

  #remember(event: LoggedEvent): void {
    try {
      const memory = memoryAfter(this.#known.memory, event)
      if (memory === this.#known.memory) return
      this.#change({ memory, isVerified: false })
      if (memory?.digest !== undefined) void this.#verify(memory)
    } catch {
      void this.#readAnew()
    }
  }

  /** Where the fold is not what the log says, the whole document is asked for, as the contract has it. */
  async #verify(memory: Memory): Promise<void> {
    const digest = await sha256(canonical(memory.document))
    if (memory !== this.#known.memory) return
    if (digest === memory.digest) this.#change({ isVerified: true })
    else await this.#readAnew()
  }

  async #readAnew(): Promise<void> {
    const { status, body } = await ask(`${taskPath(this.#known.taskId)}/context`)
    if (status !== 200) return
    const { version, document, digest } = body as { version: number; document: unknown; digest: string }
    this.#change({
      memory: { version, document, digest, before: undefined, by: 'a read of all of it' },
      isVerified: true,
    })
  }

  #settle(id: string, refusal?: string): void {
    const sent = this.#known.sent.map((one): SentCommand => {
      if (one.command.id !== id || one.stage !== 'sent') return one
      if (refusal === undefined) return { command: one.command, stage: 'acknowledged' }
      return { command: one.command, stage: 'refused', reason: refusal }
    })
    this.#change({ sent })
  }
}

/** In small hexadecimal letters. */
async function sha256(text: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text)))
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('')
}
