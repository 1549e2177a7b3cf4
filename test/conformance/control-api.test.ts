import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { openTaskClient } from '../../patterns/client.ts'
import type { Backend } from '../../patterns/contract/engine/backend.ts'
import { serveOver, startApiNode, timeScale, token, type ApiNode } from './support/api-node.ts'
import { readEnd, readTask, requestBody, send, submit } from './support/http.ts'

/** What the cases of harness/conform leave to a service, and ours promise: headers, words, limits. */

const memory = { instruction: 'be thorough', sources: [] }
const long = (job: string, more: object = {}) => ({
  type: 'agent',
  input: { seed: 1, profile: 'research-write', job },
  memory,
  ...more,
})
const deep = `${'['.repeat(30_000)}${']'.repeat(30_000)}`

let node: ApiNode
let self: string
beforeAll(async () => {
  node = await startApiNode('websocket')
  self = (await submit(node.url, 'control', long('control'))).json.links.self
})
afterAll(() => node[Symbol.asyncDispose]())

const put = (body: unknown, place = self, headers = {}) =>
  send(`${node.url}${place}/commands`, { method: 'POST', body, headers })
const context = (query = '', headers = {}) => send(`${node.url}${self}/context${query}`, { headers })
const events = async () => (await send(`${node.url}${self}/events`)).json.events
async function untilStatus(status: string): Promise<void> {
  while ((await readTask(node.url, self.split('/').at(-1)!)).status !== status) await sleep(10)
}

