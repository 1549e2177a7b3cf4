import type { Command } from 'commander'
import type { ExitCode } from '../core/errors.ts'
import type { Named } from '../core/discover.ts'
import type { Registry } from '../registry.ts'

/** One command: the default export of one file in `commands/`, whose name it has. */
export interface CommandFile extends Named {
  /** Add arguments, options, help and the action. */
  declare(command: Command, context: CommandContext): void
}

export interface CommandContext {
  readonly registry: Registry
  /** Every action hands its exit code to this. */
  readonly done: (code: ExitCode) => void
}
