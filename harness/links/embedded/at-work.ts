import type { StreamName } from './toxic.ts'

/**
 * Whether a peer is at work on a connection, by what passed on it: a request without an answer yet, or an answer that
 * is not over. An event stream is such an answer. A pooled connection between two requests is not: no client would miss
 * it. Bytes are only kept while they pass; they are read when the question comes.
 */
export interface Work {
  saw(stream: StreamName, chunk: Buffer): void
  isUnderWay(): boolean
}

/**
 * @param fresh nothing has passed yet, because a client that wants something has just opened it
 */
export function watchWork(fresh: () => boolean): Work {
  let last: StreamName | undefined
  let first = empty
  let latest = empty
  let answered = 0
  return {
    saw(stream, chunk) {
      if (stream === 'downstream') {
        if (last !== 'downstream') {
          first = chunk
          answered = 0
        }
        latest = chunk
        answered += chunk.length
      }
      last = stream
    },
    isUnderWay: () => (last === undefined ? fresh() : last === 'upstream' || isUnfinished(first, latest, answered)),
  }
}

const empty: Buffer = Buffer.alloc(0)

/** Of an answer of HTTP/1.1; what speaks anything else is between two requests when its server spoke last. */
function isUnfinished(first: Buffer, latest: Buffer, answered: number): boolean {
  const text = first.toString('latin1', 0, 4096)
  const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1]
  const headEnd = text.indexOf('\r\n\r\n')
  if (status === undefined || headEnd < 0) return false
  const head = text.slice(0, headEnd).toLowerCase()
  const length = /\r\ncontent-length: *(\d+)/.exec(head)?.[1]
  if (status === '101') return true
  if (length !== undefined) return answered < headEnd + 4 + Number(length)
  return /\r\ntransfer-encoding: *chunked/.test(head) && !latest.toString('latin1').endsWith('0\r\n\r\n')
}
