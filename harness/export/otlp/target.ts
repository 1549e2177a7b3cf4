import { UsageError } from '../../core/errors.ts'

/** Where traces go. What is in `headers` may be secret: it is sent, and never said. */
export interface OtlpTarget {
  readonly url: string
  /** The address as it may be shown: without a query, which may hold a key. */
  readonly shown: string
  readonly headers: Readonly<Record<string, string>>
}

type Env = Readonly<Record<string, string | undefined>>

/**
 * Where to send traces: as `--otlp` says, else as the environment says in OpenTelemetry's own names. Undefined: nowhere.
 * Throws one UsageError with all that is wrong, which quotes no value of a header.
 * https://opentelemetry.io/docs/specs/otel/protocol/exporter/
 */
export function otlpTarget(option: string | undefined, env: Env): OtlpTarget | undefined {
  const asked = option === undefined ? askedByEnv(env) : { name: '--otlp', url: option, isBase: true }
  if (!asked) return undefined
  const headersName = named(env, 'OTEL_EXPORTER_OTLP_TRACES_HEADERS', 'OTEL_EXPORTER_OTLP_HEADERS')
  const address = readAddress(asked.name, asked.url, asked.isBase)
  const headers = headersName === undefined ? { value: {}, problems: [] } : readHeaders(headersName, env[headersName]!)
  const problems = [...(typeof address === 'string' ? [address] : []), ...headers.problems]
  if (typeof address === 'string' || problems.length > 0) throw new UsageError(problems)
  return { url: address.href, shown: `${address.origin}${address.pathname}`, headers: headers.value }
}

interface Asked {
  readonly name: string
  readonly url: string
  /** The path of the traces is still to be added. */
  readonly isBase: boolean
}

/** The one of the signal is the whole address; the general one is what all signals have in common. */
function askedByEnv(env: Env): Asked | undefined {
  if (env['OTEL_SDK_DISABLED']?.toLowerCase() === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none') return undefined
  const [own, common] = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'] as const
  const name = named(env, own, common)
  return name === undefined ? undefined : { name, url: env[name]!, isBase: name === common }
}

/** The first that says anything: an empty variable is as none. */
function named(env: Env, ...names: readonly string[]): string | undefined {
  return names.find((name) => (env[name] ?? '') !== '')
}

const tracesPath = '/v1/traces'

/** An address, or what is wrong with it. A password in it is not repeated. */
function readAddress(name: string, text: string, isBase: boolean): URL | string {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.hostname === '')
    return `${name}: is no address of http or https; write for example http://127.0.0.1:4318`
  if (url.username !== '' || url.password !== '')
    return `${name}: has a user name or password in it; put them into OTEL_EXPORTER_OTLP_HEADERS`
  if (isBase && !url.pathname.endsWith(tracesPath)) url.pathname = url.pathname.replace(/\/*$/, tracesPath)
  url.hash = ''
  return url
}

/** `name=value,name2=value2`, values with percent escapes (W3C Baggage). Problems tell pairs apart by their number. */
function readHeaders(variable: string, text: string) {
  const problems: string[] = []
  const value: Record<string, string> = {}
  for (const [i, pair] of text.split(',').entries()) {
    if (pair.trim() === '') continue
    const at = pair.indexOf('=')
    const name = pair.slice(0, Math.max(at, 0)).trim().toLowerCase()
    const content = decode(pair.slice(at + 1).trim())
    const number = `${variable}: header ${i + 1}`
    if (at < 0 || !/^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name)) problems.push(`${number} is no name=value`)
    else if (taken.has(name)) problems.push(`${number} is ${name}, which outlast sets itself`)
    else if (content === undefined || !/^[\t\x20-\x7e]*$/.test(content))
      problems.push(`${number} (${name}) has a value that no header can carry`)
    else value[name] = content
  }
  return { value, problems }
}

const taken = new Set(['content-type', 'content-length', 'transfer-encoding', 'connection', 'host'])

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
