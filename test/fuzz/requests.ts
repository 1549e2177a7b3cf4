import type { Dice } from './dice.ts'
import { distort, escapes, oddTexts } from './odd.ts'
import type { Sent } from './wire.ts'

/** What a request may refer to. */
export interface World {
  readonly host: string
  readonly token: string
  readonly webhookUrl: string
  readonly delivery: string
  /** A task that the server knows. */
  readonly task: string
}

interface Draft {
  method: string
  target: string
  headers: [string, string][]
  body: Buffer | undefined
  isAuthorized: boolean
  isWhole: boolean
}

/** A request that is wrong in some way, or nearly right. */
export function makeRequest(world: World, dice: Dice): Sent {
  if (dice.chance(0.12)) return raw(world, dice)
  const draft = start(world, dice)
  // Some are right: what others did must not have hurt them.
  const times = dice.below(4)
  for (let i = 0; i < times; i++) dice.pick(changes)(draft, world, dice)
  return write(draft, dice)
}

function start(world: World, dice: Dice): Draft {
  const submits = dice.chance(0.5)
  const auth: [string, string] = ['Authorization', `Bearer ${world.token}`]
  const common = { isAuthorized: true, isWhole: true }
  if (!submits) return { method: 'GET', target: `/v1/tasks/${world.task}`, headers: [auth], body: undefined, ...common }
  const key: [string, string] = ['Idempotency-Key', `"key-${dice.below(50)}"`]
  const headers: [string, string][] = [auth, ['Content-Type', 'application/json'], key]
  return {
    method: 'POST',
    target: '/v1/tasks',
    headers,
    body: Buffer.from(JSON.stringify(submission(world, dice))),
    ...common,
  }
}

function submission({ webhookUrl, delivery }: World, dice: Dice): unknown {
  const input = { seed: dice.below(5), profile: 'smoke', job: 'fuzz' }
  const callback = delivery.startsWith('webhook') ? { delivery: { webhook_url: webhookUrl } } : {}
  return {
    type: 'agent',
    input,
    ...callback,
    ...(dice.chance(0.2) && { deadline_s: dice.pick([1, 1e-9, 1e12, 2 ** 31, 1e308]) }),
    ...(dice.chance(0.2) && { budget: { credits: dice.pick([1, 2, 3, 0, -1, 1.5, 1e308]) } }),
    ...(dice.chance(0.2) && { memory: { [dice.pick(oddTexts)]: [dice.pick(oddTexts), { a: 1 }] } }),
  }
}

type Change = (draft: Draft, world: World, dice: Dice) => void

const changes: readonly Change[] = [
  otherBody,
  otherBody,
  otherBody,
  otherTarget,
  otherTarget,
  otherHeader,
  otherAuth,
  otherMethod,
  otherUpgrade,
]

function otherMethod(draft: Draft, _: World, dice: Dice): void {
  draft.method = dice.pick([
    'GET',
    'HEAD',
    'PUT',
    'PATCH',
    'DELETE',
    'OPTIONS',
    'TRACE',
    'QUERY',
    'PROPFIND',
    'M-SEARCH',
  ])
}

function otherBody(draft: Draft, _: World, dice: Dice): void {
  const parsed = draft.body ? jsonOf(draft.body) : { type: 'agent' }
  draft.body = dice.pick<() => Buffer>([
    () => Buffer.from(JSON.stringify(distort(parsed, dice)) ?? ''),
    () => Buffer.from(JSON.stringify(distort(parsed, dice)) ?? ''),
    () => Buffer.from(JSON.stringify(parsed).replace('"fuzz"', JSON.stringify(dice.pick(oddTexts)))),
    () =>
      Buffer.from(
        JSON.stringify(parsed).replace(
          '"fuzz"',
          dice.pick(['"\\u0000"', '"\\ud800"', '"\\udc00x"', '"\\u001b[2J"', '"\\uffff"']),
        ),
      ),
    () =>
      Buffer.from(
        JSON.stringify(parsed).replace(
          '"seed":',
          dice.pick([
            '"seed":1e308,"x":',
            '"seed":-',
            '"seed":9007199254740993,"seed":',
            '"__proto__":{"seed":1},"seed":',
          ]),
        ),
      ),
    () => Buffer.from(dice.pick(['[', '{"a":']).repeat(dice.pick([100, 10_000]))),
    () => Buffer.concat([draft.body ?? Buffer.from('{}'), dice.bytes(20)]),
    () => Buffer.from(JSON.stringify(parsed), 'utf16le'),
    () => Buffer.from(dice.pick(['', ' ', 'null', '[]', '1', '"x"', 'undefined', '\ufeff{}', '{}{}', '\0'])),
    () => Buffer.alloc(dice.pick([65_000, 65_536, 65_537, 300_000, 2_000_000]), 32),
  ])()
  if (dice.chance(0.1))
    draft.headers.push([
      'Content-Type',
      dice.pick([
        'text/plain',
        'application/json; charset=utf-16',
        'multipart/form-data',
        'application/JSON',
        'a'.repeat(3_000),
      ]),
    ])
  if (dice.chance(0.3) && draft.method === 'GET') draft.method = 'POST'
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch {
    return { type: 'agent' }
  }
}

