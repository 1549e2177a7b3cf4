import { z, type ZodType } from 'zod'
import type { ToxicJson } from './active-toxic.ts'
import type { Attributes, Toxic } from './toxic.ts'

/** A request that cannot be served: becomes Toxiproxy's `{"error": message, "status": status}`. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/** Request bodies as Toxiproxy takes them: unknown keys are ignored, a wrong type is 400 `bad request body`. */
const proxy = z.object({
  name: z.string().default(''),
  listen: z.string().default(''),
  upstream: z.string().default(''),
  enabled: z.boolean().default(true),
})
export type ProxyRequest = z.infer<typeof proxy>

const proxyChange = z.object({
  listen: z.string().optional(),
  upstream: z.string().optional(),
  enabled: z.boolean().optional(),
})
const attributes = z.record(z.string(), z.unknown())
const toxicity = z.number()
const newToxic = z.object({
  name: z.string().default(''),
  type: z.string().default(''),
  stream: z.string().default('downstream'),
  toxicity: toxicity.default(1),
  attributes: attributes.default({}),
})
const toxicChange = z.object({ toxicity: toxicity.optional(), attributes: attributes.default({}) })

export function parseProxy(body: unknown): ProxyRequest {
  const request = parse(proxy, body)
  for (const field of ['name', 'upstream'] as const) if (!request[field]) throw missing(field)
  return request
}

export function parseProxies(body: unknown): readonly ProxyRequest[] {
  const requests = parse(z.array(proxy), body)
  for (const [index, request] of requests.entries())
    for (const field of ['name', 'upstream'] as const)
      if (!request[field]) throw missing(`${field} at proxy ${index + 1}`)
  return requests
}

export function parseProxyChange(body: unknown): z.infer<typeof proxyChange> {
  return parse(proxyChange, body)
}

/** The new toxic, complete: name, stream, toxicity and attributes have their defaults. */
export function parseNewToxic(toxics: ReadonlyMap<string, Toxic>, body: unknown): { toxic: Toxic; json: ToxicJson } {
  const request = parse(newToxic, body)
  const { type, stream } = request
  if (stream !== 'upstream' && stream !== 'downstream')
    throw new ApiError(400, 'stream was invalid, can be either upstream or downstream')
  const toxic = toxics.get(type)
  if (!toxic) throw new ApiError(400, 'invalid toxic type')
  if (toxic.stream && stream !== toxic.stream)
    throw new ApiError(400, `stream was invalid, ${type} acts on ${toxic.stream} only`)
  const name = request.name || `${type}_${stream}`
  const own = parseAttributes(toxic, request.attributes)
  return { toxic, json: { attributes: own, name, type, stream, toxicity: request.toxicity } }
}

/** The toxic after a partial update. Name, type and stream never change, as in Toxiproxy. */
export function parseToxicChange(
  toxic: Toxic,
  current: ToxicJson,
  body: unknown,
): Pick<ToxicJson, 'attributes' | 'toxicity'> {
  const change = parse(toxicChange, body)
  return {
    attributes: parseAttributes(toxic, { ...current.attributes, ...change.attributes }),
    toxicity: change.toxicity ?? current.toxicity,
  }
}

function parseAttributes(toxic: Toxic, given: Record<string, unknown>): Attributes {
  return parse(toxic.attributes, given, 'attributes')
}

function parse<T>(schema: ZodType<T>, value: unknown, at?: string): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const problems = result.error.issues.map(({ path, message }) => {
    const field = [...(at ? [at] : []), ...path].join('.')
    return field ? `${field}: ${message}` : message
  })
  throw new ApiError(400, `bad request body: ${problems.join('; ')}`)
}

function missing(field: string): ApiError {
  return new ApiError(400, `missing required field: ${field}`)
}

/** Throws ApiError when it does not say whether the server is up. */
export function parseUpstream(body: unknown): boolean {
  const { up } = (body ?? {}) as { up?: unknown }
  if (typeof up !== 'boolean') throw new ApiError(400, 'up must be true or false')
  return up
}
