/** What a span holds, in the words of the OpenTelemetry data model; times in milliseconds since 1970. */
export interface Span {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly name: string
  readonly kind: keyof typeof spanKinds
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Attributes
  readonly events?: readonly SpanEvent[]
  /** Absent: unset. */
  readonly status?: Status
}

export interface SpanEvent {
  readonly name: string
  readonly atMs: number
  readonly attributes: Attributes
}

/** Undefined: left out. Whole numbers are sent as such. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>

export interface Status {
  readonly code: keyof typeof statusCodes
  readonly message?: string
}

const spanKinds = { internal: 1, client: 3 } as const
const statusCodes = { ok: 1, error: 2 } as const

/** So many events of one span are kept, as by every SDK (OpenTelemetry, SDK specification, EventCountLimit). */
const mostEvents = 128

/**
 * A span as OTLP has it in JSON (opentelemetry-proto, docs/specification.md, "JSON Protobuf Encoding"): ids in hexadecimal,
 * 64-bit integers as text, enums as numbers.
 */
export function encodeSpan({ traceId, spanId, parentSpanId, name, kind, ...rest }: Span): object {
  const events = rest.events ?? []
  return {
    traceId,
    spanId,
    ...(parentSpanId !== undefined && { parentSpanId }),
    name,
    kind: spanKinds[kind],
    startTimeUnixNano: nanosOf(rest.startMs),
    // A clock that was set back must not make a span that ends before it begins.
    endTimeUnixNano: nanosOf(Math.max(rest.startMs, rest.endMs)),
    attributes: encodeAttributes(rest.attributes),
    events: events.slice(0, mostEvents).map((event) => ({
      timeUnixNano: nanosOf(event.atMs),
      name: event.name,
      attributes: encodeAttributes(event.attributes),
    })),
    ...(events.length > mostEvents && { droppedEventsCount: events.length - mostEvents }),
    ...(rest.status && { status: { ...rest.status, code: statusCodes[rest.status.code] } }),
  }
}

export function encodeAttributes(attributes: Attributes): readonly object[] {
  return Object.entries(attributes).flatMap(([key, value]) =>
    value === undefined ? [] : [{ key, value: encodeValue(value) }],
  )
}

function encodeValue(value: string | number | boolean): object {
  if (typeof value === 'string') return { stringValue: value }
  if (typeof value === 'boolean') return { boolValue: value }
  return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value }
}

/** To the microsecond, which is what histories have: a double cannot hold today's nanoseconds. */
function nanosOf(ms: number): string {
  return `${Math.round(ms * 1000)}000`
}
