import type { WebSocket } from 'ws'
import type { Api } from '../../contract/server/api.ts'
import { permits } from '../../contract/server/caller.ts'
import { putCommand } from '../../contract/server/control-routes.ts'
import { toProblem } from '../../contract/server/passing.ts'
import { ProblemError } from '../../contract/types/problems.ts'
import type { TaskScope } from '../../contract/types/scopes.ts'
import type { Gate } from './gate.ts'
import type { CommandMessage } from './messages.ts'

/** The commands of one connection. */
export interface Commands {
  /** Put it on record after those before it, and answer. */
  take(said: unknown): void
  /** When each that was taken has its answer. Never rejects. */
  settled(): Promise<void>
}

/**
 * One command after another, in the order in which they were said, each when the answer before it has left: the client
 * says no more meanwhile than the network holds, and who does not read has nothing held here. Where nobody knows what became of one, `fail` ends the connection: the client comes back, and says it again.
 */
export function commandsOver(
  { socket, gate }: { readonly socket: WebSocket; readonly gate: Gate },
  taskId: string,
  api: Pick<Api, 'backend' | 'caller'>,
  fail: (error: unknown) => void,
): Commands {
  let last: Promise<void> = Promise.resolve()
  const answer = async (said: unknown): Promise<void> => {
    try {
      await say(socket, await become(api, taskId, said))
    } catch (error) {
      fail(error)
    }
    gate.release()
  }
  return {
    take: (said) => {
      gate.hold()
      last = last.then(() => answer(said))
    },
    settled: () => last,
  }
}

/** What becomes of a command. Rejects where nobody knows. */
async function become(
  { backend, caller }: Pick<Api, 'backend' | 'caller'>,
  taskId: string,
  said: unknown,
): Promise<CommandMessage> {
  const requireScope = (scope: TaskScope): void => {
    if (!permits(caller, scope)) throw new ProblemError('forbidden', `the token does not allow ${scope}`, taskId)
  }
  try {
    const { wanted, ack } = await putCommand(backend, taskId, said, requireScope)
    return { type: 'command.ack', id: wanted.id, replayed: ack.replayed }
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error
    return { type: 'command.refused', id: idOf(said), problem: toProblem(error) }
  }
}

function idOf(said: unknown): string | null {
  const { id } = (said ?? {}) as { readonly id?: unknown }
  return typeof id === 'string' ? id : null
}

/** Resolves when it has left this process. A client that is not there any more hears nothing. */
function say(socket: WebSocket, message: CommandMessage): Promise<void> {
  return new Promise((resolve) => socket.send(JSON.stringify(message), () => resolve()))
}