describe('a command', () => {
  test('is answered 202 when it is on record, and says when it was there before', async () => {
    const wish = { id: 'first', type: 'resume' }
    const [first, again] = [await put(wish), await put(wish)]
    const task_id = self.split('/').at(-1)
    expect([first.status, first.json]).toEqual([202, { ...wish, task_id, replayed: false }])
    expect([again.status, again.json]).toEqual([202, { ...wish, task_id, replayed: true }])
    const said = [first, again].map(({ headers }) => [headers['command-replayed'], headers['cache-control']])
    expect(said).toEqual([
      [undefined, 'no-store'],
      ['true', 'no-store'],
    ])
    expect((await events()).filter(({ type }) => type === 'task.commanded')).toHaveLength(1)
  })

  test('is compared as JSON: neither the order of fields nor white space makes another one', async () => {
    await put({ id: 'spelled', type: 'top_up', credits: 1 }).catch(() => {})
    await put('{"id":"in-order","type":"steer","patch":[{"op":"test","path":"/instruction","value":{"a":1,"b":2}}]}')
    const other = await put(
      '{ "patch":[{"value":{"b":2,"a":1},"path":"/instruction","op":"test"}], "type":"steer","id":"in-order" }',
    )
    expect([other.status, other.headers['command-replayed']]).toEqual([202, 'true'])
  })

  test.each([
    ['no JSON', '{', 400, 'the body is not JSON in UTF-8'],
    ['a list', '[]', 400, 'body: '],
    ['nothing known', { id: 'x', type: 'stop' }, 400, 'type: interrupt, resume, steer or top_up'],
    ['two flaws', { id: 'a b', type: 'top_up', credits: -1 }, 400, /id: 1 to 64 .*; credits: /],
    ['a field of another one', { id: 'x', type: 'resume', patch: [] }, 400, 'patch'],
    ['an operation that is none', { id: 'x', type: 'steer', patch: [{ op: 'spell' }] }, 400, /patch.0.op: .* RFC 6902/],
    ['a task without a budget', { id: 'x', type: 'top_up', credits: 1 }, 400, 'the task has no budget'],
    ['a number that is none', '{"id":"x","type":"top_up","credits":1e999}', 400, 'credits: '],
    ['another id’s', { id: 'first', type: 'interrupt' }, 422, 'the id first came with another command'],
    ['30,000 lists in each other', deep, 400, 'the body is nested too deeply'],
    ['70 kB', 'x'.repeat(70_000), 413, 'at most 65536 bytes'],
  ])('is refused where it is %s, and nothing has changed', async (_, body, status, detail) => {
    await put({ id: 'first', type: 'resume' })
    const before = (await events()).filter(({ type }) => type === 'task.commanded')
    const { json, status: got } = await put(body)
    expect([got, json]).toEqual([status, expect.objectContaining({ status, retryable: false })])
    expect((json as unknown as { detail: string }).detail).toMatch(detail)
    expect((await events()).filter(({ type }) => type === 'task.commanded')).toEqual(before)
  })

  test('with hundreds of flaws is told the first fifty', async () => {
    const { text, status } = await put({
      id: 'x',
      type: 'steer',
      patch: Array.from({ length: 100 }, () => ({ op: 'add' })),
    })
    expect([status, text.split('; ').length, /and 150 more/.test(text)]).toEqual([400, 51, true])
  })

  test('of another media type is 415; to a task that nobody knows, 404', async () => {
    const wish = { id: 'x', type: 'resume' }
    expect((await put('x', self, { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await put(wish, '/v1/tasks/none')).json).toMatchObject({ type: '/problems/not-found' })
  })

  test('to a task that has ended is 409, and names the task', async () => {
    const { task_id, links } = (await submit(node.url, 'short', requestBody(9))).json
    await readEnd(node.url, task_id)
    const { status, json } = await put({ id: 'late', type: 'interrupt' }, links.self)
    expect([status, json]).toEqual([409, expect.objectContaining({ type: '/problems/task-ended', task_id })])
  })

  test('is 501 where the engine takes none, and the memory is shown all the same', async () => {
    const { command: _, ...without } = node.backend
    await using server = await serveOver(without as Backend, 'polling')
    const place = `${server.url}${self}`
    const answer = await send(`${place}/commands`, { method: 'POST', body: { id: 'x', type: 'resume' } })
    expect([answer.status, answer.json]).toEqual([501, expect.objectContaining({ type: '/problems/not-supported' })])
    expect((await send(`${place}/context`)).status).toBe(200)
  })
})

describe('a memory', () => {
  test('is shown with its version, which is its validator', async () => {
    await put({ id: 'stop-1', type: 'interrupt' })
    await untilStatus('input_required')
    const { json, headers, status } = await context()
    const { version, digest, document } = json as unknown as { version: number; digest: string; document: object }
    expect([status, headers['etag'], headers['cache-control']]).toEqual([200, `"${version}"`, 'no-store'])
    expect([digest, document]).toEqual([expect.stringMatching(/^[0-9a-f]{64}$/), expect.objectContaining(memory)])
    for (const known of [`"${version}"`, `W/"${version}"`, '*']) {
      const unchanged = await context('', { 'if-none-match': known })
      expect([unchanged.status, unchanged.text, unchanged.headers['etag']]).toEqual([304, '', `"${version}"`])
    }
    expect((await context('', { 'if-none-match': '"999"' })).status).toBe(200)
  })

  test('comes as patches after a version that is known', async () => {
    await put({ id: 'turn-1', type: 'steer', patch: [{ op: 'replace', path: '/instruction', value: 'be brief' }] })
    while (!(await context()).text.includes('be brief')) await sleep(10)
    const { version } = (await context()).json
    const patchesAfter = async (base: number) => (await context(`?after=${base}`)).json as unknown as object
    expect(await patchesAfter(version)).toEqual({ base: version, patches: [] })
    const logged = (await events()).filter(({ type }) => type === 'context.patch').map(({ data }) => data)
    expect(await patchesAfter(1)).toEqual({ base: 1, patches: logged })
    expect(await patchesAfter(version - 1)).toEqual({ base: version - 1, patches: logged.slice(-1) })
  })

  test.each(['0', '-1', '1.5', 'x', '', '999', '1e3'])('has had no version %j', async (after) => {
    const { status, json } = await context(`?after=${after}`)
    expect([status, json]).toEqual([400, expect.objectContaining({ type: '/problems/validation' })])
    expect((json as unknown as { detail: string }).detail).toMatch(/which are 1 to \d+$/)
  })

  test('is 404 where there is none, and where there is no task', async () => {
    const { links } = (await submit(node.url, 'without', requestBody(8))).json
    const answers = await Promise.all([links.self, '/v1/tasks/none'].map((at) => send(`${node.url}${at}/context`)))
    expect(answers.map(({ status, json }) => [status, (json as unknown as { detail: string }).detail])).toEqual([
      [404, expect.stringContaining('has no memory')],
      [404, expect.stringContaining('is not known')],
    ])
  })

  test.each([
    ['30,000 lists in each other', `{"a":${deep}}`, 'nested too deeply'],
    ['40 lists in each other', `{"a":${'['.repeat(40)}${']'.repeat(40)}}`, 'memory: at most'],
    ['17 kB', JSON.stringify({ a: 'x'.repeat(17_000) }), 'memory: at most'],
    ['a list', '[]', 'memory: '],
    ['a number that is none', '{"a":1e999}', 'memory: '],
  ])('is refused where it is %s', async (_, text, detail) => {
    const body = JSON.stringify(requestBody(7)).replace(/\}$/, `,"memory":${text}}`)
    const { status, json } = await submit(node.url, `refused-${text.length}`, body)
    expect([status, json]).toEqual([400, expect.objectContaining({ type: '/problems/validation' })])
    expect((json as unknown as { detail: string }).detail).toContain(detail)
  })
})

describe('a socket', () => {
  const words = { steer: { id: 'w', type: 'steer', patch: [{ op: 'add', path: '/w', value: 1 }] } }

  async function talk() {
    const { links } = (await submit(node.url, `socket-${performance.now()}`, long('socket'))).json
    const socket = new WebSocket(`${node.url}${links.self}/ws`, { headers: { authorization: `Bearer ${token}` } })
    const heard: { readonly type: string; readonly id?: string; readonly data?: object }[] = []
    socket.on('message', (data) => void heard.push(JSON.parse((data as Buffer).toString())))
    const closed = new Promise<number>((resolve) => socket.once('close', resolve))
    await new Promise((resolve) => socket.once('open', resolve))
    const say = (message: object): void => socket.send(JSON.stringify(message))
    const answers = () => heard.filter(({ type }) => type.startsWith('command.'))
    const untilAnswered = async (many: number) => {
      while (answers().length < many) await sleep(5)
    }
    say({ type: 'hello', last_seq: 0 })
    return { socket, say, heard, answers, untilAnswered, closed, place: links.self }
  }

  test('acknowledges a command, which is the same one over HTTP', async () => {
    const { say, answers, untilAnswered, closed, place } = await talk()
    for (const _ of [1, 2]) say({ type: 'command', command: words.steer })
    await untilAnswered(2)
    expect(answers()).toEqual([
      { type: 'command.ack', id: 'w', replayed: false },
      { type: 'command.ack', id: 'w', replayed: true },
    ])
    expect((await put(words.steer, place)).headers['command-replayed']).toBe('true')
    say({ type: 'cancel' })
    expect(await closed).toBe(1000)
  })

  test('refuses what is none by its problem, and stays open', async () => {
    const { say, answers, untilAnswered, socket, closed } = await talk()
    const wrong = [{ id: 'a b', type: 'resume' }, 7, null, { id: 'w', type: 'resume' }, { type: 'resume' }]
    say({ type: 'command', command: words.steer })
    for (const command of wrong) say({ type: 'command', command })
    await untilAnswered(6)
    const refused = (id: string | null, kind: string) => ({
      type: 'command.refused',
      id,
      problem: expect.objectContaining({ type: `/problems/${kind}` }),
    })
    expect(answers().slice(1)).toEqual([
      refused('a b', 'validation'),
      refused(null, 'validation'),
      refused(null, 'validation'),
      refused('w', 'command-id-reused'),
      refused(null, 'validation'),
    ])
    expect(socket.readyState).toBe(socket.OPEN)
    say({ type: 'cancel' })
    await closed
  })

  test('takes commands in the order in which they are said, each after the one before', async () => {
    const { say, heard, untilAnswered, closed, answers } = await talk()
    const ids = Array.from({ length: 50 }, (_, i) => `n${i}`)
    for (const id of ids) say({ type: 'command', command: { ...words.steer, id } })
    await untilAnswered(ids.length)
    expect(answers().map(({ id }) => id)).toEqual(ids)
    const commanded = () => heard.flatMap(({ type, data }) => (type === 'task.commanded' ? [data] : []))
    while (commanded().length < ids.length) await sleep(5)
    expect(commanded().map((data) => (data as { command: { id: string } }).command.id)).toEqual(ids)
    say({ type: 'cancel' })
    await closed
  })

  test('answers what was said before the end, and closes then', async () => {
    const { say, answers, closed } = await talk()
    say({ type: 'command', command: { id: 'stop', type: 'interrupt' } })
    say({ type: 'cancel' })
    say({ type: 'command', command: { id: 'late', type: 'interrupt' } })
    expect(await closed).toBe(1000)
    expect(answers().length).toBe(2)
    expect(answers()[1]).toMatchObject({ type: 'command.refused', problem: { type: '/problems/task-ended' } })
  })

  test('takes a patch of 16 kB, and no more than twice that', async () => {
    const { say, untilAnswered, answers, closed } = await talk()
    const patch = [{ op: 'add', path: '/w', value: 'x'.repeat(16_000) }]
    say({ type: 'command', command: { ...words.steer, patch } })
    await untilAnswered(1)
    expect(answers()).toMatchObject([{ type: 'command.ack' }])
    say({ type: 'command', command: { ...words.steer, patch: 'x'.repeat(33_000) } })
    expect(await closed).toBe(1009)
  })
})

test('the client of applications interrupts, steers, resumes and looks on', { timeout: 120_000 }, async () => {
  await using client = openTaskClient({ apis: [node.url], token, timeScale })
  const run = { deadlineMs: 20_000 }
  const seen: string[] = []
  const accepted = Promise.withResolvers<string>()
  const { input } = long('by-the-client')
  const ended = client.run({
    ...run,
    key: 'by-the-client',
    type: 'agent',
    input,
    memory,
    onAccepted: ({ task_id }) => accepted.resolve(task_id),
    onProgress: ({ status }) => void (seen.at(-1) === status || seen.push(status)),
  })
  const taskId = await accepted.promise
  expect(await client.command(taskId, { id: 'stop', type: 'interrupt' }, run)).toEqual({ replayed: false })
  while (seen.at(-1) !== 'input_required') await sleep(20)
  const patch = [{ op: 'replace' as const, path: '/instruction', value: 'be brief' }]
  await client.command(taskId, { id: 'turn', type: 'steer', patch }, run)
  await client.command(taskId, { id: 'go', type: 'resume' }, run)
  expect(await client.command(taskId, { id: 'go', type: 'resume' }, run)).toEqual({ replayed: true })
  expect(await ended).toMatchObject({ status: 'completed' })
  const { document, version } = await client.context(taskId, run)
  expect([document, version]).toEqual([expect.objectContaining({ instruction: 'be brief' }), 14])
  expect(seen.filter((status) => status !== 'queued')).toEqual(['running', 'input_required', 'running', 'completed'])
  await expect(client.command(taskId, { id: 'late', type: 'interrupt' }, run)).rejects.toMatchObject({
    reason: 'refused',
    problem: 'task-ended',
  })
})
