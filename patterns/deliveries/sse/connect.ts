import type { TaskEvent } from '../../contract/types/events.ts'
import { lastSeq, nextAddress, reportStream, takeEvent, type Reader } from '../../contract/client/reader.ts'
import { authorization, timingOf } from '../../contract/client/submit.ts'
import { EventStream } from './stream.ts'

/** Open the event stream of the reader's task after the last event that it has seen, and report what happens to it. */
export function connectStream(reader: Reader): EventStream {
  const { ports, signal } = reader
  const after = lastSeq(reader)
  const cursor = after > 0 ? { 'last-event-id': String(after) } : {}
  const headers = { ...authorization(ports), accept: 'text/event-stream', ...cursor }
  const target = { url: `${nextAddress(reader)}/events`, headers }
  const stream = new EventStream(ports.dispatcher, target, {
    watchdogMs: timingOf(ports).watchdogMs,
    signal,
    onOpen: () => reportStream(reader, 'open', { after }),
    onSilence: () => reportStream(reader, 'heartbeat-missed'),
    onData: (data) => takeEvent(reader, JSON.parse(data) as TaskEvent),
  })
  void stream.ended.then((reason) => reportStream(reader, 'closed', { reason }))
  return stream
}
