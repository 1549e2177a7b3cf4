import type { Socket } from 'node:net'
import type { buildConnector } from 'undici'

/**
 * A connector of undici whose connections show no interim answers (1xx but 101). A client must be able to pass over any, also
 * a `100` that it has not asked for (RFC 9110, 15.2); undici takes that one for a broken server.
 */
export function withoutInterim(connect: buildConnector.connector): buildConnector.connector {
  return (place, callback) =>
    connect(place, (...[error, socket]) => {
      if (error) return callback(error, null)
      const isHttp2 = 'alpnProtocol' in socket && socket.alpnProtocol === 'h2'
      return callback(null, isHttp2 ? socket : passOver(socket))
    })
}

/** An answer begins where a request was sent before, and nothing of it was read yet: there is one request at a time. */
function passOver<S extends Socket>(socket: S): S {
  const [read, write] = [socket.read.bind(socket), socket.write.bind(socket) as (...all: unknown[]) => boolean]
  let isDue = false
  let held: Buffer = Buffer.alloc(0)
  const beginOf = (chunk: Buffer): Buffer | null => {
    held = held.length === 0 ? chunk : Buffer.concat([held, chunk])
    for (let end = endOfInterim(held); end > 0; end = endOfInterim(held)) held = held.subarray(end)
    if (endOfInterim(held) === unfinished && held.length < mostHeadBytes) return null
    const rest = held
    ;[isDue, held] = [false, Buffer.alloc(0)]
    return rest
  }
  return Object.assign(socket, {
    write: (...all: unknown[]) => {
      isDue = true
      return write(...all)
    },
    read: (size?: number) => {
      const chunk = read(size) as Buffer | null
      return chunk && isDue ? beginOf(chunk) : chunk
    },
  })
}

/** Beyond this nobody waits for the end of a head: it is shown, whatever it is. */
const mostHeadBytes = 16_384
const unfinished = -1
/** As far as it takes to know which answer it is. */
const startBytes = 'HTTP/1.1 100 '.length
const interim = /^HTTP\/1\.\d 1(?!01)\d\d[ \r]/

/** How long the interim answer at the head is; 0: it is another one; `unfinished`: more of it has to come. */
function endOfInterim(bytes: Buffer): number {
  const start = bytes.toString('latin1', 0, startBytes)
  if (start.length < startBytes && 'HTTP/1.'.startsWith(start.slice(0, 7))) return unfinished
  if (!interim.test(start)) return 0
  const end = bytes.indexOf('\r\n\r\n')
  return end === -1 ? unfinished : end + 4
}
