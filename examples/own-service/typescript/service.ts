/**
 * An image-description service in the manner of long-running operations: `POST /describe` answers 202 with `Operation-Location`, and
 * `GET /operations/{id}` says how far it is. Operations are kept in a journal: a line per change, on the disk before it counts.
 * BUG=early-ack is the durability bug: the answer is sent before the journal has the operation, and the journal is written lazily.
 *
 *     node service.ts     PORT, JOURNAL (a file), TOKEN, SCALE
 */
import { randomUUID } from 'node:crypto'
import { closeSync, existsSync, fsyncSync, openSync, readFileSync, writeSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

const { PORT = '8080', JOURNAL = 'operations.ndjson', TOKEN = '', SCALE = '1', BUG = '' } = process.env
const workMs = 15_000 / Number(SCALE)
const lazyMs = 10_000 / Number(SCALE)

interface Operation {
  readonly id: string
  readonly key: string
  readonly image: string
  readonly status: 'notStarted' | 'succeeded'
}

const operations = new Map<string, Operation>()
const byKey = new Map<string, string>()

function replay(): void {
  if (!existsSync(JOURNAL)) return
  for (const line of readFileSync(JOURNAL, 'utf8').split('\n')) {
    // A line that a crash has torn was never acknowledged.
    if (line.endsWith('}')) remember(JSON.parse(line) as Operation)
  }
}

function remember(operation: Operation): void {
  operations.set(operation.id, operation)
  byKey.set(operation.key, operation.id)
}

const journal = (() => {
  replay()
  return openSync(JOURNAL, 'a', 0o600)
})()

/** On the disk when it returns; with the bug, some time later. */
function write(operation: Operation): void {
  remember(operation)
  if (BUG === 'early-ack') setTimeout(() => append(operation), lazyMs)
  else append(operation)
}

function append(operation: Operation): void {
  writeSync(journal, `${JSON.stringify(operation)}\n`)
  fsyncSync(journal)
}

/** The same key is the same operation. */
function accept(key: string, image: string): Operation {
  const known = operations.get(byKey.get(key) ?? '')
  if (known) return known
  const operation: Operation = { id: randomUUID(), key, image, status: 'notStarted' }
  write(operation)
  begin(operation)
  return operation
}

function begin(operation: Operation): void {
  setTimeout(() => write({ ...operation, status: 'succeeded' }), workMs)
}

async function submit(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  const { image } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { image: string }
  const { id } = accept(String(request.headers['x-request-id'] ?? randomUUID()), image)
  const location = `http://${request.headers.host}/operations/${id}`
  response.writeHead(202, { 'operation-location': location, 'retry-after': '1' }).end()
}

function read(id: string, response: ServerResponse): void {
  const operation = operations.get(id)
  if (!operation) return answer(response, 404, { error: { code: 'NotFound' } })
  const { status, image } = operation
  answer(response, 200, { status, ...(status === 'succeeded' && { result: { image, text: `a picture of ${image}` } }) })
}

function answer(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const server = createServer((request, response) => {
  const { method, url = '/' } = request
  if (url === '/healthz') return answer(response, 200, { ok: true })
  if (request.headers.authorization !== `Bearer ${TOKEN}`)
    return answer(response, 401, { error: { code: 'Unauthorized' } })
  if (method === 'POST' && url === '/describe')
    return void submit(request, response).catch(() => answer(response, 400, { error: { code: 'BadRequest' } }))
  const id = /^\/operations\/([\w-]+)$/.exec(url)?.[1]
  if (method === 'GET' && id !== undefined) return read(id, response)
  answer(response, 404, { error: { code: 'NotFound' } })
})

for (const operation of operations.values()) if (operation.status === 'notStarted') begin(operation)
server.listen(Number(PORT), '127.0.0.1')
process.once('SIGTERM', () => {
  closeSync(journal)
  process.exit(0)
})