function otherTarget(draft: Draft, { task, host }: World, dice: Dice): void {
  const odd = encodeURIComponent(dice.pick(oddTexts.filter((text) => !/[\ud800-\udfff]/.test(text)))).slice(0, 3_000)
  const known = `/v1/tasks/${task}`
  draft.target = dice.pick([
    '/',
    '/healthz',
    '/openapi.json',
    '/v1',
    '/v1/',
    '/v1/tasks',
    '/v1/tasks/',
    '//v1/tasks',
    '/v1//tasks',
    '/V1/tasks',
    '/v1/./tasks',
    '/v1/tasks/..',
    '/v1/../v1/tasks',
    `/v1/tasks/${odd}`,
    `/v1/tasks/${odd}/events`,
    `/v1/tasks/${odd}:cancel`,
    `/v1/tasks/${odd}/deliveries`,
    `/v1/tasks/${odd}/ws`,
    `/problems/${odd}`,
    `/${odd}`,
    ...[
      '%00',
      '%',
      '%zz',
      '%c0%af',
      '%ff',
      '%u0000',
      '%ed%a0%80',
      '..%2f..%2fetc%2fpasswd',
      '%3acancel',
      'a'.repeat(9_000),
    ].flatMap((id) => [
      `/v1/tasks/${id}`,
      `/v1/tasks/${id}:cancel`,
      `/v1/tasks/${id}/events`,
      `/v1/tasks/${id}/deliveries/${id}:replay`,
    ]),
    ...['', '-1', '1e9', '999999999999', '%00', 'NaN', '0x1', '1&after=2', odd].flatMap((after) => [
      `${known}/events?after=${after}`,
      `/v1/deliveries?after=${after}`,
      `/v1/deliveries?status=${after}`,
    ]),
    ...['0', '1', '-1', '1e308', 'x', '%00', '99999999999', ' 1'.trim()].map((wait) => `${known}?wait=${wait}`),
    `${known};a=b`,
    `${known}?token=x`,
    `${known}#top`,
    `http://${host}${known}`,
    `http://other.example${known}`,
    'http://',
    '*',
    `${known}/ws`,
    `${known}:cancel`,
    `${known}/events`,
    `${known}/deliveries`,
    `${known}/commands`,
    `${known}/context`,
    `${known}/context?after=${dice.pick(['', '0', '-1', '1e9', '%00', 'x'])}`,
    `${known}/deliveries/x:replay`,
  ])
  if (dice.chance(0.4)) draft.method = 'GET'
}

function otherHeader(draft: Draft, _: World, dice: Dice): void {
  const odd = dice.pick(oddTexts).replaceAll(/[^\t\x20-\x7e\x80-\xff]/g, '?')
  draft.headers.push(
    dice.pick<[string, string]>([
      ['Idempotency-Key', odd],
      ['Idempotency-Key', dice.pick(['', '""', '"a"b"', 'x'.repeat(129), 'ünï', '"a', 'a, b'])],
      ['Content-Type', odd],
      [
        'Accept',
        dice.pick([
          'text/event-stream',
          'text/event-stream;q=0',
          '*/*',
          '',
          'application/xml',
          'text/event-stream, '.repeat(400),
        ]),
      ],
      ['Last-Event-ID', dice.pick(['0', '-1', '1e99', '99999999999', odd])],
      ['If-None-Match', dice.pick(['*', '"1"', 'W/"1"', '"', '"1",'.repeat(1_500)])],
      ['Prefer', dice.pick(['wait=1', 'wait=-1', 'wait=1e9', 'wait=', odd])],
      ['Expect', dice.pick(['100-continue', '200-ok', odd])],
      ['Range', 'bytes=0-18446744073709551615'],
      ['X-HTTP-Method-Override', 'DELETE'],
      ['X-Forwarded-For', odd],
      ['Cookie', 'a=b; '.repeat(1_000)],
      ['Connection', dice.pick(['close', 'keep-alive, Upgrade', 'Authorization', odd])],
      ['Content-Encoding', dice.pick(['gzip', 'br', odd])],
      ['Host', dice.pick(['', 'a b', odd, 'localhost:99999'])],
      [`X-${'a'.repeat(dice.pick([10, 9_000]))}`, 'b'.repeat(dice.pick([10, 9_000]))],
    ]),
  )
  if (dice.chance(0.05))
    draft.headers.push(...Array.from({ length: 3_000 }, (_, i): [string, string] => [`X-${i}`, '1']))
}

