import { lookup } from 'node:dns/promises'
import { ApiError, type ProxyRequest } from './requests.ts'
import type { Evidence } from './evidence.ts'
import { Proxy } from './proxy.ts'
import { formatAddress, parseAddress } from './sockets.ts'

/** All proxies of a server, by name. Calls of its async methods must not overlap. */
export class Proxies {
  readonly #proxies = new Map<string, Proxy>()
  readonly #seed: string
  readonly #evidence: Evidence

  constructor(seed: string, evidence: Evidence) {
    this.#seed = seed
    this.#evidence = evidence
  }

  list(): readonly Proxy[] {
    return [...this.#proxies.values()]
  }

  /** Throws ApiError when there is none. */
  get(name: string): Proxy {
    const proxy = this.#proxies.get(name)
    if (!proxy) throw new ApiError(404, 'proxy not found')
    return proxy
  }

  async add(request: ProxyRequest): Promise<Proxy> {
    if (this.#proxies.has(request.name)) throw new ApiError(409, 'proxy already exists')
    return this.#start(request)
  }

  /** Keeps the one that exists under this name when its addresses are the same. */
  async addOrReplace(request: ProxyRequest): Promise<Proxy> {
    const existing = this.#proxies.get(request.name)
    const same = existing?.upstream === request.upstream && existing.listen === (await resolved(request.listen))
    if (existing && same) return existing
    existing?.close()
    return this.#start(request)
  }

  remove(name: string): void {
    this.get(name).close()
    this.#proxies.delete(name)
  }

  async reset(): Promise<void> {
    for (const proxy of this.list()) await proxy.reset()
  }

  close(): void {
    for (const proxy of this.list()) proxy.close()
    this.#proxies.clear()
  }

  async #start(request: ProxyRequest): Promise<Proxy> {
    const proxy = new Proxy(request, this.#seed, this.#evidence)
    if (request.enabled) await proxy.enable()
    this.#proxies.set(request.name, proxy)
    return proxy
  }
}

/** A proxy that listens shows its address in numbers; a name in a request has to be compared with these. */
async function resolved(listen: string): Promise<string> {
  const address = parseAddress(listen)
  if (!address || address.host === '') return listen
  const found = await lookup(address.host).catch(() => undefined)
  return formatAddress(found?.address ?? address.host, address.port)
}
