import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { z } from 'zod'

/**
 * A request of OTLP/HTTP in JSON, as opentelemetry-proto has it (trace/v1/trace.proto, docs/specification.md): no other fields, ids in
 * hexadecimal, 64-bit integers as text, enums as numbers.
 */
const nanos = z.string().regex(/^\d{19}$/)
const anyValue = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d+$/) }),
  z.strictObject({ doubleValue: z.number() }),
])
const attributes = z.array(z.strictObject({ key: z.string().min(1), value: anyValue }))
const span = z
  .strictObject({
    traceId: z.string().regex(/^(?!0+$)[0-9a-f]{32}$/),
    spanId: z.string().regex(/^(?!0+$)[0-9a-f]{16}$/),
    parentSpanId: z
      .string()
      .regex(/^(?!0+$)[0-9a-f]{16}$/)
      .optional(),
    name: z.string().min(1),
    kind: z.literal([1, 2, 3, 4, 5]),
    startTimeUnixNano: nanos,
    endTimeUnixNano: nanos,
    attributes,
    events: z.array(z.strictObject({ timeUnixNano: nanos, name: z.string().min(1), attributes })).max(128),
    droppedEventsCount: z.int().optional(),
    status: z.strictObject({ code: z.literal([1, 2]), message: z.string().optional() }).optional(),
  })
  .refine((one) => BigInt(one.endTimeUnixNano) >= BigInt(one.startTimeUnixNano), 'ends before it begins')
const traces = z.strictObject({
  resourceSpans: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes }),
      scopeSpans: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string() }),
          spans: z.array(span).min(1),
        }),
      ),
    }),
  ),
})
export type CollectedSpan = z.infer<typeof span>

interface Asked {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly bytes: number
  readonly spans: readonly CollectedSpan[]
  readonly resource: Readonly<Record<string, unknown>>
}

export interface Collector extends AsyncDisposable {
  readonly url: string
  readonly asked: readonly Asked[]
  /** What could not be read, and why. */
  readonly problems: readonly string[]
  spans(): readonly CollectedSpan[]
}

export type Answer = (response: ServerResponse, nth: number) => void

/** What a collector says that took all. */
export const takeAll: Answer = (response) =>
  void response.writeHead(200, { 'content-type': 'application/json' }).end('{"partialSuccess":{}}')

/** A receiver of OTLP/HTTP that reads strictly, and answers as it is told. */
export async function openCollector(answer: Answer = takeAll): Promise<Collector> {
  const asked: Asked[] = []
  const problems: string[] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const body = Buffer.concat(chunks)
    const read = traces.safeParse(JSON.parse(body.toString()))
    if (!read.success) problems.push(z.prettifyError(read.error))
    const groups = read.data?.resourceSpans ?? []
    asked.push({
      path: request.url!,
      headers: request.headers,
      bytes: body.length,
      spans: groups.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans)),
      resource: valuesOf(groups[0]?.resource.attributes ?? []),
    })
    answer(response, asked.length)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    problems,
    spans: () => asked.flatMap(({ spans }) => spans),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
    },
  }
}

/** Attributes as they were before they were encoded. */
export function valuesOf(encoded: z.infer<typeof attributes>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    encoded.map(({ key, value }) => [key, 'intValue' in value ? Number(value.intValue) : Object.values(value)[0]]),
  )
}
