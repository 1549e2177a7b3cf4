import type { Command } from '../shown/commands.ts'
import type { LoggedEvent } from '../shown/event.ts'

/** What a channel hears of one task. */
export interface Heard {
  readonly onOpen: () => void
  readonly onEvent: (event: LoggedEvent) => void
  /** A command is on record, or was refused for good, with a reason. */
  readonly onAnswer: (id: string, refusal?: string) => void
  /** It brings no more. */
  readonly onEnd: (end: End) => void
}

/** Why a channel ended: without a word, the connection was lost. */
export interface End {
  /** `gone`: the service does not know the task, or not so much of its log. `refused`: it does not show it. */
  readonly final?: 'gone' | 'refused'
  /** Nothing before this, by the service's own word. */
  readonly againInS?: number | undefined
}

/** One connection to a task: it brings what comes after a place in the log, and takes commands. It never reconnects. */
export interface Channel {
  /** Says a command, once. Whether it arrived, only an answer tells. */
  readonly say: (command: Command) => void
  readonly close: () => void
}

export type OpenChannel = (taskId: string, after: number, heard: Heard) => Channel
