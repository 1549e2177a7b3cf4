import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startApiNode, type ApiNode } from './support/api-node.ts'
import { send } from './support/http.ts'

const folder = new URL('../../patterns/deliveries/', import.meta.url)
const deliveries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())

/** The rest of the resource is in the cases of harness/conform, which contract.test.ts holds every delivery against. */
describe.each(deliveries.map(({ name }) => name))('the task resource of %s', (delivery) => {
  let node: ApiNode
  beforeAll(async () => {
    node = await startApiNode(delivery)
  })
  afterAll(() => node[Symbol.asyncDispose]())

  test('the OpenAPI document lists every route, and every reference in it resolves', async () => {
    const { json, status } = await send(`${node.url}/openapi.json`, { token: null })
    expect([status, json.openapi]).toEqual([200, '3.1.0'])
    const documented = Object.entries(json.paths).flatMap(([path, operations]) =>
      Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
    )
    // A WebSocket is no operation of OpenAPI: it is in the description.
    const served = node.app.routes
      .filter(({ method, path }) => method !== 'ALL' && !path.endsWith('/ws'))
      .map(({ method, path }) => `${method} ${path}`)
    const asTemplate = (route: string) =>
      route
        .replace(/(deliveries\/):target\{.*\}$/, '$1{delivery_id}:replay')
        .replace(/:target\{.*\}$/, '{id}:cancel')
        .replace(/:(id|kind|principal)(\{.*?\})?/, '{$1}')
    expect(documented.toSorted()).toEqual([...new Set(served.map(asTemplate))].toSorted())
    const references = [...JSON.stringify(json).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]!)
    expect(new Set(references)).toEqual(new Set(Object.keys(json.components.schemas)))
    for (const operation of Object.values(json.paths).flatMap(Object.values))
      expect(operation).toMatchObject({ operationId: expect.any(String), responses: expect.any(Object) })
  })

  test('it says what this delivery serves: streams, callbacks, and whose licence it is under', async () => {
    const { json, text } = await send(`${node.url}/openapi.json`, { token: null })
    const document = JSON.parse(text) as { webhooks?: object; info: { description: string; license: object } }
    const events = json.paths['/v1/tasks/{id}/events']!['get'] as { responses: Record<string, { content?: object }> }
    const isStream = ['sse', 'sse-polling'].includes(delivery)
    const media = ['application/json', ...(isStream ? ['text/event-stream'] : [])]
    expect(Object.keys(events.responses['200']!.content!)).toEqual(media)
    expect(['204', '406'].map((status) => status in events.responses)).toEqual([isStream, !isStream])
    const posted = { webhook: ['taskEnded'], 'webhook-retry': ['taskEnded', 'consent'] }[delivery] ?? []
    expect(Object.keys(document.webhooks ?? {})).toEqual(posted)
    expect('delivery' in (json.components.schemas['TaskRequest'] as { properties: object }).properties).toBe(
      posted.length > 0,
    )
    expect(document.info.description.includes('It opens WebSockets')).toBe(delivery === 'websocket')
    expect(document.info.license).toEqual({ name: 'MIT', identifier: 'MIT' })
  })

  test('a submission names every status that it may be answered with', async () => {
    const { json } = await send(`${node.url}/openapi.json`, { token: null })
    const submit = json.paths['/v1/tasks']!['post'] as { responses: object }
    expect(Object.keys(submit.responses)).toEqual([
      '200',
      '202',
      '400',
      '401',
      '403',
      '410',
      '413',
      '415',
      '422',
      '429',
      '500',
      '501',
      '503',
    ])
  })
})
