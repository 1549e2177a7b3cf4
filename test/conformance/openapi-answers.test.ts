import { readdirSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { request, type Dispatcher } from 'undici'
import { startApiNode, dispatcher, token, type ApiNode } from './support/api-node.ts'
import { readEnd, readTask, requestBody } from './support/http.ts'

const folder = new URL('../../patterns/deliveries/', import.meta.url)
const deliveries = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())

interface Answer {
  readonly description: string
  readonly headers?: Record<string, { readonly $ref: string }>
  readonly content?: Record<string, object>
}

interface Document {
  readonly paths: Record<string, Record<string, { readonly responses: Record<string, Answer> }>>
  readonly components: {
    readonly headers: Record<string, { required?: boolean; schema: { pattern?: string } }>
    readonly schemas: Record<string, TaskSchema>
  }
}

interface TaskSchema {
  readonly properties: {
    readonly input: { readonly properties: { readonly profile: { readonly anyOf: readonly Names[] } } }
  }
}

/** A schema of some names. */
interface Names {
  readonly enum?: readonly string[]
  readonly pattern?: string
}

interface Asked {
  readonly method?: Dispatcher.HttpMethod
  readonly headers?: Record<string, string>
  readonly body?: string
}

/** Of HTTP itself, whatever is answered. */
const framing = new Set('connection content-length content-type date keep-alive transfer-encoding'.split(' '))
const bearer = { authorization: `Bearer ${token}` }
const stream = { accept: 'text/event-stream' }
const familyInput = { seed: 5, profile: 'recursive/1/1', job: 'family' }

