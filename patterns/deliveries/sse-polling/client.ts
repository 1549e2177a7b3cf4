import type { ClientPorts, Delivered, Job, RunJob } from '../../contract/client/client.ts'
import { finish } from '../../contract/client/outcome.ts'
import { sleep } from '../../contract/types/timer.ts'
import { readerOf, reportStream, type Reader } from '../../contract/client/reader.ts'
import { type Accepted, submitJob, timingOf } from '../../contract/client/submit.ts'
import { isTerminal, type Task } from '../../contract/types/task.ts'
import { pollUntilEnd, watchTask, type Watch } from '../polling/poll.ts'
import { connectStream } from '../sse/connect.ts'
import { EventStream } from '../sse/stream.ts'

/** Follow the event stream; whenever it is in trouble, poll at once and go on trying the stream beside that. */
const runJob: RunJob = async (job, ports, signal) => {
  return followTask(job, ports, signal, await submitJob(job, ports, signal))
}
export default runJob

/** The same for a task that was accepted before, also by an earlier life of this client. */
export async function followTask(
  job: Job,
  ports: ClientPorts,
  signal: AbortSignal,
  accepted: Pick<Accepted, 'task' | 'replica'>,
): Promise<Delivered> {
  const { task, replica } = accepted
  if (isTerminal(task.status)) return finish(task, 'response')
  return learnEnd(readerOf(job, ports, signal, accepted), watchTask(task, replica))
}

async function learnEnd(reader: Reader, watch: Watch): Promise<Delivered> {
  for (let stream = connectStream(reader); ;) {
    await stream.ended
    reader.signal.throwIfAborted()
    if (reader.seen && isTerminal(reader.seen.status)) return finish(reader.seen, 'stream')
    const next = await fallBack(reader, watch)
    if (!(next instanceof EventStream)) return finish(next, 'poll')
    stream = next
  }
}

/** Resolves with the ended task, learned by polling, or with a stream that is open again: whichever comes first. */
async function fallBack(reader: Reader, watch: Watch): Promise<Task | EventStream> {
  const { job, ports, seen } = reader
  reportStream(reader, 'fallback')
  if (seen && seen.version > watch.task.version) watch.task = seen
  const episode = new AbortController()
  const onAbort = (): void => episode.abort(reader.signal.reason)
  reader.signal.addEventListener('abort', onAbort, { once: true })
  const polled = pollUntilEnd(job, ports, watch, { longPoll: true, signal: episode.signal })
  const reopened = reopenStream(reader, episode.signal)
  let kept: EventStream | undefined
  try {
    const winner = await Promise.race([polled, reopened])
    if (!(winner instanceof EventStream)) return winner
    reportStream(reader, 'recovered')
    return (kept = winner)
  } finally {
    reader.signal.removeEventListener('abort', onAbort)
    episode.abort(new Error('the other one was first'))
    polled.catch(ignore)
    void reopened.then((stream) => stream === kept || stream.close('not needed'), ignore)
  }
}

function ignore(): void {}

async function reopenStream(reader: Reader, signal: AbortSignal): Promise<EventStream> {
  const { ports } = reader
  const { backoffBaseMs, streamRetryMs } = timingOf(ports)
  for (let delayMs = backoffBaseMs * ports.random(); ; delayMs = streamRetryMs * (0.5 + ports.random())) {
    await sleep(delayMs, signal)
    const stream = connectStream(reader)
    const onAbort = (): void => stream.close('not needed')
    signal.addEventListener('abort', onAbort, { once: true })
    const isOpen = await stream.opened
    signal.removeEventListener('abort', onAbort)
    if (isOpen) return stream
  }
}
