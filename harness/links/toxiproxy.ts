import { describeError } from '../core/errors.ts'
import { createLink, type LinkRequest, type ProxiedLink } from './link.ts'
import { openClient } from './client.ts'

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
