import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'

export interface BufferingProxy extends AsyncDisposable {
  readonly url: string
}

/**
 * An HTTP proxy that passes an answer on when it has all of it, as nginx does by default with small ones. It closes what
 * its client closed. Upgraded connections are not HTTP any more: it passes them on as they come.
 */
export async function startBufferingProxy(targetUrl: string): Promise<BufferingProxy> {
  const { hostname, port } = new URL(targetUrl)
  const to = { host: hostname, port: Number(port) }
  const server = createServer((incoming, outgoing) => passOn(incoming, outgoing, to))
  server.on('upgrade', (incoming, socket, head) => {
    const upstream = connect(to, () => {
      upstream.write(requestHead(incoming))
      upstream.write(head)
      socket.pipe(upstream).pipe(socket)
    })
    upstream.on('error', () => socket.destroy()).on('close', () => socket.destroy())
    socket.on('error', () => upstream.destroy()).on('close', () => upstream.destroy())
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

function passOn(incoming: IncomingMessage, outgoing: ServerResponse, to: { host: string; port: number }): void {
  const { method, url: path, headers } = incoming
  const onward = request({ ...to, method, path, headers, agent: false }, async (answer) => {
    const body = await buffer(answer).catch(() => undefined)
    if (!body) {
      outgoing.destroy()
      return
    }
    const { 'transfer-encoding': _, ...kept } = answer.headers
    // An answer without a body may name the length of the body that it replaces.
    const length = body.length > 0 ? { 'content-length': body.length } : {}
    try {
      outgoing.writeHead(answer.statusCode!, { ...kept, ...length }).end(body)
    } catch {
      // Headers that nobody may send: as if it had not answered.
      outgoing.destroy()
    }
  })
  onward.on('error', () => outgoing.destroy())
  outgoing.on('close', () => onward.destroy())
  incoming.pipe(onward)
}

function requestHead({ method, url, rawHeaders }: IncomingMessage): string {
  const pairs = Array.from(
    { length: rawHeaders.length / 2 },
    (_, i) => `${rawHeaders[2 * i]}: ${rawHeaders[2 * i + 1]}`,
  )
  return `${[`${method} ${url} HTTP/1.1`, ...pairs].join('\r\n')}\r\n\r\n`
}
