import { commonHeaders } from '../../contract/client/http.ts'
import { finish } from '../../contract/client/outcome.ts'
import { followToEnd, lastSeq, nextAddress, readerOf, reportStream, takeNamed } from '../../contract/client/reader.ts'
import type { Reader } from '../../contract/client/reader.ts'
import { submitJob } from '../../contract/client/submit.ts'
import { clientOf } from '../../contract/client/talk.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { EventSocket } from './socket.ts'

/** Follow the task over a socket until the terminal event; when it breaks, open another one and say where the first broke. */
export default clientOf(async (talk) => {
  const accepted = await submitJob(talk)
  if (isTerminal(accepted.task.status)) return finish(accepted.task, 'response')
  return followToEnd(readerOf(talk, accepted), connectSocket)
})

function connectSocket(reader: Reader): EventSocket {
  const { ports, signal, timing } = reader.talk
  const { watchdogMs, connectTimeoutMs, retryAfterMs } = timing
  const after = lastSeq(reader)
  const target = { url: `${nextAddress(reader)}/ws`, headers: commonHeaders(reader.talk) }
  const socket = new EventSocket(target, {
    lastSeq: after,
    connectTimeoutMs,
    watchdogMs,
    laterMs: retryAfterMs,
    signal,
    ...(ports.onHandshake && { onHandshake: (handshake) => ports.onHandshake!(target.url, handshake) }),
    onOpen: () => reportStream(reader, 'open', { after }),
    onSilence: () => reportStream(reader, 'heartbeat-missed'),
    onEvent: (data) => takeNamed(reader, undefined, data),
  })
  void socket.ended.then(({ reason }) => reportStream(reader, 'closed', { reason }))
  return socket
}
