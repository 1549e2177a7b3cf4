import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { basename } from 'node:path'
import pg from 'pg'
import { monotonicMs, sleep } from '../../patterns/contract/types/timer.ts'
import { HarnessError } from '../../harness/core/errors.ts'
import { spawnChild } from '../../harness/os/child.ts'
import { listensOn } from '../../harness/os/listeners.ts'
import { holdLowPort } from '../../harness/os/ports.ts'
import { ProgramError, runProgram } from '../../harness/os/program.ts'
import { becomeReady } from '../../harness/os/readiness.ts'
import { readinessOf, type ProcessCommand, type ProcessPlace, type Ready } from '../server.ts'
import { command as postgresCommand, createTemplate, readPassword, urlOf, takesLogins } from '../postgres/cluster.ts'
import { findTemporal } from './binaries.ts'
import { registerNamespace } from './namespace.ts'
import { command, databases, innerPorts } from './settings.ts'

const host = '127.0.0.1'
const noSignal = new AbortController().signal
const patienceMs = 60_000

/** A cluster to clone from, with Temporal's tables and the namespace: some seconds once per run, not per cell. */
export async function makeTables(dir: string, signal?: AbortSignal): Promise<void> {
  await createTemplate(dir, signal)
  await using stack = new AsyncDisposableStack()
  const ports = await borrowPorts(3 + innerPorts, stack)
  const [storePort, port, controlPort, ...inner] = ports as [number, number, number, ...number[]]
  const store = { dataDir: dir, host, port: storePort, controlPort: storePort }
  // A shutdown in good order, so that no copy begins with a recovery.
  stack.use(await start(await postgresCommand(store), { probe: takesLogins }, store, 'SIGINT'))
  const url = urlOf(`${host}:${storePort}`, await readPassword(dir))
  await untilItTakesQueries(url)
  for (const [database, schema] of schemas) await createSchema(new URL(url), database, schema)
  const scratch = `${dir}.server`
  await mkdir(scratch, { mode: 0o700 })
  stack.defer(() => rm(scratch, { recursive: true }))
  await startOnce({ dataDir: scratch, host, port, controlPort, innerPorts: inner, storeUrl: url })
  await forgetServer(url)
}

const schemas = [
  [databases.store, 'postgresql/v12/temporal'],
  [databases.visibility, 'postgresql/v12/visibility'],
] as const

/** PostgreSQL listens before it takes queries: on a busy machine it says `cannot_connect_now` for a while. */
async function untilItTakesQueries(url: string): Promise<void> {
  for (const giveUpAt = monotonicMs() + patienceMs; ;) {
    const client = new pg.Client(url)
    try {
      await client.connect()
      return await client.end()
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== '57P03' || monotonicMs() > giveUpAt) throw error
    }
    await sleep(25)
  }
}

async function createSchema({ port, username, password }: URL, database: string, schema: string): Promise<void> {
  const { sql } = await findTemporal()
  const login = { SQL_HOST: host, SQL_PORT: port, SQL_USER: username, SQL_PASSWORD: password }
  const env = { ...login, SQL_PLUGIN: 'postgres12', SQL_DATABASE: database }
  for (const args of [['create-database'], ['setup-schema', '-v', '0.0'], ['update-schema', '--schema-name', schema]])
    await runProgram(sql, args, { env }).catch((error: unknown) => {
      if (!(error instanceof ProgramError)) throw error
      const said = `${error.stdout}${error.stderr}`.trim().split('\n').at(-1)
      throw new HarnessError(`Temporal's tables could not be made (${args[0]} ${database}): ${said}`)
    })
}

/** For as long as it takes to register the namespace. */
async function startOnce(server: ProcessPlace): Promise<void> {
  const ready = { http: '/api/v1/system-info', control: true } as const
  await using _running = await start(await command(server), ready, server, 'SIGKILL')
  await registerNamespace(`http://${host}:${server.controlPort}`, AbortSignal.timeout(patienceMs))
}

/** Every copy would look for this server's parts, and give them tasks, until it took them for dead. */
async function forgetServer(url: string): Promise<void> {
  const client = new pg.Client(Object.assign(new URL(url), { pathname: `/${databases.store}` }).href)
  await client.connect()
  await client.query('delete from cluster_membership')
  await client.end()
}

async function start(
  program: ProcessCommand,
  ready: Ready,
  place: ProcessPlace,
  ending: NodeJS.Signals,
): Promise<AsyncDisposable> {
  const logFile = `${place.dataDir}.log`
  const child = await spawnChild({ ...program, logFile })
  const ended = once(child, 'exit')
  try {
    const name = `Temporal's ${basename(program.command)}`
    const isOurs = async (): Promise<boolean | undefined> => listensOn(child.pid!, [place.port, place.controlPort])
    await becomeReady({ name, logFile, ready: readinessOf(ready, place), ended, isTransient: true, isOurs }, noSignal)
  } catch (error) {
    await end(child, 'SIGKILL')
    throw error
  }
  return { [Symbol.asyncDispose]: () => end(child, ending) }
}

async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  // Without a pid it never was.
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill(signal)
  await gone
}

async function borrowPorts(count: number, stack: AsyncDisposableStack): Promise<readonly number[]> {
  const held = await Promise.all(Array.from({ length: count }, () => holdLowPort()))
  return held.map((one) => stack.use(one).port)
}
