import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

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
export type AddressFilter = (address: string) => boolean

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
