import { z } from 'zod'
import { isShallow } from '../../contract/types/depth.ts'
import type { Problem } from '../../contract/types/problems.ts'

/** What a client says, in text frames: first where it is in the log, then what it wants done. */
const clientMessage = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('hello'), last_seq: z.int().min(0) }),
  /** The twin of `POST /v1/tasks/{id}:cancel`; what comes of it is in the log. */
  z.strictObject({ type: z.literal('cancel') }),
  /** The twin of `POST /v1/tasks/{id}/commands`. A command that is none is refused as there, and ends no connection. */
  z.strictObject({ type: z.literal('command'), command: z.unknown() }),
])
export type ClientMessage = z.infer<typeof clientMessage>

/** What a client said, or undefined when that is nothing that it may say. */
export function readMessage(text: string): ClientMessage | undefined {
  try {
    const said: unknown = JSON.parse(text)
    return isShallow(said) ? clientMessage.safeParse(said).data : undefined
  } catch {
    return undefined
  }
}

/** What the server says beside events: what became of a command. An acknowledged one is durable; its own answer is in the log. */
export type CommandMessage =
  | { readonly type: 'command.ack'; readonly id: string; readonly replayed: boolean }
  /** `id`: null where the command had none. */
  | { readonly type: 'command.refused'; readonly id: string | null; readonly problem: Problem }

/** Why the server closes (RFC 6455, 7.4.1, and the IANA registry). Only the terminal event says that a task has ended. */
export const closeCodes = {
  /** Nothing can follow: the terminal event was sent or was known. */
  done: 1000,
  /** The client said nothing, what it may not say, or a place that is not in the log; or its token has ended. */
  policy: 1008,
  /** The server failed. */
  failed: 1011,
  /** The node leaves: come back, to another one if there is one. */
  restart: 1012,
  /** The node holds as many connections as it may: come back later, or to another one. */
  later: 1013,
} as const
