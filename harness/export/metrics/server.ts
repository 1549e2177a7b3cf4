import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { briefRequests, isForLoopback, mostConnections } from '../../core/http.ts'
import { describeError, UsageError } from '../../core/errors.ts'
import type { Metrics } from './metrics.ts'

export interface MetricsServer extends AsyncDisposable {
  readonly url: string
}

/** Serves `/metrics` on loopback, to who asks for this machine by its own name. Port 0: any that is free. Rejects with UsageError where it cannot listen. */
export async function serveMetrics(
  metrics: Pick<Metrics, 'text' | 'contentType'>,
  port: number,
): Promise<MetricsServer> {
  const server = createServer(briefRequests, (request, response) => {
    const { port: own } = server.address() as AddressInfo
    if (isForLoopback(request, own, [fromDocker])) void answer(request, response, metrics)
    else say(response, 421, 'text/plain', 'no host of that name is here\n')
  })
  server.maxConnections = mostConnections
  try {
    await once(server.listen(port, '127.0.0.1'), 'listening')
  } catch (error) {
    throw new UsageError(`--metrics ${port}: nobody can listen there: ${describeError(error)}`)
  }
  const { port: own } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${own}/metrics`,
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** What Docker Desktop calls this machine's loopback in containers: Prometheus may run in one. */
const fromDocker = 'host.docker.internal'

async function answer(
  { method, url }: IncomingMessage,
  response: ServerResponse,
  { text, contentType }: Pick<Metrics, 'text' | 'contentType'>,
): Promise<void> {
  if (method !== 'GET' && method !== 'HEAD') return say(response, 405, 'text/plain', 'GET only\n')
  if (url?.split('?', 1)[0] !== '/metrics') return say(response, 404, 'text/plain', 'the metrics are at /metrics\n')
  try {
    say(response, 200, contentType, await text())
  } catch (error) {
    say(response, 500, 'text/plain', `${describeError(error)}\n`)
  }
}

function say(response: ServerResponse, status: number, type: string, body: string): void {
  response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', allow: 'GET, HEAD' }).end(body)
}
