import type { RunJob } from '../../contract/client/client.ts'
import type { TaskEvent } from '../../contract/types/events.ts'
import { finish } from '../../contract/client/outcome.ts'
import { followToEnd, lastSeq, nextAddress, readerOf, reportStream, takeEvent } from '../../contract/client/reader.ts'
import type { Reader } from '../../contract/client/reader.ts'
import { authorization, submitJob, timingOf } from '../../contract/client/submit.ts'
import { isTerminal } from '../../contract/types/task.ts'
import { EventSocket } from './socket.ts'

/** Follow the task over a socket until the terminal event; when it breaks, open another one and say where the first broke. */
const runJob: RunJob = async (job, ports, signal) => {
  const accepted = await submitJob(job, ports, signal)
  if (isTerminal(accepted.task.status)) return finish(accepted.task, 'response')
  return followToEnd(readerOf(job, ports, signal, accepted), connectSocket)
}
export default runJob

function connectSocket(reader: Reader): EventSocket {
  const { ports, signal } = reader
  const { watchdogMs, connectTimeoutMs } = timingOf(ports)
  const after = lastSeq(reader)
  const target = { url: `${nextAddress(reader)}/ws`, headers: authorization(ports) }
  const socket = new EventSocket(target, {
    lastSeq: after,
    connectTimeoutMs,
    watchdogMs,
    signal,
    ...(ports.onHandshake && { onHandshake: (handshake) => ports.onHandshake!(target.url, handshake) }),
    onOpen: () => reportStream(reader, 'open', { after }),
    onSilence: () => reportStream(reader, 'heartbeat-missed'),
    onData: (data) => takeEvent(reader, JSON.parse(data) as TaskEvent),
  })
  void socket.ended.then((reason) => reportStream(reader, 'closed', { reason }))
  return socket
}
