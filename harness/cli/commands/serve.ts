import { randomBytes } from 'node:crypto'
import { InvalidArgumentError } from 'commander'
import { exitCodes, UsageError } from '../../core/errors.ts'
import { profiles } from '../../../patterns/agent/profiles.ts'
import { timingAt } from '../../../patterns/contract/types/timing.ts'
import type { Door } from '../../live/door.ts'
import type { NodeEvent } from '../../model/runtime.ts'
import type { LedgerEffect } from '../../run/ledger.ts'
import { Surroundings } from '../../task-page/around.ts'
import { openTaskPage } from '../../task-page/task-page.ts'
import { visibleLine } from '../../core/visible.ts'
import { timeScales } from '../../core/limits.ts'
import { usableRuntime } from '../../run/feasibility.ts'
import { readServeAccess } from '../../run/serve-access.ts'
import { type Ready, servePattern } from '../../run/serve.ts'
import type { Registry } from '../../registry.ts'
import type { CatalogPattern } from '../../scenario/catalog.ts'
import type { CommandFile } from '../command.ts'
import { listenForInterrupts } from '../exit.ts'
import { print, say } from '../output.ts'
import { resolvePatterns } from '../patterns.ts'

const notes = `
Starts the pattern's API, its workers and its servers (PostgreSQL, Restate and the like), a tool server that its tasks call,
and a receiver for callbacks. All of it ends with Ctrl-C. The first line on standard output is the address; what happens
goes to standard error. The bearer token is OUTLAST_TOKEN, or a new one, which is printed.

From the environment, as an API node reads them (patterns/contract/README.md, "Who may do what"):
  OUTLAST_JWKS_FILE, OUTLAST_JWT_ISSUER, OUTLAST_JWT_AUDIENCE
                          take JSON Web Tokens of this issuer, beside the token
  OUTLAST_GRANT_KEY       grants for tools, and a tool gateway that checks them
  OUTLAST_RATE            requests of each principal: 10/s:20
  OUTLAST_CORS_ORIGINS    pages that may ask: https://app.example

Examples:
  outlast serve sse-polling                     on 127.0.0.1:8080
  outlast serve polling+postgres --port 9000
  outlast serve webhook --time-scale 30         a task of five minutes takes ten seconds
  outlast serve websocket+postgres --ui --workers 2   and a page on which you submit a task, watch it, interrupt and steer it;
                                                kill -9 the process of a worker meanwhile, and see the other one go on`

interface Options {
  readonly host: string
  readonly port: number
  readonly timeScale: number
  readonly runtime: string
  readonly workers: number
  readonly ui?: true
}

export default {
  name: 'serve',
  summary: 'run one pattern as a service, to see it at work',
  declare(command, { registry, done }) {
    command
      .argument('<pattern>', 'a name of the catalog, or delivery+engine')
      .option('--port <n>', 'where it listens; 0 is any that is free', parsePort, 8080)
      .option('--host <address>', 'the address of this machine that it listens on', '127.0.0.1')
      .option('--time-scale <k>', 'divides all durations', parseScale, 1)
      .option('--workers <n>', 'how many, of an engine that has any', parseWorkers, 1)
      .option('--ui', 'also a page for a person: its address is the line that begins with Page')
      .option('--runtime <name>', 'where its nodes run', 'process')
      .addHelpText('after', notes)
      .action(async (name: string, options: Options) => {
        const leftBehind = await serve(name, registry, options)
        for (const left of leftBehind) say(`left behind: ${visibleLine(left)}`)
        done(leftBehind.length > 0 ? exitCodes.leftBehind : exitCodes.pass)
      })
  },
} satisfies CommandFile

function parsePort(text: string): number {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  throw new InvalidArgumentError('A port is a whole number from 0 to 65535.')
}

function parseScale(text: string): number {
  const scale = Number(text)
  const { least, most } = timeScales
  if (scale >= least && scale <= most) return scale
  throw new InvalidArgumentError(`A time scale is a number from ${least} to ${most}, for example 30.`)
}

function parseWorkers(text: string): number {
  if (/^[1-9]$/.test(text)) return Number(text)
  throw new InvalidArgumentError('Workers are a whole number from 1 to 9.')
}

