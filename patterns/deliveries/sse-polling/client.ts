import { JobFailed, type Delivered } from '../../contract/client/client.ts'
import { finish } from '../../contract/client/outcome.ts'
import type { Watch } from '../../contract/client/read.ts'
import { heedEnd, readerOf, reportStream, type ChannelEnd, type Reader } from '../../contract/client/reader.ts'
import { type Accepted, submitJob } from '../../contract/client/submit.ts'
import { clientOf, type Talk } from '../../contract/client/talk.ts'
import { isTerminal, type Task } from '../../contract/types/task.ts'
import { pollUntilEnd } from '../polling/poll.ts'
import { connectStream } from '../sse/connect.ts'
import { EventStream } from '../sse/stream.ts'

/** Follow the event stream; whenever it is in trouble, poll at once and go on trying the stream beside that. */
export default clientOf(async (talk) => followTask(talk, await submitJob(talk)))

/** The same for a task that was accepted before, also by an earlier life of this client. */
export async function followTask(talk: Talk, accepted: Pick<Accepted, 'task' | 'replica'>): Promise<Delivered> {
  const { task, replica } = accepted
  if (isTerminal(task.status)) return finish(task, 'response')
  await talk.pace.turn('stream', talk.signal)
  return learnEnd(readerOf(talk, accepted), { task, replica })
}

async function learnEnd(reader: Reader, watch: Watch): Promise<Delivered> {
  const { signal } = reader.talk
  for (let stream = connectStream(reader); ;) {
    const end = await stream.ended
    signal.throwIfAborted()
    if (reader.seen && isTerminal(reader.seen.status)) return finish(reader.seen, 'stream')
    const next = await fallBack(reader, watch, end)
    if (!(next instanceof EventStream)) return finish(next, 'poll')
    stream = next
  }
}

/**
 * Resolves with the ended task, learned by polling, or with a stream that is open again: whichever comes first. Where it is
 * proved that there is no stream to be had, polling is all.
 */
async function fallBack(reader: Reader, watch: Watch, end: ChannelEnd): Promise<Task | EventStream> {
  const { seen, talk } = reader
  reportStream(reader, 'fallback')
  if (seen && seen.version > watch.task.version) watch.task = seen
  const episode = new AbortController()
  const onAbort = (): void => episode.abort(talk.signal.reason)
  talk.signal.addEventListener('abort', onAbort, { once: true })
  const reopened = reopenStream(reader, end, episode.signal)
  const polled = pollUntilEnd(talk, watch, { longPoll: true, signal: episode.signal })
  let kept: EventStream | undefined
  try {
    const winner = await Promise.race([polled, reopened.catch((error: unknown) => orElse(error, polled))])
    if (!(winner instanceof EventStream)) return winner
    reportStream(reader, 'recovered')
    return (kept = winner)
  } finally {
    talk.signal.removeEventListener('abort', onAbort)
    episode.abort(new Error('the other one was first'))
    polled.catch(ignore)
    void reopened.then((stream) => stream === kept || stream.close('not needed'), ignore)
  }
}

function orElse(error: unknown, polled: Promise<Task>): Promise<Task> {
  if (error instanceof JobFailed) return polled
  throw error
}

function ignore(): void {}

/** Rejects with JobFailed once it is proved that there is no stream to be had. */
async function reopenStream(reader: Reader, last: ChannelEnd, signal: AbortSignal): Promise<EventStream> {
  for (let end = last; ;) {
    heedEnd(reader, end)
    await reader.talk.pace.turn('stream', signal)
    const stream = connectStream(reader)
    const onAbort = (): void => stream.close('not needed')
    signal.addEventListener('abort', onAbort, { once: true })
    const isOpen = await stream.opened
    signal.removeEventListener('abort', onAbort)
    if (isOpen) return stream
    end = await stream.ended
    signal.throwIfAborted()
  }
}
