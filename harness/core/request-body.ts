import type { IncomingMessage, ServerOptions } from 'node:http'

/**
 * For a server that the harness runs for its own nodes and clients: a peer that needs longer is none of them, or
 * broken.
 */
export const briefRequests: ServerOptions = { headersTimeout: 60_000, requestTimeout: 60_000 }

/** More than anybody here says. */
export class BodyTooLarge extends Error {
  override readonly name = 'BodyTooLarge'
}

/** A request's body. Rejects with BodyTooLarge, and when the body is torn. */
export async function readBody(request: IncomingMessage, mostBytes: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > mostBytes) throw new BodyTooLarge(`a body of more than ${mostBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
