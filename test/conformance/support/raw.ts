import { connect, type Socket } from 'node:net'
import { once } from 'node:events'

export interface RawConnection {
  readonly socket: Socket
  /** All that came, so far. */
  readonly text: () => string
  /** Resolves when the other side has ended or destroyed it. */
  readonly over: Promise<void>
}

/** A connection that sends these bytes and reads on. It closes nothing by itself: `allowHalfOpen`. */
export async function rawConnection(url: string, bytes = ''): Promise<RawConnection> {
  const { hostname, port } = new URL(url)
  const socket = connect({ host: hostname, port: Number(port), allowHalfOpen: true })
  const over = new Promise<void>((resolve) => void socket.on('end', resolve).on('close', resolve))
  let text = ''
  socket.on('error', () => {}).on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  await once(socket, 'connect')
  socket.write(bytes)
  return { socket, text: () => text, over }
}

/** A request as it goes over the wire. */
export function head(line: string, headers: Readonly<Record<string, string>> = {}): string {
  const lines = Object.entries({ host: 'node', ...headers }).map(([name, value]) => `${name}: ${value}`)
  return `${[`${line} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`
}

/** Status and the JSON of the first answer in what came. */
export function firstAnswer(text: string): { readonly status: number; readonly json: Record<string, unknown> } {
  const [top = '', body = ''] = text.split('\r\n\r\n', 2)
  const json = body.startsWith('{') ? (JSON.parse(body) as Record<string, unknown>) : {}
  return { status: Number(top.split(' ')[1]), json }
}
