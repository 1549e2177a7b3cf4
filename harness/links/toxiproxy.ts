import type { Proxy as ToxiproxyProxy, ToxicType } from 'toxiproxy-node-client'
import { describeError, HarnessError } from '../core/errors.ts'
import { openClient, type Client } from './client.ts'
import type { LinkName } from '../model/plan.ts'
import type { Impairment, Link, ToxicSpec } from '../model/link.ts'

/** The links of one deployment, on one Toxiproxy server: a real one or the embedded one. */
export interface Links extends AsyncDisposable {
  /** Rejects with HarnessError when the server cannot listen there or already has a proxy of this name. */
  create(link: LinkRequest): Promise<ProxiedLink>
  /** Whether the server has our own toxics (stall, refuse, idle_timeout, response_lost) and counts firings. */
  offersCustomToxics(): Promise<boolean>
  /** Remove the proxies made here. Twice is safe; a server that is gone has nothing left to remove. */
  close(): Promise<void>
}

/** A healthy server answers in a few milliseconds, but deleting a toxic can hang for ever (Shopify/toxiproxy#558). */
const defaultDeadlineMs = 3000

/** @param deadlineMs for each single request; rejects with HarnessError when no server answers in that time */
export async function openLinks(serverUrl: string, deadlineMs = defaultDeadlineMs): Promise<Links> {
  const client = openClient(serverUrl, deadlineMs)
  await client.expect([200], 'GET', '/version')
  const names = new Set<string>()
  const close = async (): Promise<void> => {
    const made = [...names]
    names.clear()
    try {
      await Promise.all(made.map(removeIfThere))
    } finally {
      await client.close()
    }
  }
  const removeIfThere = async (name: string): Promise<void> => {
    try {
      await client.expect([204, 404], 'DELETE', `/proxies/${name}`)
    } catch (error) {
      if (!/ECONNREFUSED|ECONNRESET|UND_ERR_SOCKET|UND_ERR_DESTROYED/.test(describeError(error))) throw error
    }
  }
  return {
    async create(request) {
      const name = proxyName(request.name)
      const link = await createLink(client, request, name)
      names.add(name)
      return link
    },
    offersCustomToxics: async () => (await client.expect([200, 404], 'GET', '/firings')).status === 200,
    close,
    [Symbol.asyncDispose]: close,
  }
}

/** `client->api-0` becomes `client-to-api-0`: safe in a URL and as a file name. */
export function proxyName(link: string): string {
  return link.replaceAll('->', '-to-').replaceAll(/[^A-Za-z0-9._-]/g, '-')
}

interface LinkRequest {
  /** `client->api-0` */
  readonly name: string
  readonly kind: LinkName
  readonly ordinal: number
  /** `host:port` of the server behind the link. */
  readonly upstream: string
  /** `host:port` to listen on, as the proxy server sees it. Default: any port of its loopback interface. */
  readonly listen?: string
}

/** A proxy on the server, and what was added to it and is not healed. */
interface Site {
  readonly client: Client
  readonly link: LinkRequest
  readonly proxy: ToxiproxyProxy
  readonly active: Map<string, ToxicSpec>
}

/** A link whose server can be said to be gone, and back: meanwhile the embedded proxy refuses, as a dead pod does. */
interface ProxiedLink extends Link {
  setUpstreamUp(isUp: boolean): Promise<void>
}

async function createLink(client: Client, link: LinkRequest, name: string): Promise<ProxiedLink> {
  const body = { name, listen: link.listen ?? '127.0.0.1:0', upstream: link.upstream, enabled: true }
  const proxy = await client.within(`create the link ${link.name}`, client.toxiproxy.createProxy(body))
  const site: Site = { client, link, proxy, active: new Map() }
  const { name: linkName, kind, ordinal } = link
  const url = reachableUrl(client, proxy.listen)
  // A real server does not have this, and accepts for a server that is gone before it closes.
  const setUpstreamUp = async (isUp: boolean): Promise<void> =>
    void (await client.expect([204, 404], 'POST', `/proxies/${name}/upstream`, { up: isUp }))
  return { name: linkName, kind, ordinal, url, impair: (toxic) => impair(site, toxic), setUpstreamUp }
}

