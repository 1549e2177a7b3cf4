import { randomBytes } from 'node:crypto'
import { InvalidArgumentError } from 'commander'
import { exitCodes, UsageError } from '../../core/errors.ts'
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
Starts the pattern's API, its worker and its servers (PostgreSQL, Restate and the like), a tool server that its tasks call,
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
  outlast serve webhook --time-scale 30         a task of five minutes takes ten seconds`

interface Options {
  readonly host: string
  readonly port: number
  readonly timeScale: number
  readonly runtime: string
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

async function serve(name: string, registry: Registry, options: Options): Promise<readonly string[]> {
  const { host, port, timeScale } = options
  const [pattern] = resolvePatterns([name], await registry.catalog())
  const { OUTLAST_TOKEN: given } = process.env
  const token = given ?? randomBytes(24).toString('base64url')
  const apiEnv = readServeAccess(process.env, token)
  const runtimes = await registry.runtimes()
  const runtime = await usableRuntime(runtimes, options.runtime)
  if (apiEnv['OUTLAST_JWKS_FILE'] !== undefined && !runtime.offers.includes('host-files'))
    throw new UsageError(`OUTLAST_JWKS_FILE: nodes of the runtime ${runtime.name} cannot read files of this machine`)
  using interrupt = listenForInterrupts()
  const { signal } = interrupt
  const heard = {
    onReady: (ready: Ready) => print(greeting(pattern!, ready, given === undefined ? token : undefined)),
    onNode: ({ node, state }: { node: string; state: string }) => signal.aborted || say(`${node}: ${state}`),
    onEffect: ({ executor, step, idempotencyKey }: { executor: string; step: number; idempotencyKey: string }) =>
      say(visibleLine(`${executor}: step ${step} has its effect, ${idempotencyKey}`)),
    onCallback: (path: string, body: string) => say(visibleLine(`callback at ${path}: ${body.slice(0, 300)}`)),
  }
  try {
    const what = { pattern: pattern!, runtime, timeScale, listen: { host, port }, token, apiEnv, signal, ...heard }
    return await servePattern(what, [...runtimes.values()])
  } catch (error) {
    // Asked to end while it was still starting: it has ended.
    if (signal.aborted && error === signal.reason) return []
    throw error
  }
}

/** The address first: a program may read it there. `token` is one that only we know yet. */
function greeting({ name, delivery, engine }: CatalogPattern, { url, receiverUrl }: Ready, token?: string): string {
  const callback = delivery.callback ? `,"delivery":{"webhook_url":"${receiverUrl}/demo"}` : ''
  const body = `{"type":"agent","input":{"seed":1,"profile":"smoke","job":"first"}${callback}}`
  const asked = '-H "Authorization: Bearer $OUTLAST_TOKEN"'
  return [
    `${name} at ${url}`,
    `${delivery.name} (${delivery.summary})`,
    `${engine.name} (${engine.summary})`,
    '',
    ...(token === undefined ? [] : [`export OUTLAST_TOKEN=${token}`]),
    `curl -i ${url}/v1/tasks ${asked} -H 'Idempotency-Key: first' -H 'Content-Type: application/json' -d '${body}'`,
    `curl ${url}/v1/tasks/TASK_ID ${asked}`,
    ...(delivery.events && delivery.name !== 'websocket'
      ? [`curl -N ${url}/v1/tasks/TASK_ID/events ${asked} -H 'Accept: text/event-stream'`]
      : []),
    `curl ${url}/openapi.json`,
  ].join('\n')
}
