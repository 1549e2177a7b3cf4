import type { Target } from './case.ts'

/** The address of a path of the target, below the path at which its API is mounted. An address stays what it is. */
export function placeOf(target: Pick<Target, 'url'>, place: string): URL {
  return new URL(isAddress(place) ? place : target.url + place)
}

function isAddress(place: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(place)
}

/**
 * Where a reference in an answer may lead: relative to what was asked (RFC 3986 5.2), and below the mount point, which
 * most proxies take off the path of a request and leave out of headers and bodies. Only to the target itself: the token
 * goes nowhere else.
 */
export function placesIn(target: Pick<Target, 'url'>, asked: URL, reference: string): readonly URL[] {
  const { origin, pathname, host } = new URL(target.url)
  if (!URL.canParse(reference, asked.href)) return []
  const resolved = new URL(reference, asked)
  // Behind what ends TLS a service may call itself http.
  if (resolved.host !== host) return []
  // Not by resolving it anew: a path that begins with two slashes would be another host.
  const at = (path: string): URL => Object.assign(new URL(origin), { pathname: path, search: resolved.search })
  const own = at(resolved.pathname)
  const mount = pathname.replace(/\/$/, '')
  const mounted = at(mount + resolved.pathname)
  return mount === '' || own.pathname.startsWith(`${mount}/`) ? [own] : [mounted, own]
}
