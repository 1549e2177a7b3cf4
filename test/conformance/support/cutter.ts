import { connect, createServer, type Socket } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

export interface Cutter extends AsyncDisposable {
  readonly url: string
  /** What happens to connections whose first request line matches: dropped, or held without a byte. */
  harm(kind: 'cut' | 'silence', requestLine: RegExp): void
  heal(): void
  /** First request lines of all connections so far. */
  readonly seen: readonly string[]
}

/** A TCP proxy that reads the first request line of every connection: harm one kind of request and leave the others. */
export async function startCutter(targetUrl: string): Promise<Cutter> {
  const { hostname, port } = new URL(targetUrl)
  const open = new Map<Socket, { line: string; upstream: Socket }>()
  const seen: string[] = []
  let harmed: { kind: 'cut' | 'silence'; requestLine: RegExp } | undefined
  const apply = (socket: Socket, line: string, upstream: Socket): void => {
    if (!harmed?.requestLine.test(line)) return
    if (harmed.kind === 'cut') socket.destroy()
    else upstream.unpipe(socket)
  }
  const server = createServer((socket) => {
    const upstream = connect({ host: hostname, port: Number(port) })
    socket.on('error', () => {}).on('close', () => upstream.destroy())
    upstream.on('error', () => {}).on('close', () => socket.destroy())
    socket.once('data', (chunk: Buffer) => {
      const line = chunk.toString('latin1').split('\r\n', 1)[0]!
      seen.push(line)
      open.set(socket, { line, upstream })
      socket.on('close', () => open.delete(socket))
      upstream.write(chunk)
      socket.pipe(upstream)
      upstream.pipe(socket)
      apply(socket, line, upstream)
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    harm: (kind, requestLine) => {
      harmed = { kind, requestLine }
      for (const [socket, { line, upstream }] of open) apply(socket, line, upstream)
    },
    heal: () => void (harmed = undefined),
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      for (const socket of open.keys()) socket.destroy()
      await closed
    },
  }
}
