import { connect, type Socket } from 'node:net'

/** What is sent over one connection, byte for byte. */
export interface Sent {
  readonly bytes: Buffer
  /** A server that follows RFC 9112 has all it needs for an answer. Otherwise the sending side is closed after the bytes. */
  readonly isWhole: boolean
  /** The token is right, so that everything may be answered. */
  readonly isAuthorized: boolean
  /** After a handshake that was taken up. */
  readonly frames?: readonly Buffer[]
}

export interface Received {
  readonly status: number | undefined
  readonly text: string
  /** How it came to its end; `silent`: it did not within the limit. */
  readonly end: 'answered' | 'closed' | 'silent'
  readonly tookMs: number
}

/** Send, and read one answer: until it is complete, or the other side closes, or the limit. The connection is gone afterwards. */
export async function exchangeBytes(port: number, sent: Sent, limitMs: number): Promise<Received> {
  const startedAt = performance.now()
  const socket = connect({ host: '127.0.0.1', port, allowHalfOpen: true })
  const chunks: Buffer[] = []
  const end = await new Promise<Received['end']>((resolve) => {
    const timer = setTimeout(() => resolve('silent'), limitMs)
    const over = (how: Received['end']): void => (clearTimeout(timer), resolve(how))
    let hasSwitched = false
    socket
      .on('error', () => over('closed'))
      .on('end', () => over('closed'))
      .on('close', () => over('closed'))
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      const text = Buffer.concat(chunks).toString('latin1')
      if (text.startsWith('HTTP/1.1 101') && sent.frames) {
        if (!hasSwitched) talk(socket, sent.frames)
        hasSwitched = true
      } else if (isComplete(text, sent.bytes)) over('answered')
    })
    socket.on('connect', () => {
      socket.write(sent.bytes)
      if (!sent.isWhole) socket.end()
    })
  })
  socket.destroy()
  const text = Buffer.concat(chunks).toString('latin1')
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(text.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, ''))?.[1]
  return { status: status === undefined ? undefined : Number(status), text, end, tookMs: performance.now() - startedAt }
}

/** All of it, and then our end of the connection: the server must let go too. */
function talk(socket: Socket, frames: readonly Buffer[]): void {
  for (const frame of frames) socket.write(frame)
  setTimeout(() => socket.end(), 20)
}

/** Of a stream the head is enough. */
function isComplete(text: string, request: Buffer): boolean {
  const answer = text.replace(/^HTTP\/1\.1 100 Continue\r\n\r\n/, '')
  const headEnd = answer.indexOf('\r\n\r\n')
  if (headEnd < 0) return false
  const head = answer.slice(0, headEnd)
  const body = answer.slice(headEnd + 4)
  if (/^HTTP\/1\.1 (?:1\d\d|204|304)/.test(head) || request.subarray(0, 5).toString() === 'HEAD ') return true
  if (/^content-type: text\/event-stream/im.test(head)) return true
  if (/^transfer-encoding: chunked/im.test(head)) return body.endsWith('0\r\n\r\n')
  const length = /^content-length: (\d+)/im.exec(head)?.[1]
  return length !== undefined && body.length >= Number(length)
}
