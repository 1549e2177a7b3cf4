import { lookup } from 'node:dns'
import { BlockList, isIP, isIPv6, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import { ProblemError } from './problems.ts'
import type { TaskRequest } from './task.ts'

/**
 * Networks that a server must not be talked into calling: this host, private and shared address space, link-local,
 * documentation, benchmarking, multicast, reserved, and the IPv6 forms that embed an IPv4 address
 * (IANA special-purpose address registries, RFC 6890).
 */
const special = `
  0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
  192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 ::/96
  64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20 5f00::/16 fc00::/7 fe80::/10
  fec0::/10 ff00::/8
`
const specialBlocks = blocksOf(special.trim().split(/\s+/))

/** True for an address that callbacks may reach. `allowed` networks (CIDR) are exempt from the refusal. */
export type AddressFilter = (address: string) => boolean

export function addressFilter(allowed: readonly string[]): AddressFilter {
  const exempt = blocksOf(allowed)
  return (address) => {
    const plain = unmapped(address)
    const family = isIPv6(plain) ? 'ipv6' : 'ipv4'
    return exempt.check(plain, family) || !specialBlocks.check(plain, family)
  }
}

/** Callbacks go nowhere else: the destination is refused, whatever its name resolved to before. */
export class BlockedDestination extends Error {
  override readonly name = 'BlockedDestination'
}

/**
 * Throws BlockedDestination for a URL that can never be called: no http(s), with credentials, or with a literal
 * address that the filter refuses. A name passes: its addresses are judged when they are dialled.
 */
export function checkUrl(url: string, isAllowed: AddressFilter): void {
  const { protocol, username, password, hostname } = new URL(url)
  if (protocol !== 'http:' && protocol !== 'https:') throw new BlockedDestination(`${protocol} is not http or https`)
  if (username || password) throw new BlockedDestination('credentials in a callback URL')
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) && !isAllowed(host)) throw new BlockedDestination(`${host} is not a public address`)
}

/** Refuses, as a problem, a task whose callback could never be posted. */
export function admitCallback({ delivery }: TaskRequest, isAllowed: AddressFilter): void {
  try {
    if (delivery) checkUrl(delivery.webhook_url, isAllowed)
  } catch (error) {
    throw new ProblemError('blocked-destination', (error as Error).message)
  }
}

/**
 * A connector that filters at dial time: the address that was judged is the address that is dialled, so a name
 * that resolves differently the second time (DNS rebinding) gains nothing.
 */
export function guardedConnector(isAllowed: AddressFilter, timeoutMs: number): buildConnector.connector {
  const lookupOption = { lookup: guardedLookup(isAllowed) } as buildConnector.BuildOptions
  const connect = buildConnector({ ...lookupOption, timeout: timeoutMs })
  return (options, callback) => {
    const host = options.hostname.replace(/^\[(.*)\]$/, '$1')
    if (!isIP(host) || isAllowed(host)) return connect(options, callback)
    callback(new BlockedDestination(`${host} is not a public address`), null)
  }
}

/** One refused address refuses the name: nobody publishes a private address beside a public one by accident. */
export function guardedLookup(isAllowed: AddressFilter, resolve: typeof lookup = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      if (error) return callback(error, '', 0)
      const isRefused = addresses.some(({ address }) => !isAllowed(address))
      // Without the address: whoever named the host would learn how names resolve in here.
      if (isRefused) return callback(new BlockedDestination(`${hostname} has an address that is not public`), '', 0)
      if (options.all) return callback(null, addresses)
      callback(null, addresses[0]!.address, addresses[0]!.family)
    })
  }
}

function blocksOf(networks: readonly string[]): BlockList {
  const blocks = new BlockList()
  for (const network of networks) {
    const [address, bits] = network.split('/') as [string, string]
    blocks.addSubnet(address, Number(bits), isIPv6(address) ? 'ipv6' : 'ipv4')
  }
  return blocks
}

/** `::ffff:10.0.0.1`, in any spelling, is 10.0.0.1. */
function unmapped(address: string): string {
  if (!isIPv6(address)) return address
  const hextets = new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1)
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(hextets)
  if (!mapped) return hextets
  const [high, low] = [Number.parseInt(mapped[1]!, 16), Number.parseInt(mapped[2]!, 16)]
  return [high >> 8, high & 255, low >> 8, low & 255].join('.')
}