describe.each(deliveries.map(({ name }) => name))('the answers of %s', (delivery) => {
  let node: ApiNode
  let document: Document
  beforeAll(async () => {
    node = await startApiNode(delivery, 'memory', { balances: { owner: 1_000 }, system: 'the-system' })
    document = (await (await fetch(`${node.url}/openapi.json`)).json()) as Document
  })
  afterAll(() => node[Symbol.asyncDispose]())

  /** What of an answer is not in the document, and what of the document is not in the answer. */
  async function undocumented(template: string, path: string, asked: Asked = {}): Promise<readonly string[]> {
    const { method = 'GET', headers = {}, body } = asked
    const how = { dispatcher, method, headers: { ...bearer, ...headers } }
    const answer = await request(node.url + path, { ...how, ...(body !== undefined && { body }) })
    answer.body.on('error', () => {}).destroy()
    const where = `${method} ${path}: ${answer.statusCode}`
    const said = document.paths[template]![method.toLowerCase()]!.responses[answer.statusCode]
    if (!said) return [where]
    const mediaType = answer.headers['content-type']?.toString().split(';')[0]
    const isKnown = mediaType === undefined ? !said.content : said.content && mediaType in said.content
    const names = new Map(Object.entries(said.headers ?? {}).map(([name, { $ref }]) => [name.toLowerCase(), $ref]))
    const unsaid = Object.keys(answer.headers).filter((name) => !framing.has(name) && !names.has(name))
    const broken = [...names].filter(([name, $ref]) => {
      const { required = false, schema } = document.components.headers[$ref.split('/').at(-1)!]!
      const value = answer.headers[name]?.toString()
      return value === undefined ? required : !new RegExp(schema.pattern ?? '').test(value)
    })
    return [...(isKnown ? [] : [mediaType ?? 'no body']), ...unsaid, ...broken.map(([name]) => `not ${name}`)].map(
      (what) => `${where}: ${what}`,
    )
  }

  const post = (key: string, more: Asked['headers'] = {}, body = JSON.stringify(requestBody())): Asked => {
    const headers = { 'idempotency-key': key, 'content-type': 'application/json', prefer: 'respond-async', ...more }
    return { method: 'POST', headers, body }
  }

  async function accepted(key: string, body?: string): Promise<string> {
    const { method, ...how } = post(key, bearer, body)
    const answer = await request(`${node.url}/v1/tasks`, { dispatcher, method: method!, ...how })
    return ((await answer.body.json()) as { task_id: string }).task_id
  }

  test('are in its OpenAPI document, with their headers and media types', async () => {
    const [task, events, cancel] = ['/v1/tasks/{id}', '/v1/tasks/{id}/events', '/v1/tasks/{id}:cancel'] as const
    const [commands, context] = ['/v1/tasks/{id}/commands', '/v1/tasks/{id}/context'] as const
    const [json, wish] = [{ 'content-type': 'application/json' }, '{"id":"w","type":"resume"}']
    const long = requestBody(2, { input: { seed: 2, profile: 'research-write', job: 'long' } })
    const [ended, running] = [await accepted('ended'), await accepted('running', JSON.stringify(long))]
    const minded = await accepted('minded', JSON.stringify(requestBody(4, { memory: { instruction: 'be brief' } })))
    const { version } = await readEnd(node.url, ended)
    const found = await Promise.all([
      ...[
        post('new'),
        post('ended'),
        post('ended', {}, JSON.stringify(requestBody(3))),
        post('waits', { prefer: 'wait=30' }),
        post('no JSON', {}, '{'),
        post('text', { 'content-type': 'text/plain' }),
        post('coded', { 'content-encoding': 'gzip' }),
        post('large', {}, 'x'.repeat(70_000)),
        post('stranger', { authorization: 'Bearer another' }),
      ].map((asked) => undocumented('/v1/tasks', '/v1/tasks', asked)),
      ...[ended, running, 'none', '%00'].map((id) => undocumented(task, `/v1/tasks/${id}`)),
      undocumented(task, `/v1/tasks/${ended}`, { headers: { 'if-none-match': `"${version}"` } }),
      ...[1, 2, 3, 4].map((known) =>
        undocumented(task, `/v1/tasks/${running}`, { headers: { 'if-none-match': `"${known}"` } }),
      ),
      ...[ended, `none`, `${ended}/events?after=x`].map((id) =>
        undocumented(events, `/v1/tasks/${id.includes('/') ? id : `${id}/events`}`),
      ),
      ...[`${running}/events`, `${ended}/events?after=${version}`, 'none/events'].map((place) =>
        undocumented(events, `/v1/tasks/${place}`, { headers: stream }),
      ),
      ...[ended, 'none', running].map((id) => undocumented(cancel, `/v1/tasks/${id}:cancel`, { method: 'POST' })),
      ...['', '?status=lost'].map((query) => undocumented('/v1/deliveries', `/v1/deliveries${query}`)),
      ...[
        ['none', wish],
        [ended, wish],
        [running, wish],
        [running, '{}'],
        [running, 'x'.repeat(70_000)],
      ].map(([id, body]) =>
        undocumented(commands, `/v1/tasks/${id}/commands`, { method: 'POST', headers: json, body: body! }),
      ),
      undocumented(commands, `/v1/tasks/${running}/commands`, { method: 'POST', body: wish }),
      undocumented(commands, `/v1/tasks/${running}/commands`, { method: 'POST', headers: json, body: wish }),
      ...['', '?after=1', '?after=9'].map((query) => undocumented(context, `/v1/tasks/${minded}/context${query}`)),
      ...['"1"', '"2"', '"3"', '"4"', '"5"'].map((known) =>
        undocumented(context, `/v1/tasks/${minded}/context`, { headers: { 'if-none-match': known } }),
      ),
      undocumented(context, `/v1/tasks/${ended}/context`),
      undocumented('/v1/tasks/{id}/deliveries', `/v1/tasks/${ended}/deliveries`),
      ...['validation', 'none'].map((kind) => undocumented('/problems/{kind}', `/problems/${kind}`)),
      ...['/healthz', '/openapi.json'].map((path) => undocumented(path, path)),
    ])
    expect(found.flat()).toEqual([])
    const [account, topUps] = ['/v1/accounts/{principal}', '/v1/accounts/{principal}/top-ups'] as const
    const credits = (id: string, amount: number) => JSON.stringify({ id, credits: amount })
    const paid = [
      ...['owner', 'nobody', '%00'].map((one) => undocumented(account, `/v1/accounts/${one}`)),
      ...['{}', 'x'.repeat(70_000), credits('a', 1), credits('b', 1)].map((body) =>
        undocumented(topUps, '/v1/accounts/owner/top-ups', { method: 'POST', headers: json, body }),
      ),
      undocumented(topUps, '/v1/accounts/owner/top-ups', { method: 'POST', body: credits('a', 1) }),
      undocumented(topUps, '/v1/accounts/nobody/top-ups', { method: 'POST', headers: json, body: credits('a', 1) }),
    ]
    expect((await Promise.all(paid)).flat()).toEqual([])
    const other = { method: 'POST', headers: { ...json, 'if-match': '"999"' }, body: credits('a', 2) } as const
    expect(await undocumented(topUps, '/v1/accounts/owner/top-ups', other)).toEqual([])
    const ofAnother = { headers: { 'if-match': '"999"' } }
    expect(await undocumented(context, `/v1/tasks/${minded}/context`, ofAnother)).toEqual([])
    const wishOfAnother = { method: 'POST', headers: other.headers, body: wish } as const
    expect(await undocumented(commands, `/v1/tasks/${minded}/commands`, wishOfAnother)).toEqual([])
    const used = [...JSON.stringify(document.paths).matchAll(/#\/components\/headers\/([\w-]+)/g)].map(
      ([, name]) => name,
    )
    expect(new Set(used)).toEqual(new Set(Object.keys(document.components.headers)))
    const family = await accepted('family', JSON.stringify(requestBody(5, { input: familyInput })))
    await readEnd(node.url, family)
    const { profile } = (await readTask(node.url, `${family}.2-1`)).input
    expect(profile).not.toBe(familyInput.profile)
    const { anyOf } = document.components.schemas['Task']!.properties.input.properties.profile
    const isShown = (name: string): boolean =>
      anyOf.some(({ enum: names = [], pattern = '^$' }) => names.includes(name) || new RegExp(pattern).test(name))
    expect([profile, isShown(profile)]).toEqual([profile, true])
    const works = ['work/1/5000', 'work/100/480000', 'work/1/5000-120000', 'work/2/30000/1000', 'work/1/86400000']
    for (const name of works) {
      const sent = post(name, {}, JSON.stringify(requestBody(6, { input: { seed: 6, profile: name, job: name } })))
      expect([name, await undocumented('/v1/tasks', '/v1/tasks', sent), isShown(name)]).toEqual([name, [], true])
    }
    const held = undocumented('/v1/tasks', '/v1/tasks', post('held', { prefer: '' }, JSON.stringify(long)))
    setTimeout(() => node.drain.abort(), 300)
    expect(await held).toEqual([])
  })
})
