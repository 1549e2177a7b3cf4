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

/** How a person repeats a request, in one line for a POSIX shell. The token is named and not shown. */
export function curlOf({ asked }: Exchange, { token }: { readonly token: string | undefined }): string {
  const { method, url, headers, body } = asked
  const shown = Object.entries(headers).map(([name, value]) => `-H ${headerText(name, value, token)}`)
  const isStream = headers['accept'] === 'text/event-stream' || 'upgrade' in headers
  const parts = [
    isStream ? 'curl -isN --max-time 60' : 'curl -is',
    ...(method === 'GET' ? [] : [`-X ${method}`]),
    ...('upgrade' in headers ? ['--http1.1'] : []),
    ...shown,
    ...(body === undefined ? [] : [`--data-binary ${bodyText(body)}`]),
    quoted(url.href),
  ]
  return parts.join(' ')
}

/** `GET http://127.0.0.1:8080/v1/tasks/1 (If-None-Match: "3")`. */
export function describeAsked({ asked: { method, url, headers } }: Exchange): string {
  const telling = Object.entries(headers).filter(([name]) => !untelling.has(name))
  const shown = telling.map(([name, value]) => `${name}: ${value}`).join(', ')
  return `${method} ${url.href}${shown === '' ? '' : ` (${shown})`}`
}

const untelling = new Set(['authorization', 'content-type', 'upgrade', 'connection', 'host', 'sec-websocket-version'])

function headerText(name: string, value: string, token: string | undefined): string {
  if (token !== undefined && value === `Bearer ${token}`) return `"${name}: Bearer $OUTLAST_TOKEN"`
  return quoted(`${name}: ${value}`)
}

const longestBody = 4_000

function bodyText(body: string): string {
  if (body.length <= longestBody) return quoted(body)
  return `${quoted(body.slice(0, 40))} # the first 40 of ${body.length} characters`
}

/** One word of a shell. Control characters are written as escapes, so that it stays one line. */
function quoted(text: string): string {
  const plain = text.replaceAll("'", String.raw`'\''`)
  // oxlint-disable-next-line no-control-regex -- These are what is looked for.
  if (!/[\x00-\x1f\x7f]/.test(text)) return `'${plain}'`
  const escaped = text
    .replaceAll('\\', String.raw`\\`)
    .replaceAll("'", String.raw`\'`)
    // oxlint-disable-next-line no-control-regex -- As above.
    .replaceAll(/[\x00-\x1f\x7f]/g, (char) => `\\x${char.codePointAt(0)!.toString(16).padStart(2, '0')}`)
  return `$'${escaped}'`
}
