import type { WebSocket } from 'ws'
import { requireTask, type Api } from '../../contract/server/api.ts'
import { permits } from '../../contract/server/caller.ts'
import { flawOfCursor } from '../../contract/server/cursor.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { withFaultPoints } from '../../contract/engine/fault-point.ts'
import { whenTokenEnds } from '../../contract/server/expiry.ts'
import { nothingFollows, untilEither } from '../../contract/server/follow.ts'
import type { Heartbeats } from '../../contract/server/heartbeats.ts'
import { isPassing } from '../../contract/server/passing.ts'
import { logError, logFailure } from '../../contract/engine/log-error.ts'
import type { Turns } from '../../contract/server/turns.ts'
import { type Commands, commandsOver } from './commands.ts'
import { openGate } from './gate.ts'
import { closeCodes, readMessage } from './messages.ts'

/** What the sockets of a node share. */
export interface Sockets {
  readonly heartbeats: Heartbeats
  readonly turns: Turns
}

/**
 * One client's connection to one task. It says where it is; it gets every event after that, in order; the terminal one,
 * or the node's leaving, ends it. An event is taken from the log when the one before it went out: at most one is held here.
 * A command that came before the end has its answer before the connection closes.
 */
export async function serveSocket(socket: WebSocket, taskId: string, api: Api, sockets: Sockets): Promise<void> {
  const giveBack = api.places.take()
  if (!giveBack) return socket.close(closeCodes.later, 'this node holds as many connections as it may')
  const left = new AbortController()
  // What goes wrong with a connection ends it; `close` follows every error.
  socket.once('close', () => left.abort()).on('error', () => {})
  keepAlive(socket, api, sockets)
  const { over, release } = untilEither(left.signal, api.drain)
  const commands = commandsOver({ socket, gate: openGate(socket) }, taskId, api, (error) => fail(socket, api, error))
  using _ = whenTokenEnds(api.caller, () => {
    dismiss(socket)
    over.abort()
  })
  try {
    const after = await listen({ socket, taskId, api, commands }, over.signal)
    const task = await requireTask(api, taskId)
    const flaw = flawOfCursor(after, task.version)
    if (flaw) return socket.close(closeCodes.policy, `last_seq: ${flaw}`)
    if (!nothingFollows(task, after)) await sendAll(socket, api.backend.follow(taskId, after, over.signal), sockets)
    await commands.settled()
    if (api.drain.aborted) socket.close(closeCodes.restart, 'the node is leaving')
    else socket.close(closeCodes.done)
  } catch (error) {
    fail(socket, api, error)
  } finally {
    release()
    giveBack()
  }
}

/** Who does not answer the close is cut. */
function dismiss(socket: WebSocket): void {
  socket.close(closeCodes.policy, 'the token has ended')
  const cut = setTimeout(() => socket.terminate(), goodbyeMs)
  socket.once('close', () => clearTimeout(cut))
}

const goodbyeMs = 900

interface Listening {
  readonly socket: WebSocket
  readonly taskId: string
  readonly api: Api
  readonly commands: Commands
}

/** Obeys what the client says from now on; resolves with the place that its hello names, or at once when it is over. */
function listen({ socket, taskId, api, commands }: Listening, over: AbortSignal): Promise<number> {
  const hello = Promise.withResolvers<number>()
  const refuse = (): void => socket.close(closeCodes.policy, 'say hello with last_seq, then cancel and commands')
  const late = setTimeout(refuse, api.timing.requestTimeoutMs)
  // Asked again before that is done, it is the same wish.
  let isCancelling = false
  const cancel = async (): Promise<void> => {
    if (!permits(api.caller, 'tasks:cancel')) return socket.close(closeCodes.policy, 'the token does not allow that')
    if (isCancelling) return
    isCancelling = true
    await api.backend.cancel(taskId).catch((error: unknown) => fail(socket, api, error))
    isCancelling = false
  }
  over.addEventListener('abort', () => hello.resolve(0), { once: true })
  if (over.aborted) hello.resolve(0)
  socket.on('message', (data, isBinary) => {
    const said = isBinary ? undefined : readMessage((data as Buffer).toString())
    if (said?.type === 'hello') hello.resolve(said.last_seq)
    else if (said?.type === 'cancel') void cancel()
    else if (said?.type === 'command') commands.take(said.command)
    else refuse()
  })
  return hello.promise.finally(() => clearTimeout(late))
}

async function sendAll(socket: WebSocket, events: AsyncIterable<TaskEvent>, { turns }: Sockets): Promise<void> {
  for await (const event of events) {
    await turns.next()
    if (!(await withFaultPoints('websocket.send', () => send(socket, event)))) return
  }
}

/**
 * True when the bytes left this process, false when the socket takes none any more. Whether they arrived, the client
 * says with its next hello.
 */
function send(socket: WebSocket, event: TaskEvent): Promise<boolean> {
  return new Promise((resolve) => socket.send(JSON.stringify(event), (error) => resolve(!error)))
}

/**
 * Ping at every heartbeat. A client that answers no ping for as long as its own watchdog would wait is gone, or takes
 * nothing. Pings queue behind the events that it does not read. It is cut, and resumes where it was.
 */
function keepAlive(socket: WebSocket, { timing }: Api, { heartbeats }: Sockets): void {
  const watchdog = setTimeout(() => socket.terminate(), timing.watchdogMs)
  const member = { quietTicks: 0, beat: () => socket.ping() }
  heartbeats.add(member)
  socket.on('pong', () => watchdog.refresh())
  socket.once('close', () => {
    clearTimeout(watchdog)
    heartbeats.delete(member)
  })
}

function fail(socket: WebSocket, { settings }: Api, error: unknown): void {
  const report = isPassing(error) ? logFailure : logError
  report(settings.node, 'websocket', error)
  socket.close(closeCodes.failed, 'the server failed')
}
