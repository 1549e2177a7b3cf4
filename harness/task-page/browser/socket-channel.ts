import { isEvent } from '../shown/event.ts'
import { ask, socketUrl, taskPath } from './api.ts'
import type { OpenChannel } from './channel.ts'

interface Problem {
  readonly title?: string
  readonly detail?: string
}

/** A place beyond the log, or nothing that a client may say: the service has forgotten what this page knows. */
const policy = 1008

/** The task's WebSocket: events come as they happen, and commands go the other way. */
export const openSocket: OpenChannel = (taskId, after, heard) => {
  let hasOpened = false
  const socket = new WebSocket(socketUrl(taskId))
  socket.addEventListener('open', () => {
    socket.send(JSON.stringify({ type: 'hello', last_seq: after }))
    hasOpened = true
    heard.onOpen()
  })
  socket.addEventListener('message', ({ data }) => {
    const said = JSON.parse(String(data)) as { type: string; id: string; problem?: Problem }
    if (said.type === 'command.ack') heard.onAnswer(said.id)
    else if (said.type === 'command.refused') heard.onAnswer(said.id, said.problem?.detail ?? said.problem?.title ?? '')
    else if (isEvent(said)) heard.onEvent(said)
  })
  socket.addEventListener('close', ({ code }) => {
    if (hasOpened) heard.onEnd(code === policy)
    else void isGone(taskId).then(heard.onEnd)
  })
  return {
    say: (command) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: 'command', command }))
    },
    close: () => socket.close(),
  }
}

/** Why a handshake was refused a browser does not say: a read of the task does. */
async function isGone(taskId: string): Promise<boolean> {
  const { status } = await ask(taskPath(taskId))
  return status === 404 || status === 410
}
