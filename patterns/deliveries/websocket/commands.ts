import type { WebSocket } from 'ws'
import type { Api } from '../../contract/server/api.ts'
import { permits } from '../../contract/server/caller.ts'
import { putCommand } from '../../contract/server/control-routes.ts'
import { toProblem } from '../../contract/server/passing.ts'
import { ProblemError } from '../../contract/types/problems.ts'
import type { TaskScope } from '../../contract/types/scopes.ts'
import type { CommandMessage } from './messages.ts'

/** The commands of one connection. */
export interface Commands {
  /** Put it on record after those before it, and answer. */
  take(said: unknown): void
  /** When each that was taken has its answer. Never rejects. */
  settled(): Promise<void>
}

/**
 * One command after another, in the order in which they were said: the client says no more meanwhile than the network
 * holds. Where nobody knows what became of one, `fail` ends the connection: the client comes back, and says it again.
 */
export function commandsOver(
  socket: WebSocket,
  taskId: string,
  api: Pick<Api, 'backend' | 'caller'>,
  fail: (error: unknown) => void,
): Commands {
  let last: Promise<void> = Promise.resolve()
  let waiting = 0
  const answer = async (said: unknown): Promise<void> => {
    try {
      say(socket, await become(api, taskId, said))
    } catch (error) {
      fail(error)
    }
    if (--waiting === 0) socket.resume()
  }
  return {
    take: (said) => {
      if (waiting++ === 0) socket.pause()
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

/** A client that is not there any more hears nothing. */
function say(socket: WebSocket, message: CommandMessage): void {
  socket.send(JSON.stringify(message), () => {})
}
