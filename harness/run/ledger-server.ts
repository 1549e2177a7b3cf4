/**
 * The ledger's process: the tool server that every step of every task calls, and the ground truth of what was executed.
 * `POST /effects` appends one line and answers 200 with the nonce of the step; `POST /flush` answers how many lines are
 * on disk. `POST /tasks` is the same in the words of a service of somebody else's. What is no effect is answered 400 and gets a line, too: its sender did not do its work, and its file is not
 * damaged. It is a process of the harness: no fault's target, and it outlives every node.
 *
 * The secret of the nonces is the first line of stdin: no node can read it there, as it could in the arguments.
 *
 * COUNT and BYTES limit the file. What is more is answered 503, and counted as if it had been written: so it is missing.
 *
 * usage: node ledger-server.ts FILE HOST COUNT BYTES [--announce] [--names-end=TEXT] < SECRET (ends when its stdin ends)
 */
import { createWriteStream } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createInterface } from 'node:readline'
import { toolHeader } from '../../patterns/contract/types/grant.ts'
import { monotonicMs } from '../../patterns/contract/types/timer.ts'
import { openAllowance } from '../core/allowance.ts'
import { describeError } from '../core/errors.ts'
import { BodyTooLarge, briefRequests, readBody } from '../core/http.ts'
import { type EffectBody, nonceFor, readEffectBody, readToldEffect } from './ledger.ts'

const [file, host, count, bytes, ...flags] = process.argv.slice(2)
if (!file || !host || !count || !bytes) throw new Error('usage: ledger-server FILE HOST COUNT BYTES [--announce]')
const most = { count: Number(count), bytes: Number(bytes) }
const room = openAllowance({ each: most, all: most })
const announce = flags.includes('--announce')
const nameEnd = flags.find((flag) => flag.startsWith('--names-end='))?.slice('--names-end='.length) ?? ''
const lines = createWriteStream(file, { flags: 'a' })
/** Why no effect can be recorded any more. Nothing is answered then as if it had been. */
let failure: string | undefined
lines.on('error', fail)
const seen = new Set<string>()
let [secret, written] = ['', 0]
/** From then on nothing is kept, in memory neither. */
let isFull = false

/** An effect is a few hundred bytes. */
const mostBytes = 65_536

const server = createServer(briefRequests, (request, response) => {
  readBody(request, mostBytes).then(
    (body) => route(request, response, body.toString('utf8')),
    // Torn: nobody waits for an answer.
    (error: unknown) => {
      if (!(error instanceof BodyTooLarge)) return
      write({ refused: error.message, said: '', receivedAt: monotonicMs() })
      respond(response.setHeader('connection', 'close'), 413, { error: error.message })
    },
  )
})
server.keepAliveTimeout = 600_000

function fail(error: Error): void {
  if (failure !== undefined) return
  failure = `cannot write ${file}: ${describeError(error)}`
  process.stdout.write(`${JSON.stringify({ failed: failure })}\n`)
}

function route(request: IncomingMessage, response: ServerResponse, body: string): void {
  if (failure !== undefined) return respond(response, 503, { error: failure })
  if (isFull && request.url !== '/flush') {
    written++
    return tellFull(response)
  }
  if (request.method === 'POST' && request.url === '/effects') return recordEffect(request, response, body)
  if (request.method === 'POST' && request.url === '/tasks') return recordTold(response, body)
  if (request.method === 'POST' && request.url === '/flush')
    return void lines.write('', (error) => tellFlushed(response, error))
  respond(response, 404, { error: 'unknown route' })
}

function tellFlushed(response: ServerResponse, error: Error | null | undefined): void {
  if (error) fail(error)
  respond(response, failure === undefined ? 200 : 503, { effects: written, error: failure })
}

const saidAtMost = 200

function recordEffect(request: IncomingMessage, response: ServerResponse, body: string): void {
  const receivedAt = monotonicMs()
  const { 'idempotency-key': key, [toolHeader]: tool } = request.headers
  const effect = readEffectBody(body, key, receivedAt)
  const named = typeof effect === 'string' || typeof tool !== 'string' ? effect : { ...effect, tool }
  record(response, named, { body, receivedAt })
}

/** Executions of a step so far. */
const executions = new Map<string, number>()
/** Executions that were told of under a number of their own. */
const told = new Set<string>()

function recordTold(response: ServerResponse, body: string): void {
  const receivedAt = monotonicMs()
  const effect = readToldEffect(body, receivedAt, nameEnd)
  if (typeof effect === 'string') return record(response, effect, { body, receivedAt })
  const { idempotencyKey, executor, attempt } = effect
  const times = (executions.get(idempotencyKey) ?? 0) + 1
  const execution = JSON.stringify([idempotencyKey, executor, attempt])
  if (attempt > 0 && told.has(execution)) return respond(response, 200, { recorded: true, retransmission: true })
  told.add(execution)
  executions.set(idempotencyKey, times)
  record(response, attempt > 0 ? effect : { ...effect, attempt: times }, { body, receivedAt })
}

interface Received {
  readonly body: string
  readonly receivedAt: number
}

function record(response: ServerResponse, effect: EffectBody | string, { body, receivedAt }: Received): void {
  if (typeof effect === 'string') {
    const isKept = write({ refused: effect, said: body.slice(0, saidAtMost), receivedAt }) !== undefined
    return isKept ? respond(response, 400, { error: effect }) : tellFull(response)
  }
  const { idempotencyKey, attempt, executor, startedAt, task, step } = effect
  // The same execution sent again (its answer was lost) is one effect; another execution of the step is another.
  const execution = JSON.stringify([idempotencyKey, task, step, attempt, executor, startedAt])
  const nonce = nonceFor(secret, task, step)
  if (seen.has(execution)) return respond(response, 200, { recorded: true, retransmission: true, nonce })
  const line = write({ ...effect, receivedAt })
  if (line === undefined) return tellFull(response)
  seen.add(execution)
  if (announce) process.stdout.write(line)
  respond(response, 200, { recorded: true, nonce })
}

/** Undefined: there is no room. */
function write(value: object): string | undefined {
  const line = `${JSON.stringify(value)}\n`
  written++
  isFull ||= room.take('', line.length) !== undefined
  if (isFull) return undefined
  lines.write(line)
  return line
}

function tellFull(response: ServerResponse): void {
  respond(response, 503, { error: 'the ledger has no room for more' })
}

function respond(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

function leave(): void {
  lines.end(() => process.exit(0))
}
process.stdin.on('end', leave).on('error', leave)
process.on('SIGTERM', leave)
createInterface({ input: process.stdin }).once('line', (line) => {
  secret = line
  server.listen(0, host, () => {
    process.stdout.write(JSON.stringify({ listening: (server.address() as AddressInfo).port }) + '\n')
  })
})