async function serve(name: string, registry: Registry, options: Options): Promise<readonly string[]> {
  const { host, port, timeScale, workers } = options
  const [found] = resolvePatterns([name], await registry.catalog())
  const pattern = found!
  refuseOptions(pattern, options)
  const { OUTLAST_TOKEN: given } = process.env
  const token = given ?? randomBytes(24).toString('base64url')
  const apiEnv = readServeAccess(process.env, token)
  const runtimes = await registry.runtimes()
  const runtime = await usableRuntime(runtimes, options.runtime)
  if (apiEnv['OUTLAST_JWKS_FILE'] !== undefined && !runtime.offers.includes('host-files'))
    throw new UsageError(`OUTLAST_JWKS_FILE: nodes of the runtime ${runtime.name} cannot read files of this machine`)
  using interrupt = listenForInterrupts()
  const { signal } = interrupt
  const surroundings = new Surroundings()
  const heard = {
    onReady: async (ready: Ready) => {
      const page = options.ui && (await openPage({ pattern, ready, token, timeScale }, surroundings))
      print(greeting(pattern, ready, given === undefined ? token : undefined, page?.url))
      return page
    },
    onNode: (event: NodeEvent) => {
      surroundings.heedNode(event)
      if (!signal.aborted) say(describeNode(event))
    },
    onEffect: (effect: LedgerEffect) => {
      surroundings.heedEffect(effect)
      say(visibleLine(`${effect.executor}: step ${effect.step} has its effect, ${effect.idempotencyKey}`))
    },
    onCallback: (path: string, body: string) => say(visibleLine(`callback at ${path}: ${body.slice(0, 300)}`)),
  }
  try {
    const where = { runtime, timeScale, listen: { host, port }, executors: workers }
    const what = { pattern, ...where, token, apiEnv, signal, ...heard }
    return await servePattern(what, [...runtimes.values()])
  } catch (error) {
    // Asked to end while it was still starting: it has ended.
    if (signal.aborted && error === signal.reason) return []
    throw error
  }
}

function refuseOptions({ name, delivery, engine }: CatalogPattern, { workers, ui }: Options): void {
  const problems = [
    ...(workers > 1 && engine.executor !== 'worker' ? [`--workers: the API node of ${name} does its work`] : []),
    ...(ui && delivery.ownProtocol ? [`--ui: ${name} does not serve the task API, which the page speaks`] : []),
  ]
  if (problems.length > 0) throw new UsageError(problems)
}

/** Who wants to kill it needs its process. */
function describeNode({ node, state, pid }: NodeEvent): string {
  return state === 'ready' && pid !== undefined ? `${node}: ready, process ${pid}` : `${node}: ${state}`
}

interface Served {
  readonly pattern: CatalogPattern
  readonly ready: Ready
  readonly token: string
  readonly timeScale: number
}

function openPage({ pattern, ready, token, timeScale }: Served, surroundings: Surroundings): Promise<Door> {
  const { name, delivery, engine } = pattern
  const service = { url: ready.nodeUrl, token, silenceMs: timingAt(timeScale).watchdogMs }
  const work = [...profiles].map(([name, { about = 'work of this kind' }]) => ({ name, about }))
  const subject = {
    pattern: name,
    parts: [`${delivery.name}: ${delivery.summary}`, `${engine.name}: ${engine.summary}`],
    work,
    timeScale,
    hasSockets: delivery.sockets === true,
    callbackUrl: delivery.callback ? callbackAddress(ready) : undefined,
  }
  return openTaskPage(service, subject, surroundings)
}

function callbackAddress({ receiverUrl }: Ready): string {
  return `${receiverUrl}/demo`
}

/** The address first: a program may read it there. `token` is one that only we know yet. */
function greeting({ name, delivery, engine }: CatalogPattern, ready: Ready, token?: string, page?: string): string {
  const { url } = ready
  const callback = delivery.callback ? `,"delivery":{"webhook_url":"${callbackAddress(ready)}"}` : ''
  const body = `{"type":"agent","input":{"seed":1,"profile":"smoke","job":"first"}${callback}}`
  const asked = '-H "Authorization: Bearer $OUTLAST_TOKEN"'
  return [
    `${name} at ${url}`,
    `${delivery.name} (${delivery.summary})`,
    `${engine.name} (${engine.summary})`,
    ...(page === undefined ? [] : [`Page     ${page}`]),
    '',
    ...(token === undefined ? [] : [`export OUTLAST_TOKEN=${token}`]),
    `curl -i ${url}/v1/tasks ${asked} -H 'Idempotency-Key: first' -H 'Content-Type: application/json' -d '${body}'`,
    `curl ${url}/v1/tasks/TASK_ID ${asked}`,
    ...(delivery.events && !delivery.sockets
      ? [`curl -N ${url}/v1/tasks/TASK_ID/events ${asked} -H 'Accept: text/event-stream'`]
      : []),
    `curl ${url}/openapi.json`,
  ].join('\n')
}
