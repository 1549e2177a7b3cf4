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
    const served = node.app.routes
      .filter(({ method }) => method !== 'ALL')
      .map(({ method, path }) => `${method} ${path}`)
    const asTemplate = (route: string) =>
      route
        .replace(/(deliveries\/):target\{.*\}$/, '$1{delivery_id}:replay')
        .replace(/:target\{.*\}$/, '{id}:cancel')
        .replace(/:(id|kind)(\{.*?\})?/, '{$1}')
    expect(documented.toSorted()).toEqual([...new Set(served.map(asTemplate))].toSorted())
    const references = [...JSON.stringify(json).matchAll(/"#\/components\/schemas\/(\w+)"/g)].map((match) => match[1]!)
    expect(new Set(references)).toEqual(new Set(Object.keys(json.components.schemas)))
    for (const operation of Object.values(json.paths).flatMap(Object.values))
      expect(operation).toMatchObject({ operationId: expect.any(String), responses: expect.any(Object) })
  })
})
