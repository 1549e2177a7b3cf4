import { isEvent } from '../shown/event.ts'
import { ask, socketUrl, taskPath } from './api.ts'
import type { End, OpenChannel } from './channel.ts'
import { endAt, endOf } from './final.ts'

interface Problem {
  readonly title?: string
  readonly detail?: string
}

interface Said {
  readonly type?: unknown
  readonly id?: string
  readonly problem?: Problem
}

/** A place beyond the log or what no client may say; no token, or one that may not: a read tells what it is. */
const refusing: ReadonlySet<number> = new Set([1008, 3000, 3003])
/** The service holds as many connections as it may. After a restart (1012) it may be asked as soon as after a cut. */
const [later, laterS] = [1013, 5]

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
    const said = read(String(data))
    if (isEvent(said)) return heard.onEvent(said)
    const { type, id = '', problem } = said
    if (type === 'command.ack') heard.onAnswer(id)
    else if (type === 'command.refused') heard.onAnswer(id, problem?.detail ?? problem?.title ?? '')
  })
  socket.addEventListener('close', ({ code }) => {
    if (hasOpened && !refusing.has(code)) heard.onEnd(code === later ? { againInS: laterS } : {})
    else void (hasOpened ? endAt(taskId, after) : whyRefused(taskId)).then(heard.onEnd)
  })
  return {
    say: (command) => {
      if (socket.readyState === WebSocket.OPEN) socket.send(JSON.stringify({ type: 'command', command }))
    },
    close: () => socket.close(),
  }
}

/** Why a handshake was refused a browser does not say: a read of the task does. One that has the task proves nothing. */
async function whyRefused(taskId: string): Promise<End> {
  const task = await ask(taskPath(taskId))
  return task.status === 200 ? {} : endOf(task)
}

/** Plain text, and JSON that is no object, is nothing of ours. */
function read(text: string): Said {
  try {
    return (JSON.parse(text) as Said | null) ?? {}
  } catch {
    return {}
  }
}
