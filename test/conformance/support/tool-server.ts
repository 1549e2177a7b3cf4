import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import type { Effect } from '../../../patterns/agent/step.ts'
import { nonceOf } from '../../support/tools.ts'

export interface ToolServer extends AsyncDisposable {
  readonly url: string
  readonly effects: readonly (Effect & { readonly key: string })[]
  /** The next so many calls get this status and are not recorded. */
  refuse(times: number, status: number): void
}

/** Records every effect that it acknowledges. */
export async function startToolServer(): Promise<ToolServer> {
  const effects: (Effect & { key: string })[] = []
  let refusals = { times: 0, status: 503 }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    if (refusals.times-- > 0) return void response.writeHead(refusals.status).end()
    const effect = JSON.parse(body) as Effect
    effects.push({ ...effect, key: String(request.headers['idempotency-key']) })
    const answer = { recorded: true, nonce: nonceOf(effect.task, effect.step) }
    return void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer))
  })
  const url = await listenOnLoopback(server)
  return {
    url,
    effects,
    refuse: (times, status) => void (refusals = { times, status }),
    [Symbol.asyncDispose]: () => closeServer(server),
  }
}

export async function listenOnLoopback(server: Server): Promise<string> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

export async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}
