import { lookup, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import ipaddr from 'ipaddr.js'
import type { NodeSettings } from '../types/settings.ts'
import { ProblemError } from '../types/problems.ts'
import type { TaskRequest } from '../types/task.ts'

/** Where callbacks may go. */
export interface Destinations {
  readonly isAddress: AddressFilter
  readonly isPort: (port: number) => boolean
}

/**
 * The web's own ports, and those that need no privilege. Below 1024 are mail, DNS, SSH, databases of names and
 * printers, which might take a POST for one of theirs. A web server among them can be reached at 80 or 443.
 */
const defaultPorts = '80,443,1024-65535'

export function destinationsOf({ webhookAllow = [], webhookPorts = defaultPorts }: AllowedDestinations): Destinations {
  const ranges = webhookPorts.split(',').map((range) => range.split('-').map(Number))
  return {
    isAddress: addressFilter(webhookAllow),
    isPort: (port) => ranges.some(([first = 0, last = first]) => port >= first && port <= last),
  }
}

type AllowedDestinations = Pick<NodeSettings, 'webhookAllow' | 'webhookPorts'>

/** Callbacks go nowhere else: the destination is refused, whatever its name resolved to before. */
export class BlockedDestination extends Error {
  override readonly name = 'BlockedDestination'
}

/**
 * Throws BlockedDestination for a URL that can never be called: no http(s), with credentials, with a port that is
 * closed to callbacks, or with a literal address that is. A name passes: its addresses are judged when they are
 * dialled. `URL` has read every other spelling of an IPv4 address (decimal, octal, hexadecimal, short, full-width) by
 * then.
 */
export function checkUrl(url: string, destinations: Destinations): void {
  const { protocol, username, password, hostname, port } = new URL(url)
  if (protocol !== 'http:' && protocol !== 'https:') throw new BlockedDestination(`${protocol} is not http or https`)
  if (username || password) throw new BlockedDestination('credentials in a callback URL')
  checkPlace(hostname, Number(port || (protocol === 'http:' ? 80 : 443)), destinations)
}

function checkPlace(hostname: string, port: number, { isAddress, isPort }: Destinations): void {
  if (!isPort(port)) throw new BlockedDestination(`callbacks may not go to port ${port}`)
  const host = hostname.replace(/^\[(.*)\]$/, '$1')
  if (isIP(host) && !isAddress(host)) throw new BlockedDestination(`${host} is not a public address`)
}

/** Refuses, as a problem, a task whose callback could never be posted. */
export function admitCallback({ delivery }: TaskRequest, destinations: Destinations): void {
  try {
    if (delivery) checkUrl(delivery.webhook_url, destinations)
  } catch (error) {
    throw new ProblemError('blocked-destination', (error as Error).message)
  }
}

/**
 * A connector that filters at dial time. The judged address is the dialled address, so a name that resolves differently
 * the second time (DNS rebinding) gains nothing.
 */
export function guardedConnector(destinations: Destinations, timeoutMs: number): buildConnector.connector {
  const lookupOption = { lookup: guardedLookup(destinations.isAddress) } as buildConnector.BuildOptions
  const connect = buildConnector({ ...lookupOption, timeout: timeoutMs })
  return (options, callback) => {
    try {
      checkPlace(options.hostname, Number(options.port || (options.protocol === 'http:' ? 80 : 443)), destinations)
    } catch (error) {
      return callback(error as Error, null)
    }
    connect(options, callback)
  }
}

/** One refused address refuses the name: nobody publishes a private address beside a public one by accident. */
export function guardedLookup(isAllowed: AddressFilter, resolve: typeof lookup = lookup): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const refusal = error ?? refusalOf(hostname, addresses, isAllowed)
      if (refusal) return callback(refusal, '', 0)
      if (options.all) return callback(null, addresses)
      callback(null, addresses[0]!.address, addresses[0]!.family)
    })
  }
}

function refusalOf(hostname: string, addresses: readonly LookupAddress[], isAllowed: AddressFilter): Error | undefined {
  // A resolver may answer with nothing, and no error: nobody is refused by that, and nobody can be dialled.
  if (addresses.length === 0)
    return Object.assign(new Error(`${hostname} has no address`), { code: 'ENODATA', syscall: 'getaddrinfo' })
  // Without the address: otherwise a client that names a host would learn how names resolve in here.
  if (addresses.some(({ address }) => !isAllowed(address)))
    return new BlockedDestination(`${hostname} has an address that is not public`)
  return undefined
}

/**
 * Addresses that a server must not be talked into calling. Every block of IANA's two special-purpose address registries
 * (https://www.iana.org/assignments/iana-ipv4-special-registry and .../iana-ipv6-special-registry, as updated in 2025,
 * RFC 9780 the newest entry). It includes the globally reachable ones: a callback never goes to an anycast service of
 * the network itself. Multicast (RFC 5771) and 240.0.0.0/4 with them, and what clouds put into public space.
 */
const special = {
  ipv4: `
    0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24 192.31.196.0/24
    192.52.193.0/24 192.88.99.0/24 192.168.0.0/16 192.175.48.0/24 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24
    224.0.0.0/4 240.0.0.0/4`,
  /** Azure's wire server and DNS; service networks of IBM Cloud: public space, reached from inside only. */
  clouds: '168.63.129.16/32 161.26.0.0/16 166.8.0.0/14',
  /**
   * Within 2000::/3, the only assigned part of the space (RFC 4291, iana-ipv6-unicast-address-assignments). They are
   * protocols of the IETF (Teredo, AMT, AS112, ORCHID and DRIP among them), documentation, 6to4, AS112.
   */
  ipv6: '2001::/23 2001:db8::/32 2002::/16 2620:4f:8000::/48 3fff::/20',
} as const

type Network = ReturnType<typeof ipaddr.parseCIDR>

const blocked = parseNetworks(`${special.ipv4} ${special.clouds} ${special.ipv6}`.trim().split(/\s+/))
const given = ipaddr.parseCIDR('2000::/3')

/** True for an address that callbacks may reach. What is no address may not be reached. */
type AddressFilter = (address: string) => boolean

/** `allowed` networks (CIDR) are exempt from the refusal. */
export function addressFilter(allowed: readonly string[]): AddressFilter {
  const exempt = parseNetworks(allowed)
  return (address) => {
    if (!isIP(address)) return false
    // `::ffff:10.0.0.1`, in any spelling, is 10.0.0.1.
    const plain = ipaddr.process(spelledOut(address))
    return isWithin(plain, exempt) || isPublic(plain)
  }
}

/** Without a zone, and an embedded IPv4 address as hextets: the library takes `::8.8.8.8` for `::ffff:8.8.8.8`. */
function spelledOut(address: string): string {
  if (!address.includes(':')) return address
  return new URL(`http://[${address.replace(/%.*$/, '')}]`).hostname.slice(1, -1)
}

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (isWithin(address, blocked)) return false
  return address instanceof ipaddr.IPv4 || (isWithin(address, [given]) && !isIsatap(address))
}

/** The interface of ISATAP (RFC 5214, 6.1) names the IPv4 address that it tunnels to, under any prefix. */
function isIsatap({ parts }: ipaddr.IPv6): boolean {
  return (parts[4]! & ~0x0200) === 0 && parts[5] === 0x5efe
}

function isWithin(address: ipaddr.IPv4 | ipaddr.IPv6, networks: readonly Network[]): boolean {
  return networks.some(([network, bits]) => network.kind() === address.kind() && address.match(network, bits))
}

function parseNetworks(networks: readonly string[]): readonly Network[] {
  return networks.map((network) => ipaddr.parseCIDR(network))
}
