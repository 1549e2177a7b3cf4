import * as fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { discover } from '../../../harness/core/discover.ts'
import {
  type ApiError,
  parseNewToxic,
  parseProxies,
  parseProxy,
  parseToxicChange,
} from '../../../harness/links/embedded/requests.ts'
import type { Toxic } from '../../../harness/links/embedded/toxic.ts'

let toxics: ReadonlyMap<string, Toxic>
beforeAll(async () => {
  toxics = await discover<Toxic>(new URL('../../../harness/links/embedded/toxics/', import.meta.url))
})

const refusal = (act: () => unknown): Pick<ApiError, 'status' | 'message'> => {
  try {
    act()
  } catch (error) {
    const { status, message } = error as ApiError
    return { status, message }
  }
  throw new Error('it was accepted')
}

describe('toxics', () => {
  test("Toxiproxy's and ours are there", () => {
    expect([...toxics.keys()]).toEqual([
      'bandwidth',
      'idle_timeout',
      'latency',
      'limit_data',
      'refuse',
      'reset_peer',
      'response_lost',
      'slicer',
      'slow_close',
      'stall',
      'timeout',
    ])
  })

  test('each has defaults for all its attributes, which an update keeps', () => {
    for (const toxic of toxics.values()) {
      const { json } = parseNewToxic(toxics, { type: toxic.name })
      expect(json).toMatchObject({ name: `${toxic.name}_downstream`, stream: 'downstream', toxicity: 1 })
      expect(parseToxicChange(toxic, json, {})).toEqual({ attributes: json.attributes, toxicity: 1 })
    }
  })

  test('an update changes what it names only', () => {
    const { toxic, json } = parseNewToxic(toxics, { type: 'latency', attributes: { latency: 5, jitter: 2 } })
    const change = parseToxicChange(toxic, json, { toxicity: 0.25, attributes: { jitter: 1 }, stream: 'upstream' })
    expect(change).toEqual({ attributes: { latency: 5, jitter: 1 }, toxicity: 0.25 })
  })

  test.each([
    ['latency', { latency: -1 }, 'attributes.latency'],
    ['latency', { latency: 1.5 }, 'attributes.latency'],
    ['latency', { jitter: '3' }, 'attributes.jitter'],
    ['bandwidth', { rate: -1 }, 'attributes.rate'],
    ['slicer', { average_size: 0 }, 'attributes.average_size'],
    ['slicer', { average_size: 10, size_variation: 10 }, 'attributes.size_variation'],
    ['limit_data', { bytes: null }, 'attributes.bytes'],
    ['idle_timeout', { idle: 0 }, 'attributes.idle'],
    ['idle_timeout', { mode: 'loud' }, 'attributes.mode'],
    ['refuse', { existing: 'maybe' }, 'attributes.existing'],
    ['response_lost', { mode: '' }, 'attributes.mode'],
  ])('%s does not take %j', (type, attributes, field) => {
    const { status, message } = refusal(() => parseNewToxic(toxics, { type, attributes }))
    expect(status).toBe(400)
    expect(message).toMatch(new RegExp(`^bad request body: .*${field.replace('.', String.raw`\.`)}`))
  })

  test('unknown attributes are ignored, as Toxiproxy does', () => {
    const { json } = parseNewToxic(toxics, { type: 'latency', attributes: { latency: 5, nonsense: true } })
    expect(json.attributes).toEqual({ latency: 5, jitter: 0 })
  })

  test('a response is lost downstream only', () => {
    expect(refusal(() => parseNewToxic(toxics, { type: 'response_lost', stream: 'upstream' })).status).toBe(400)
  })
})

describe('proxies', () => {
  test('are enabled unless they say otherwise', () => {
    expect(parseProxy({ name: 'a', upstream: 'b:1' })).toEqual({
      name: 'a',
      listen: '',
      upstream: 'b:1',
      enabled: true,
    })
  })

  test('populate names the proxy that lacks a field', () => {
    const { message } = refusal(() => parseProxies([{ name: 'a', upstream: 'b:1' }, { upstream: 'b:1' }]))
    expect(message).toBe('missing required field: name at proxy 2')
  })
})

test('nothing but an ApiError with status 400 comes of any body', () => {
  const attempts = [parseProxy, parseProxies, (body: unknown) => parseNewToxic(toxics, body)]
  fc.assert(
    fc.property(fc.jsonValue(), fc.constantFrom(...attempts), (body, parse) => {
      try {
        parse(body)
      } catch (error) {
        expect((error as ApiError).status).toBe(400)
      }
    }),
  )
})
