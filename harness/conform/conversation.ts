/** A request as it was sent. */
export interface Asked {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string | undefined
}

/** A request, and what became of it so far. */
export interface Exchange {
  readonly asked: Asked
  /** `404 application/json {"detail":...}`, or how it failed; undefined while there is no answer. */
  came?: string
}

/** What one case and the service said to each other: what a failure is explained with. */
export class Conversation {
  /** When the service accepted a task, by the task's id, on the clock of `performance.now`. */
  readonly acceptedAt = new Map<string, number>()
  /** How long the service asked us to wait so far. */
  waitedMs = 0
  /** What the case waits for that no request asks for. */
  awaited: string | undefined
  readonly #open = new Set<Exchange>()
  #last: Exchange | undefined

  begin(asked: Asked): Exchange {
    const exchange: Exchange = { asked }
    this.#open.add(exchange)
    return exchange
  }

  end(exchange: Exchange, came: string): void {
    exchange.came = came
    this.#open.delete(exchange)
    this.#last = exchange
  }

  /** The last request that was answered. */
  get last(): Exchange | undefined {
    return this.#last ?? this.unanswered
  }

  /** The request that has waited longest for its answer. */
  get unanswered(): Exchange | undefined {
    return [...this.#open][0]
  }
}

/**
 * How a person repeats a request, in one line for a POSIX shell. The token is named and not shown. What went through a link
 * of ours is asked for at the service itself: the link is gone by then.
 */
export function curlOf({ asked }: Exchange, { token }: { readonly token: string | undefined }): string {
  const { method, headers, body } = asked
  const own = Object.entries(headers).filter(([name]) => name !== 'host')
  const shown = own.map(([name, value]) => `-H ${headerText(name, value, token)}`)
  const isStream = headers['accept'] === 'text/event-stream' || 'upgrade' in headers
  const parts = [
    isStream ? 'curl -isN --max-time 60' : 'curl -is',
    ...(method === 'GET' ? [] : [`-X ${method}`]),
    ...('upgrade' in headers ? ['--http1.1'] : []),
    ...shown,
    ...(body === undefined ? [] : [`--data-binary ${bodyText(body)}`]),
    quoted(addressOf(asked).href),
    ...(body !== undefined && isShortened(body) ? [`# the first 40 of ${body.length} characters`] : []),
  ]
  return parts.join(' ')
}

/** Requests through a link of ours name the service as their host. */
function addressOf({ url, headers: { host } }: Asked): URL {
  return host === undefined ? url : Object.assign(new URL(url), { host })
}

/** `GET http://127.0.0.1:8080/v1/tasks/1 (If-None-Match: "3")`. */
export function describeAsked({ asked }: Exchange): string {
  const { method, headers } = asked
  const telling = Object.entries(headers).filter(([name]) => !untelling.has(name))
  const link = 'host' in headers ? ['through a link of ours'] : []
  const shown = [...telling.map(([name, value]) => `${name}: ${value}`), ...link].join(', ')
  return `${method} ${addressOf(asked).href}${shown === '' ? '' : ` (${shown})`}`
}

const untelling = new Set(
  'authorization accept-encoding content-type upgrade connection host sec-websocket-version'.split(' '),
)

function headerText(name: string, value: string, token: string | undefined): string {
  const [scheme, given] = value.split(' ')
  if (token !== undefined && given === token) return `"${name}: ${scheme} $OUTLAST_TOKEN"`
  return quoted(`${name}: ${value}`)
}

/** The longest that Linux takes as one word of a command is 128 KiB. */
const longestBody = 100_000

function bodyText(body: string): string {
  if (isOneChar(body)) return `"$(printf '%0${body.length}d' 0 | tr 0 ${quoted(body[0]!)})"`
  return quoted(isShortened(body) ? body.slice(0, 40) : body)
}

function isShortened(body: string): boolean {
  return body.length > longestBody && !isOneChar(body)
}

/** As the body is that is only there to be too large. */
function isOneChar(body: string): boolean {
  return body.length > 1_000 && /^([A-Za-z])\1*$/.test(body)
}

/** One word of any POSIX shell. Control characters are written as escapes, so that it stays one line. */
function quoted(text: string): string {
  // oxlint-disable-next-line no-control-regex -- These are what is looked for.
  if (!/[\x00-\x1f\x7f]/.test(text)) return inQuotes(text)
  const escaped = text
    .replaceAll('\\', String.raw`\\`)
    // oxlint-disable-next-line no-control-regex -- As above.
    .replaceAll(/[\x00-\x1f\x7f]/g, (char) => `\\0${char.codePointAt(0)!.toString(8).padStart(3, '0')}`)
  return `"$(printf '%b' ${inQuotes(escaped)})"`
}

function inQuotes(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`
}
