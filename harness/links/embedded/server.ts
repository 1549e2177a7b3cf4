import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { discover } from '../../core/discover.ts'
import { briefRequests } from '../../core/http.ts'
import { createApi } from './api.ts'
import { openEvidence } from './evidence.ts'
import { Proxies } from './proxies.ts'
import { formatAddress, parseAddress } from './sockets.ts'
import type { Toxic } from './toxic.ts'

export interface EmbeddedServer {
  /** `http://127.0.0.1:4711` */
  readonly url: string
  /** Close every proxy and connection, and complete the evidence. */
  close(): void
}

/**
 * Serves Toxiproxy's API in this process.
 * @param listen `host:port`, port 0 for any
 * @param evidence file to which one JSON line per firing is appended
 * @param onFailure hears why nothing is appended any more
 * @param seed with a connection's ordinal it decides which connections a toxic hits
 */
export async function startServer(
  listen: string,
  evidence: string,
  seed: string,
  onFailure?: (why: string) => void,
): Promise<EmbeddedServer> {
  const address = parseAddress(listen)
  if (!address) throw new Error(`${listen} is not an address of the form host:port`)
  const toxics = await discover<Toxic>(new URL('toxics/', import.meta.url))
  const log = openEvidence(evidence, onFailure)
  const proxies = new Proxies(seed, log)
  // A kept-alive connection that closes just as it is used again would look like a fault that could not be armed.
  const http = createServer({ ...briefRequests, keepAliveTimeout: 600_000 }, createApi(proxies, toxics, log))
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject)
    http.listen(address.port, address.host, resolve)
  })
  const taken = http.address() as AddressInfo
  return {
    url: `http://${formatAddress(taken.address, taken.port)}`,
    close() {
      http.close()
      http.closeAllConnections()
      proxies.close()
      log.close()
    },
  }
}