function otherAuth(draft: Draft, { token }: World, dice: Dice): void {
  // The scheme in any case, and more than one space after it, are lawful (RFC 9110, 11.1 and 11.4).
  const lawful = [`bearer ${token}`, `BEARER ${token}`, `Bearer  ${token}`]
  const others = [
    ...lawful,
    '',
    'Bearer',
    'Bearer ',
    `Bearer ${token.slice(1)}`,
    `Bearer ${token}x`,
    `Bearer ${token.toUpperCase()}`,
    `Bearer "${token}"`,
    `Bearer token=${token}`,
    `Basic ${Buffer.from(`x:${token}`).toString('base64')}`,
    token,
    `Token ${token}`,
    `Bearer null`,
    `Bearer ${'a'.repeat(5_000)}`,
    `Bearer ${token}, Bearer x`,
  ]
  draft.headers = draft.headers.filter(([name]) => name !== 'Authorization')
  draft.isAuthorized = false
  if (dice.chance(0.2)) return
  const name = dice.pick(['Authorization', 'authorization', 'Proxy-Authorization', 'X-Authorization', 'Cookie'])
  const value = dice.pick(others)
  draft.headers.push([name, value])
  draft.isAuthorized = name.toLowerCase() === 'authorization' && lawful.includes(value)
}

function otherUpgrade(draft: Draft, { task }: World, dice: Dice): void {
  draft.target = dice.pick([`/v1/tasks/${task}/ws`, '/healthz', '/v1/tasks/none/ws', '/', `/v1/tasks/${task}`])
  draft.method = dice.chance(0.9) ? 'GET' : 'POST'
  draft.body = undefined
  const protocol = dice.pick(['h2c', 'h2c', 'websocket', 'WebSocket', 'TLS/1.0', '', 'websocket, h2c', 'x'.repeat(300)])
  draft.headers.push(
    ['Connection', dice.pick(['Upgrade', 'upgrade, HTTP2-Settings', 'keep-alive'])],
    ['Upgrade', protocol],
  )
  if (dice.chance(0.3)) draft.headers.push(['HTTP2-Settings', 'AAMAAABkAARAAAAAAAIAAAAA'])
  if (dice.chance(0.5)) draft.headers.push(['Sec-WebSocket-Version', dice.pick(['13', '8', '', 'x'])])
  if (dice.chance(0.5))
    draft.headers.push(['Sec-WebSocket-Key', dice.pick(['dGhlIHNhbXBsZSBub25jZQ==', 'short', '', 'a'.repeat(500)])])
  // A proxy that takes the upgrade up has no end of its own.
  draft.isWhole = dice.chance(0.5)
}

function write({ method, target, headers, body, isAuthorized, isWhole }: Draft, dice: Dice): Sent {
  const all: [string, string][] = headers.some(([name]) => name === 'Host')
    ? headers
    : [['Host', 'outlast'], ...headers]
  const isChunked = body !== undefined && dice.chance(0.2)
  const framing: [string, string][] = body
    ? [isChunked ? ['Transfer-Encoding', 'chunked'] : ['Content-Length', String(body.length)]]
    : []
  const head = [...all, ...framing].map(([name, value]) => `${name}: ${value}\r\n`).join('')
  const lines = Buffer.from(`${method} ${target} HTTP/1.1\r\n${head}\r\n`, 'latin1')
  const payload = body && isChunked ? chunked(body, dice) : (body ?? Buffer.alloc(0))
  return { bytes: Buffer.concat([lines, payload]), isAuthorized, isWhole }
}

