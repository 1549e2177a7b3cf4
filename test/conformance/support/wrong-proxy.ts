import {
  Agent,
  createServer,
  request as ask,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { buffer, text as textOf } from 'node:stream/consumers'
import { relayWrongly, type WrongSocket } from './wrong-socket.ts'

/** A request on its way to the server. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Events are wanted as they come. */
  readonly isStream: boolean
}

export interface Answered {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** What is made wrong on the way in and out. */
export interface Wrong {
  /** What the server is asked in place of that; an answer in its place. */
  readonly ask?: (asked: Asked) => Partial<Asked> | Answered
  /** In place of what it answers. */
  readonly answer?: (answered: Answered, asked: Asked) => Partial<Answered>
  /** In place of the frames of a stream, each with its blank line. */
  readonly frames?: (frames: AsyncIterable<string>, asked: Asked) => AsyncIterable<string>
  /** Of sockets. */
  readonly socket?: WrongSocket
}

export interface WrongProxy extends AsyncDisposable {
  readonly url: string
}

/** An HTTP proxy before a real server that makes it break the contract. */
export async function startWrongProxy(targetUrl: string, wrong: Wrong): Promise<WrongProxy> {
  const target = new URL(targetUrl)
  // Kept open: a connection for each of thousands of requests fills the kernel's table of them, and then nobody connects.
  const onward = new Agent({ keepAlive: true })
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing, { target, wrong, agent: onward }).catch(() => outgoing.destroy())
  })
  if (wrong.socket)
    server.on('upgrade', (request, socket, head) => relayWrongly({ request, socket, head }, target, wrong.socket!))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      onward.destroy()
      await closed
    },
  }
}

interface Scene {
  readonly target: URL
  readonly wrong: Wrong
  readonly agent: Agent
}

async function serve(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  { target, wrong, agent }: Scene,
): Promise<void> {
  const { method = 'GET', url: path = '/', headers } = incoming
  const isStream = headers.accept?.includes('text/event-stream') ?? false
  const own: Asked = { method, path, headers, body: await textOf(incoming), isStream }
  const changed = wrong.ask?.(own) ?? {}
  if ('status' in changed) return write(outgoing, changed)
  const asked = { ...own, ...changed }
  const answer = await forward({ target, agent }, asked, outgoing)
  if (String(answer.headers['content-type']).startsWith('text/event-stream'))
    return relay(answer, outgoing, { own, wrong })
  const body = (await buffer(answer)).toString()
  const answered = { status: answer.statusCode!, headers: answer.headers, body }
  write(outgoing, { ...answered, ...wrong.answer?.(answered, own) })
}

async function forward(
  { target, agent }: Omit<Scene, 'wrong'>,
  asked: Asked,
  outgoing: ServerResponse,
): Promise<IncomingMessage> {
  const { method, path, body } = asked
  const { 'content-length': _, 'transfer-encoding': __, connection: ___, ...kept } = asked.headers
  const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const headers = { ...kept, ...length, host: target.host }
  const onward = ask({ agent, host: target.hostname, port: target.port, method, path, headers })
  outgoing.once('close', () => onward.destroy())
  onward.end(body)
  const [answer] = (await once(onward, 'response')) as [IncomingMessage]
  return answer
}

function write(outgoing: ServerResponse, { status, headers, body }: Answered): void {
  const { connection: _, 'content-length': __, 'transfer-encoding': ___, ...kept } = headers
  const length = body === '' ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  outgoing.writeHead(status, { ...kept, ...length }).end(body)
}

async function relay(
  answer: IncomingMessage,
  outgoing: ServerResponse,
  { own, wrong }: { readonly own: Asked; readonly wrong: Wrong },
): Promise<void> {
  const answered = { status: answer.statusCode!, headers: answer.headers, body: '' }
  const { status, headers } = { ...answered, ...wrong.answer?.(answered, own) }
  const { connection: _, 'transfer-encoding': __, ...kept } = headers
  outgoing.writeHead(status, kept).flushHeaders()
  const frames = framesOf(answer)
  for await (const frame of wrong.frames?.(frames, own) ?? frames) outgoing.write(frame)
  outgoing.end()
}

/** Events, each with its blank line, and what stands before them: comments, and how long to wait. */
async function* framesOf(answer: IncomingMessage): AsyncIterable<string> {
  let rest = ''
  answer.setEncoding('utf8')
  for await (const chunk of answer as AsyncIterable<string>) {
    rest += chunk
    for (let frame = firstFrame(rest); frame !== ''; frame = firstFrame(rest)) {
      yield frame
      rest = rest.slice(frame.length)
    }
  }
  if (rest !== '') yield rest
}

function firstFrame(text: string): string {
  return /^(?:(?:(?::|retry:)[^\n]*\n|\n)+|[^]*?\n\n)/.exec(text)?.[0] ?? ''
}
