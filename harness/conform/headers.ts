import { must, show } from './expect.ts'
import { headerOf, type Headers } from './patience.ts'

/** The directives of `Cache-Control`, in small letters and without their values (RFC 9111 5.2). */
export function cacheDirectives(headers: Headers): ReadonlySet<string> {
  const list = headerOf(headers, 'cache-control') ?? ''
  return new Set(list.split(',').map((one) => one.split('=')[0]!.trim().toLowerCase()))
}

/** What a reader gets is not an old answer: nothing keeps it, or nothing gives it out unasked (RFC 9111 5.2.2.4 and 5.2.2.5). */
export function mustBeFresh(what: string, headers: Headers): void {
  const directives = cacheDirectives(headers)
  const caching = headerOf(headers, 'cache-control')
  must(
    directives.has('no-store') || directives.has('no-cache'),
    `${what}: Cache-Control ${show(caching)}, must be no-store`,
  )
}

/** The entity tag without the mark of a weak one: how `If-None-Match` compares (RFC 9110 8.8.3.2 and 13.1.2). */
export function entityTag(what: string, headers: Headers): string {
  const tag = headerOf(headers, 'etag')
  must(
    tag !== undefined && /^(?:W\/)?"[\x21\x23-\x7e\x80-\xff]*"$/.test(tag),
    `${what}: ETag ${show(tag)}, must be an entity tag in quotes`,
  )
  return tag.replace(/^W\//, '')
}

const days = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const months = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
const date = new RegExp(`^${days}, \\d\\d ${months} \\d{4} \\d\\d:\\d\\d:\\d\\d GMT$`)

/** Whole seconds or a date, where there is one (RFC 9110 10.2.3 and 5.6.7). */
export function mustBeAdvice(what: string, headers: Headers): void {
  const advice = headerOf(headers, 'retry-after')
  const holds = advice === undefined || /^\d+$/.test(advice) || (date.test(advice) && !Number.isNaN(Date.parse(advice)))
  must(holds, `${what}: Retry-After ${show(advice)}, must be whole seconds or a date as in RFC 9110 5.6.7`)
}

/** The media type alone, in small letters (RFC 9110 8.3.1). */
export function mediaTypeOf(headers: Headers): string | undefined {
  return headerOf(headers, 'content-type')?.split(';')[0]!.trim().toLowerCase()
}

/** Among the challenges of a 401 is that of a bearer token, in any case and place (RFC 9110 11.6.1, RFC 6750 3). */
export function mustAskForBearer(headers: Headers): void {
  const challenge = headerOf(headers, 'www-authenticate')
  must(
    /(?:^|[\s,])bearer(?:$|[\s,])/i.test(challenge ?? ''),
    `WWW-Authenticate of a 401: ${show(challenge)}, must name Bearer`,
  )
}