function chunked(body: Buffer, dice: Dice): Buffer {
  const size = dice.pick([1_000, 40_000])
  const pieces = Array.from({ length: Math.ceil(body.length / size) }, (_, i) =>
    body.subarray(i * size, (i + 1) * size),
  )
  const framed = pieces.map((piece) =>
    Buffer.concat([Buffer.from(`${piece.length.toString(16)}\r\n`), piece, Buffer.from('\r\n')]),
  )
  return Buffer.concat([...framed, Buffer.from('0\r\n\r\n')])
}

/** What no client library would send. */
function raw({ token, task, host }: World, dice: Dice): Sent {
  const authorized = dice.chance(0.5)
  const auth = authorized ? `Authorization: Bearer ${token}\r\n` : ''
  const post = (more: string, body: string): string =>
    `POST /v1/tasks HTTP/1.1\r\nHost: x\r\n${auth}Content-Type: application/json\r\nIdempotency-Key: raw\r\n${more}\r\n${body}`
  const get = (line: string, more = ''): string => `${line}\r\nHost: ${host}\r\n${auth}${more}\r\n`
  const smuggled = `GET /v1/tasks/${task} HTTP/1.1\r\nHost: x\r\n\r\n`
  const text = dice.pick([
    post('Content-Length: 6\r\nTransfer-Encoding: chunked\r\n', `0\r\n\r\n${smuggled}`),
    post('Transfer-Encoding: chunked\r\nContent-Length: 4\r\n', '5c\r\n{}\r\n0\r\n\r\n'),
    post('Transfer-Encoding: xchunked\r\n', smuggled),
    post('Transfer-Encoding : chunked\r\n', '0\r\n\r\n'),
    post('Transfer-Encoding: chunked, identity\r\n', '0\r\n\r\n'),
    post('Transfer-Encoding:\tchunked\r\n', `2;${'a'.repeat(20_000)}=b\r\n{}\r\n0\r\n\r\n`),
    post('Content-Length: 2\r\nContent-Length: 7\r\n', `{}${smuggled}`),
    ...['+2', '-2', '0x2', '2e0', ' ', '2,2', '99999999999999999999', '1_0'].map((length) =>
      post(`Content-Length: ${length}\r\n`, '{}'),
    ),
    ...['ffffffffffffffff', '-1', '0x2', 'zz', ''].map((size) =>
      post('Transfer-Encoding: chunked\r\n', `${size}\r\n{}\r\n0\r\n\r\n`),
    ),
    post('Content-Length: 100\r\n', '{"type"'),
    get('GET /healthz HTTP/1.1', 'X: a\r\n b\r\n'),
    get('GET /healthz HTTP/1.1', 'X: a\0b\r\n'),
    get('GET /healthz HTTP/1.1', ': a\r\n'),
    get('GET /healthz HTTP/1.1', `X: ${dice.pick(escapes)}\r\n`),
    get('GET /healthz HTTP/9.9'),
    get('GET /healthz HTTP/0.9'),
    get('GET /healthz'),
    get('GET  /healthz  HTTP/1.1'),
    get('get /healthz http/1.1'),
    get(`GET ${'/'.repeat(40_000)} HTTP/1.1`),
    get('GET /health\0z HTTP/1.1'),
    get('GET /healthz\u00ff HTTP/1.1'),
    get('CONNECT 127.0.0.1:22 HTTP/1.1'),
    get('CONNECT x HTTP/1.1'),
    get('TRACE / HTTP/1.1'),
    get('OPTIONS * HTTP/1.1'),
    get('PRI * HTTP/2.0', '\r\nSM\r\n'),
    get('GET /healthz HTTP/1.1').replaceAll('\r\n', '\n'),
    'GET /healthz HTTP/1.1\r\n\r\n',
    '\r\n\r\n\r\n',
    '',
    'GET',
    `${get('GET /healthz HTTP/1.1')}${get('GET /healthz HTTP/1.1')}`.repeat(30),
    get('GET /healthz HTTP/1.1', `X: ${'a'.repeat(200_000)}\r\n`),
    '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003',
  ])
  const bytes = dice.chance(0.1) ? dice.bytes(200) : Buffer.from(text, 'latin1')
  return { bytes, isWhole: false, isAuthorized: authorized }
}
