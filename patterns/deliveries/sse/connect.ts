import { commonHeaders, uncoded } from '../../contract/client/http.ts'
import {
  lastSeq,
  nextAddress,
  reportStream,
  takeNamed,
  type ChannelEnd,
  type Reader,
} from '../../contract/client/reader.ts'
import { EventStream } from './stream.ts'

/** Open the event stream of the reader's task after the last event that it has seen, and report what happens to it. */
export function connectStream(reader: Reader): EventStream {
  const { ports, signal, timing } = reader.talk
  const after = lastSeq(reader)
  const cursor = after > 0 ? { 'last-event-id': String(after) } : {}
  const headers = { ...commonHeaders(reader.talk), ...uncoded, accept: 'text/event-stream', ...cursor }
  const target = { url: `${nextAddress(reader)}/events`, headers }
  const stream = new EventStream(ports.dispatcher, target, {
    watchdogMs: timing.watchdogMs,
    retryMs: reader.retryMs,
    signal,
    onOpen: () => reportStream(reader, 'open', { after }),
    onSilence: () => reportStream(reader, 'heartbeat-missed'),
    onEvent: (name, data) => takeNamed(reader, name, data),
  })
  void stream.ended.then((end) => noteEnd(reader, end))
  return stream
}

function noteEnd(reader: Reader, { reason, adviceMs }: ChannelEnd): void {
  reader.retryMs = adviceMs
  reportStream(reader, 'closed', { reason })
}
