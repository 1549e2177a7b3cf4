import type { ClientPorts, Delivered, Job, RunJob } from '../../contract/client.ts'
import type { TaskEvent } from '../../contract/events.ts'
import { finish } from '../../contract/finish.ts'
import { applyEvent, foldEvents } from '../../contract/log.ts'
import { sleep } from '../../contract/patience.ts'
import { authorization, submitJob, timingOf } from '../../contract/submit.ts'
import { isTerminal, type Task } from '../../contract/task.ts'
import { pollUntilEnd, watchTask, type Watch } from '../polling/poll.ts'
import { EventStream } from './stream.ts'

/** Follow the event stream; whenever it is in trouble, poll at once and go on trying the stream beside that. */
const runJob: RunJob = async (job, ports, signal) => {
  const { task, replica } = await submitJob(job, ports, signal)
  if (isTerminal(task.status)) return finish(task, 'response')
  return learnEnd({ job, ports, signal, watch: watchTask(task, replica), streamReplica: replica, seen: undefined })
}
export default runJob

interface Session {
  readonly job: Job
  readonly ports: ClientPorts
  readonly signal: AbortSignal
  readonly watch: Watch
  /** Replica of the next stream; where replicas share their tasks, another one at every attempt. */
  streamReplica: number
  /** Fold of the events that came by stream: its version is the cursor. */
  seen: Task | undefined
}

async function learnEnd(session: Session): Promise<Delivered> {
  for (let stream = openStream(session); ;) {
    await stream.ended
    session.signal.throwIfAborted()
    if (session.seen && isTerminal(session.seen.status)) return finish(session.seen, 'stream')
    const next = await fallBack(session)
    if (!(next instanceof EventStream)) return finish(next, 'poll')
    stream = next
  }
}

/** Resolves with the ended task, learned by polling, or with a stream that is open again: whichever comes first. */
async function fallBack(session: Session): Promise<Task | EventStream> {
  const { job, ports, watch } = session
  report(session, 'fallback')
  const episode = new AbortController()
  const onAbort = (): void => episode.abort(session.signal.reason)
  session.signal.addEventListener('abort', onAbort, { once: true })
  const polled = pollUntilEnd(job, ports, watch, { longPoll: true, signal: episode.signal })
  const reopened = reopenStream(session, episode.signal)
  let kept: EventStream | undefined
  try {
    const winner = await Promise.race([polled, reopened])
    if (!(winner instanceof EventStream)) return winner
    report(session, 'recovered')
    return (kept = winner)
  } finally {
    session.signal.removeEventListener('abort', onAbort)
    episode.abort(new Error('the other one was first'))
    polled.catch(ignore)
    void reopened.then((stream) => stream === kept || stream.close('not needed'), ignore)
  }
}

function ignore(): void {}

async function reopenStream(session: Session, signal: AbortSignal): Promise<EventStream> {
  const { ports } = session
  const { backoffBaseMs, streamRetryMs } = timingOf(ports)
  for (let delayMs = backoffBaseMs * ports.random(); ; delayMs = streamRetryMs * (0.5 + ports.random())) {
    await sleep(delayMs, signal)
    const stream = openStream(session)
    const onAbort = (): void => stream.close('not needed')
    signal.addEventListener('abort', onAbort, { once: true })
    const isOpen = await stream.opened
    signal.removeEventListener('abort', onAbort)
    if (isOpen) return stream
  }
}

function openStream(session: Session): EventStream {
  const { job, ports, signal, watch } = session
  const taskId = watch.task.task_id
  const after = session.seen?.version ?? 0
  const url = `${ports.apis[session.streamReplica]!.url}/v1/tasks/${taskId}/events`
  if (!ports.sticky) session.streamReplica = (session.streamReplica + 1) % ports.apis.length
  const cursor = after > 0 ? { 'last-event-id': String(after) } : {}
  const headers = { ...authorization(ports), accept: 'text/event-stream', ...cursor }
  const stream = new EventStream(
    ports.dispatcher,
    { url, headers },
    {
      watchdogMs: timingOf(ports).watchdogMs,
      signal,
      onOpen: () => ports.observe(job.key, 'stream', { taskId, state: 'open', after }),
      onSilence: () => report(session, 'heartbeat-missed'),
      onData: (data) => takeEvent(session, JSON.parse(data) as TaskEvent),
    },
  )
  void stream.ended.then((reason) => ports.observe(job.key, 'stream', { taskId, state: 'closed', reason }))
  return stream
}

/** True for the terminal event. A repeated event is reported and dropped; a gap throws and so ends the stream. */
function takeEvent(session: Session, event: TaskEvent): boolean {
  const { seq, type, status, task_id: taskId } = event
  session.ports.observe(session.job.key, 'event', { taskId, seq, type, status })
  if (session.seen && seq <= session.seen.version) return false
  session.seen = session.seen ? applyEvent(session.seen, event) : foldEvents([event])
  if (seq >= session.watch.task.version) session.watch.task = session.seen
  return isTerminal(status)
}

function report({ job, ports, watch }: Session, state: 'heartbeat-missed' | 'fallback' | 'recovered'): void {
  ports.observe(job.key, 'stream', { taskId: watch.task.task_id, state })
}