/** A server that listens on every address is reached where its API is. */
function reachableUrl(client: Client, listen: string): string {
  return `http://${listen.replace(/^(0\.0\.0\.0|\[::\]|):/, `${client.host}:`)}`
}

async function impair(site: Site, toxic: ToxicSpec): Promise<Impairment> {
  const { client, link, active } = site
  if (await getToxic(site, toxic)) throw new HarnessError(`${link.name} already has a toxic ${toxic.name}`)
  const before = await countFirings(site, toxic)
  active.set(toxic.name, toxic)
  try {
    await client.within(`impair ${link.name} with ${toxic.type}`, addToxic(site, toxic))
    await readBack(site, toxic)
  } catch (error) {
    await heal(site, toxic).catch(() => {})
    throw error
  }
  return {
    firings: async () => {
      const now = await countFirings(site, toxic)
      return now === undefined ? undefined : now - (before ?? 0)
    },
    listed: async () => (await getToxic(site, toxic)) !== undefined,
    heal: () => heal(site, toxic),
  }
}

async function addToxic({ proxy }: Site, toxic: ToxicSpec): Promise<unknown> {
  // The library's list of types has Toxiproxy's own only.
  return proxy.addToxic({ ...toxic, type: toxic.type as ToxicType })
}

/** A server ignores attributes that it does not know: what it lists must be what was asked for. */
async function readBack(site: Site, toxic: ToxicSpec): Promise<void> {
  const listed = await getToxic(site, toxic)
  const { type, stream, attributes } = toxic
  const same =
    listed?.type === type &&
    listed.stream === stream &&
    // A real server keeps 32 bits of it.
    Math.fround(listed.toxicity) === Math.fround(toxic.toxicity) &&
    Object.entries(attributes).every(([name, value]) => listed.attributes[name] === value)
  if (!same)
    throw new HarnessError(
      `${site.link.name}: asked for ${JSON.stringify(toxic)}, the server lists ${JSON.stringify(listed)}`,
    )
}

async function getToxic(site: Site, toxic: ToxicSpec): Promise<ToxicSpec | undefined> {
  const { status, json } = await site.client.expect([200, 404], 'GET', toxicPath(site, toxic))
  return status === 200 ? (json as ToxicSpec) : undefined
}

/** Undefined where the server does not count. */
async function countFirings({ client, proxy }: Site, toxic: ToxicSpec): Promise<number | undefined> {
  const { status, json } = await client.expect([200, 404], 'GET', '/felt')
  if (status === 404) return undefined
  return (json as Record<string, Record<string, number>>)[proxy.name]?.[toxic.name] ?? 0
}

async function heal(site: Site, toxic: ToxicSpec): Promise<void> {
  if (!site.active.has(toxic.name)) return
  try {
    await site.client.expect([204, 404], 'DELETE', toxicPath(site, toxic))
    site.active.delete(toxic.name)
  } catch (cause) {
    site.active.delete(toxic.name)
    await recreate(site).catch((error: unknown) => {
      site.active.set(toxic.name, toxic)
      throw new HarnessError(`${site.link.name}: ${toxic.name} cannot be removed: ${describeError(error)}`, { cause })
    })
  }
}

/** A server whose toxic cannot be removed still replaces the proxy: its connections close, and the toxic is gone. */
async function recreate(site: Site): Promise<void> {
  const { client, proxy, active } = site
  const { name, listen, upstream } = proxy
  await client.expect([204, 404], 'DELETE', `/proxies/${name}`)
  await client.expect([201], 'POST', '/proxies', { name, listen, upstream, enabled: true })
  for (const toxic of active.values()) await client.expect([200], 'POST', `/proxies/${name}/toxics`, toxic)
}

function toxicPath({ proxy }: Site, toxic: ToxicSpec): string {
  return `/proxies/${proxy.name}/toxics/${encodeURIComponent(toxic.name)}`
}
