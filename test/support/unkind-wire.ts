import { once } from 'node:events'
import { request as ask, STATUS_CODES, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** How answers lie on the wire: what HTTP and server-sent events allow, and what Node's own server never writes. */
export interface Wire {
  /** Goes out before each answer: informational ones, whole. */
  readonly before?: string
  readonly version?: '1.0'
  /** Each connection has one answer. */
  readonly closes?: boolean
  /** The status line has no reason, and names of headers are in capitals. */
  readonly isTerse?: boolean
  /** Bodies are in chunks of this many bytes, with an extension, and a trailer field behind them. */
  readonly chunkBytes?: number
  readonly headers?: Readonly<Record<string, string>>
  /** How the lines of a stream are written. */
  readonly spell?: (text: string) => string
}

interface Request {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

export interface WireProxy extends AsyncDisposable {
  readonly url: string
}

/** A proxy before a real server that writes the answers itself, byte by byte. */
export async function startWireProxy(targetUrl: string, wire: Wire): Promise<WireProxy> {
  const target = new URL(targetUrl)
  const open = new Set<Socket>()
  const server = createServer((socket) => {
    open.add(socket.on('close', () => open.delete(socket)).on('error', () => socket.destroy()))
    serve(socket, target, wire).catch(() => socket.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of open) socket.destroy()
      await closed
    },
  }
}

async function serve(socket: Socket, target: URL, wire: Wire): Promise<void> {
  for (let rest = Buffer.alloc(0); ;) {
    const head = headIn(rest)
    if (!head || head.end + head.length > rest.length) {
      await once(socket, 'readable')
      const more = socket.read() as Buffer | null
      if (!more) return
      rest = Buffer.concat([rest, more])
      continue
    }
    const asked = { ...head, body: rest.subarray(head.end, head.end + head.length) }
    rest = rest.subarray(head.end + head.length)
    if ('upgrade' in head.headers) return tunnel(socket, target, { asked, wire })
    await answer(socket, target, { asked, wire })
    if (wire.closes || wire.version) return void socket.end()
  }
}

interface Head extends Omit<Request, 'body'> {
  readonly end: number
  readonly length: number
  readonly raw: string
}

function headIn(bytes: Buffer): Head | undefined {
  const at = bytes.indexOf('\r\n\r\n')
  if (at === -1) return undefined
  const raw = bytes.subarray(0, at).toString('latin1')
  const [first, ...lines] = raw.split('\r\n')
  const [method = '', path = ''] = first!.split(' ')
  const headers: Record<string, string> = {}
  for (const line of lines) headers[line.split(':', 1)[0]!.toLowerCase()] = line.replace(/^[^:]*:\s*/, '')
  return { method, path, headers, raw, end: at + 4, length: Number(headers['content-length'] ?? 0) }
}

interface Exchange {
  readonly asked: Request & { readonly raw: string }
  readonly wire: Wire
}

async function answer(socket: Socket, target: URL, { asked, wire }: Exchange): Promise<void> {
  const { method, path, body } = asked
  const { connection: _, ...headers } = asked.headers
  const onward = ask({ host: target.hostname, port: target.port, method, path, headers, agent: false })
  socket.once('close', () => onward.destroy())
  onward.end(body)
  const [answered] = (await once(onward, 'response')) as [IncomingMessage]
  const { statusCode: status = 0 } = answered
  const isBare = method === 'HEAD' || status === 204 || status === 304
  const isStream = String(answered.headers['content-type']).startsWith('text/event-stream')
  const text = isStream ? undefined : await buffer(answered)
  socket.write(headOf(answered, wire, isBare ? undefined : text))
  if (isBare) return
  if (text) return writePart(socket, text, wire, true)
  answered.setEncoding('utf8')
  for await (const part of answered as AsyncIterable<string>)
    writePart(socket, Buffer.from(wire.spell?.(part) ?? part), wire, false)
  if (!wire.version) socket.write(ending(wire))
}

function headOf({ statusCode: status = 0, headers }: IncomingMessage, wire: Wire, text?: Buffer): string {
  const { connection: _, 'keep-alive': __, 'transfer-encoding': ___, 'content-length': ____, ...own } = headers
  const isChunked = !wire.version && (wire.chunkBytes !== undefined || text === undefined)
  const isBodiless = status === 204 || status === 304
  const length = isBodiless || isChunked || text === undefined ? {} : { 'content-length': String(text.length) }
  const coding = isChunked && !isBodiless ? { 'transfer-encoding': 'chunked', trailer: 'x-checksum' } : {}
  const all = { ...own, ...length, ...coding, ...(wire.closes && { connection: 'close' }), ...wire.headers }
  const lines = Object.entries(all).map(([name, value]) => {
    return `${wire.isTerse ? name.toUpperCase() : name}:${wire.isTerse ? '' : ' '}${String(value)}\r\n`
  })
  const reason = wire.isTerse ? '' : STATUS_CODES[status]
  return `${wire.before ?? ''}HTTP/${wire.version ?? '1.1'} ${status} ${reason}\r\n${lines.join('')}\r\n`
}

function writePart(socket: Socket, bytes: Buffer, wire: Wire, isWhole: boolean): void {
  if (wire.version || (isWhole && wire.chunkBytes === undefined)) return void socket.write(bytes)
  const size = wire.chunkBytes ?? bytes.length
  for (let at = 0; at < bytes.length; at += size) {
    const part = bytes.subarray(at, at + size)
    socket.write(`${part.length.toString(16)}${wire.chunkBytes === undefined ? '' : ';ext="a b"'}\r\n`)
    socket.write(part)
    socket.write('\r\n')
  }
  if (isWhole) socket.write(ending(wire))
}

function ending({ chunkBytes }: Wire): string {
  return `0\r\n${chunkBytes === undefined ? '' : 'x-checksum: 1\r\n'}\r\n`
}

/** A handshake, and whatever comes of it. */
function tunnel(socket: Socket, target: URL, { asked, wire }: Exchange): void {
  const onward = connect({ host: target.hostname, port: Number(target.port) })
  onward.on('error', () => socket.destroy()).on('close', () => socket.destroy())
  socket.on('close', () => onward.destroy())
  onward.write(`${asked.raw}\r\n\r\n`)
  if (wire.before !== undefined) socket.write(wire.before)
  onward.pipe(socket).pipe(onward)
}
