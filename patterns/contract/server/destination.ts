import { lookup, type LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { buildConnector } from 'undici'
import type { NodeSettings } from '../types/settings.ts'
import { ProblemError } from '../types/problems.ts'
import { addressFilter, type AddressFilter } from './special-addresses.ts'
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
